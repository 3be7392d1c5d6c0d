/** One case of the matrix: a fallback stands still at a point, a process is killed or stopped there, and the end is the same. */
import assert from 'node:assert/strict';
import type { Started } from '../../client/cli/runs.js';
import type { Outcome } from '../../policy/model.js';
import { processStat } from '../../activities/host/proc.js';
import { poll, type TestInstance } from '../support/instance.js';
import { childrenAt, holdAt, type Held } from './held.js';
import { exitCodeOf } from '../../client/cli/io.js';
import { caseName, type Case, type ScenarioName } from './matrix.js';
import { SCENARIOS } from './scenarios.js';
import { assertWhole, countsNow, footprintOf, type Footprint } from './same-end.js';
import { isStopped, noticed, strike, targetOf, type Target } from './strike.js';

/** A fallback that nobody disturbs, and the way back. */
export async function undisturbed(it: TestInstance, name: ScenarioName): Promise<Footprint> {
  const { ends } = SCENARIOS[name];
  const before = countsNow(it);
  const { started, release } = await ledOn(it, name, 'undisturbed', () => ({ reached: async () => undefined, release: () => undefined }));
  release();
  const result = await it.result(started);
  assert.equal(result.outcome, ends.outcome, result.message);
  const footprint = footprintOf(it, result, before);
  const { version, trees, isLinked, serviceStarts, frozenLists } = footprint;
  assert.deepEqual({ version, trees, isLinked, serviceStarts, frozenLists }, { version: it[ends.on].version, trees: ends.trees, isLinked: ends.isLinked, serviceStarts: ends.serviceStarts, frozenLists: 1 });
  await goBack(it);
  return footprint;
}

/** Starts a fallback, led where the scenario leads it, and waits until it stands where `hold` holds it. */
async function ledOn(it: TestInstance, name: ScenarioName, reason: string, hold: () => Held): Promise<{ started: Started; release(): void }> {
  const { begin, lead } = SCENARIOS[name];
  begin(it);
  if (lead) it.barrier.arm(lead.point);
  let held = lead ? null : hold();
  try {
    const started = await it.start('fallback', { reason });
    if (lead) {
      await it.barrier.reached(lead.point);
      lead.act(it);
      held = hold();
      it.barrier.release(lead.point);
    }
    await held!.reached();
    return { started, release: () => held!.release() };
  } catch (error) {
    if (lead) it.barrier.release(lead.point);
    held?.release();
    throw error;
  }
}

/** Undo is the way back between two cases, so that each begins on the primary interpreter. */
async function goBack(it: TestInstance): Promise<void> {
  if (it.version() === it.primary.version) return;
  const { outcome, message } = await it.undo('back for the next case');
  assert.equal(outcome, 'rolled-back', message);
  assert.equal(it.version(), it.primary.version);
}

/** Throws what did not hold. `expected`: the footprint of an undisturbed run. */
export async function runCase(it: TestInstance, one: Case, expected: Footprint): Promise<void> {
  const before = countsNow(it);
  const imports = it.importLoop();
  let target: Target | null = null;
  let letGo = (): void => undefined;
  try {
    const { started, release } = await ledOn(it, one.point.scenario, caseName(one), () => holdAt(it, one.point));
    letGo = release;
    target = await targetOf(it, one, started);
    assert.ok(target.pids.length > 0, 'nobody there to strike');
    await (one.signal === 'SIGKILL' ? kill(target, release) : stopAndGoOn(it, one, target, started, release));
    const result = await it.result(started);
    await assertVictim(it, one, target, expected.outcome);
    assert.deepEqual(footprintOf(it, result, before), expected);
    assertWhole(it, await imports.stop());
  } finally {
    if (target) strike(target, 'SIGCONT');
    letGo();
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
async function assertVictim(it: TestInstance, { victim, signal, point }: Case, { pids, watch }: Target, outcome: Outcome): Promise<void> {
  if (watch) {
    const { code, signal: by, stdout } = await watch.ended;
    if (signal === 'SIGKILL') assert.equal(by, 'SIGKILL');
    else assert.deepEqual([code, stdout.startsWith(outcome)], [exitCodeOf(outcome, 'fallback'), true], `the command that followed said: ${stdout}`);
  } else if (victim !== 'child') {
    const now = (): number | null => it.handle.pids()[victim as 'agent' | 'control' | 'server'];
    if (signal === 'SIGKILL') await poll(() => now() !== pids[0]);
    else assert.equal(now(), pids[0], 'the same process goes on');
  }
  if (point.child) assert.deepEqual(childrenAt(it, point.child), [], 'a child of the run is left');
}
