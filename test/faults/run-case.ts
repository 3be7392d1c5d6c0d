/** One case of the matrix: a fallback stands still at a point, a process is killed or stopped there, and the end is the same. */
import assert from 'node:assert/strict';
import type { Started } from '../../client/cli/runs.js';
import { processStat } from '../../activities/host/proc.js';
import { poll, type TestInstance } from '../support/instance.js';
import { childrenAt, holdAt } from './held.js';
import { caseName, type Case } from './matrix.js';
import { assertWhole, countsNow, footprintOf, type Footprint } from './same-end.js';
import { isStopped, noticed, strike, targetOf, type Target } from './strike.js';

/** Between two starts of the service's Python: without a pause the loop takes a whole processor. */
const IMPORT_PAUSE_MS = 100;

/** A fallback that nobody disturbs, and the way back. */
export async function undisturbed(it: TestInstance): Promise<Footprint> {
  const before = countsNow(it);
  const result = await it.result(await it.start('fallback', { reason: 'undisturbed' }));
  assert.equal(result.outcome, 'done', result.message);
  const footprint = footprintOf(it, result, before);
  assert.deepEqual([footprint.version, footprint.trees, footprint.isLinked, footprint.serviceStarts, footprint.frozenLists], [it.fallback.version, 1, true, 1, 1]);
  await goBack(it);
  return footprint;
}

/** Undo is the way back between two cases, so that each begins on the primary interpreter. */
async function goBack(it: TestInstance): Promise<void> {
  const { outcome, message } = await it.undo('back for the next case');
  assert.equal(outcome, 'rolled-back', message);
  assert.equal(it.version(), it.primary.version);
}

/** Throws what did not hold. `expected`: the footprint of an undisturbed run. */
export async function runCase(it: TestInstance, one: Case, expected: Footprint): Promise<void> {
  const before = countsNow(it);
  const imports = it.importLoop(IMPORT_PAUSE_MS);
  const held = holdAt(it, one.point);
  let target: Target | null = null;
  try {
    const started = await it.start('fallback', { reason: caseName(one) });
    await held.reached();
    target = await targetOf(it, one, started);
    assert.ok(target.pids.length > 0, 'nobody there to strike');
    await (one.signal === 'SIGKILL' ? kill(target, held.release) : stopAndGoOn(it, one, target, started, held.release));
    const result = await it.result(started);
    await assertVictim(it, one, target);
    assert.deepEqual(footprintOf(it, result, before), expected);
    assertWhole(it, await imports.stop());
  } finally {
    if (target) strike(target, 'SIGCONT');
    held.release();
    await imports.stop();
  }
  await goBack(it);
}

async function kill(target: Target, release: () => void): Promise<void> {
  strike(target, 'SIGKILL');
  await poll(() => target.pids.every((pid) => ['Z', undefined].includes(processStat(pid)?.state)));
  release();
}

async function stopAndGoOn(it: TestInstance, one: Case, target: Target, started: Started, release: () => void): Promise<void> {
  strike(target, 'SIGSTOP');
  await poll(() => isStopped(target));
  release();
  await noticed(it, one, started);
  strike(target, 'SIGCONT');
}

/** What was killed runs again, what was stopped is the same process, and no child is left. */
async function assertVictim(it: TestInstance, { victim, signal, point }: Case, { pids, watch }: Target): Promise<void> {
  if (watch) {
    const { code, signal: by, stdout } = await watch.ended;
    if (signal === 'SIGKILL') assert.equal(by, 'SIGKILL');
    else assert.deepEqual([code, /^done/.test(stdout)], [0, true], `the command that followed said: ${stdout}`);
  } else if (victim !== 'child') {
    const now = (): number | null => it.handle.pids()[victim as 'agent' | 'control' | 'server'];
    if (signal === 'SIGKILL') await poll(() => now() !== pids[0]);
    else assert.equal(now(), pids[0], 'the same process goes on');
  }
  if (point.child) assert.deepEqual(childrenAt(it, point.child), [], 'a child of the run is left');
}
