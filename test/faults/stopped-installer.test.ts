/**
 * Decision 15: an installer that is stopped misses its heartbeat; the next attempt begins only when it is dead, and
 * waking it later changes nothing. The same for a whole agent that was stopped in a phase.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { processStat } from '../../activities/host/proc.js';
import type { Started } from '../../client/cli/runs.js';
import type { RunResult } from '../../policy/model.js';
import { abortUpdate } from '../../workflows/messages.js';
import { poll, startInstance, type TestInstance } from '../support/instance.js';
import { installer, installersOf, isAlive, wake, type Installer } from './installers.js';
import { reset } from './temporal.js';

let it: TestInstance;
before(async () => (it = await startInstance()), { timeout: 240_000 });
afterEach(() => void (it.index.mode = 'ok'));
after(() => it?.stop());

const other = (): string => (it.version() === it.primary.version ? it.fallback.version : it.primary.version);
const treeOf = (run: string, attempt: number): string => path.join(it.project, '.venvs', `${run}-${attempt}`);
const treesOf = (run: string): string[] => readdirSync(path.join(it.project, '.venvs')).filter((name) => name.startsWith(`${run}-`));
const servicePid = (): number => (JSON.parse(readFileSync(path.join(it.project, 'unit.json'), 'utf8')) as { pid: number }).pid;

interface Building {
  started: Started;
  chain: string;
  first: Installer;
  to: string;
}

/** A change whose installer waits for a file that never comes whole. */
async function building(): Promise<Building> {
  const to = other();
  it.barrier.arm('prepare:started');
  const started = await it.start('change', { to });
  await it.barrier.reached('prepare:started');
  // The plan was made from whole answers; what the installer had kept goes, so that it must ask.
  rmSync(path.join(it.home, 'state/agent/cache'), { recursive: true, force: true });
  it.index.mode = 'drip';
  it.barrier.release('prepare:started');
  const { runId: chain } = await started.handle.describe();
  const first = await installer(chain, started.run, 1);
  return { started, chain, first, to };
}

/** Stops it for good and lets later attempts have what they ask for. */
function stop({ pid }: Installer): void {
  process.kill(pid, 'SIGSTOP');
  it.index.mode = 'ok';
}

test('decision 15: a stopped installer is dead before attempt 2 builds; waking it then changes nothing', { timeout: 120_000 }, async () => {
  const imports = it.importLoop();
  const { started, first, to } = await building();
  it.barrier.arm('prepare:installed');
  stop(first);
  await poll(() => existsSync(treeOf(started.run, 2)));
  assert.equal(isAlive(first), false, 'the stopped installer was alive while attempt 2 built');
  await it.barrier.reached('prepare:installed');
  wake(first);
  assert.equal(isAlive(first), false);
  it.barrier.release('prepare:installed');
  const result = await it.result(started);
  assert.equal(result.outcome, 'done', result.message);
  assert.deepEqual((await imports.stop()).failed, []);
  assert.equal(it.version(), to);
  assert.deepEqual(treesOf(started.run), [`${started.run}-2`]);
  assert.equal(it.mixed(), '');
});

test('decision 15: an abort while the installer is stopped: it is dead before the undo, and waking it changes nothing', { timeout: 120_000 }, async () => {
  const [was, version, pid] = [readlinkSync(it.link), it.version(), servicePid()];
  const { started, first } = await building();
  it.barrier.arm('undo:intent');
  stop(first);
  const answer = await started.handle.executeUpdate(abortUpdate, { args: [{ by: 'ada', reason: 'it hangs' }] });
  assert.equal(answer.taken, true);
  await it.barrier.reached('undo:intent');
  assert.equal(isAlive(first), false, 'the stopped installer was alive when the undo began');
  wake(first);
  it.barrier.release('undo:intent');
  const result = await it.result(started);
  assert.equal(result.outcome, 'rolled-back', result.message);
  assert.match(result.message, /aborted by ada: it hangs/);
  assert.equal(readlinkSync(it.link), was);
  assert.equal(it.version(), version);
  assert.equal(servicePid(), pid, 'nothing had been switched, so nothing is restarted');
  assert.deepEqual(treesOf(started.run), []);
});

test('a run reset while its installer is stopped: the older execution is dead before the newer one builds', { timeout: 120_000 }, async () => {
  const { started, chain, first, to } = await building();
  stop(first);
  await reset(it, started.workflowId, '--type', 'LastWorkflowTask');
  const result = (await it.client.workflow.getHandle(started.workflowId).result()) as RunResult;
  assert.equal(result.outcome, 'done', result.message);
  assert.equal(isAlive(first), false);
  assert.deepEqual(installersOf(chain, started.run), []);
  assert.equal(it.version(), to);
  assert.equal(treesOf(started.run).length, 1);
});

for (const point of ['prepare:started', 'switch:turning', 'restart:intent'] as const) {
  test(`an agent stopped at ${point} past its heartbeat and woken again: done once, by one of its attempts`, { timeout: 120_000 }, async () => {
    const to = other();
    const imports = it.importLoop();
    it.barrier.arm(point);
    const started = await it.start('change', { to });
    const agent = await it.barrier.reached(point);
    process.kill(agent, 'SIGSTOP');
    try {
      // Attempt 1 missed its heartbeat, and nobody took attempt 2 within its permit.
      await poll(async () => ((await started.handle.query('status')) as { waitsFor: { what: string } | null }).waitsFor?.what.includes(`host ${it.handle.host} to answer`));
      it.barrier.release(point);
      assert.equal(processStat(agent)?.state, 'T');
    } finally {
      process.kill(agent, 'SIGCONT');
    }
    const result = await it.result(started);
    assert.equal(result.outcome, 'done', `${result.message} ${JSON.stringify(result.steps)}`);
    assert.deepEqual((await imports.stop()).failed, []);
    assert.equal(it.handle.pids().agent, agent, 'the same process goes on');
    assert.equal(it.version(), to);
    assert.equal(treesOf(started.run).length, 1);
    assert.equal(it.mixed(), '');
    assert.equal(it.records().verify().ok, true);
  });
}
