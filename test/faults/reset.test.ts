/**
 * A run reset by Temporal's own command line is the same chain to the host: orders given again are answered from the
 * journal, and nothing happens there twice.
 */
import assert from 'node:assert/strict';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { RunResult } from '../../policy/model.js';
import type { Started } from '../../client/cli/runs.js';
import { poll, startInstance, type TestInstance } from '../support/instance.js';
import { reset } from './temporal.js';

let it: TestInstance;
before(async () => (it = await startInstance({ leaseQuietSeconds: 2 })), { timeout: 240_000 });
after(() => it?.stop());

const other = (): string => (it.version() === it.primary.version ? it.fallback.version : it.primary.version);
const treesOf = (run: string): string[] => readdirSync(path.join(it.project, '.venvs')).filter((name) => name.startsWith(`${run}-`));

/** What a second effect would show: another link, another inode of it, another process, another tree, another file. */
function footprint(): unknown {
  const { ino, ctimeMs } = lstatSync(it.link);
  const { pid } = JSON.parse(readFileSync(path.join(it.project, 'unit.json'), 'utf8')) as { pid: number };
  const texts = ['.env', '.svc_config'].map((name) => readFileSync(path.join(it.project, name), 'utf8'));
  return { target: readlinkSync(it.link), ino, ctimeMs, pid, trees: readdirSync(path.join(it.project, '.venvs')).sort(), texts };
}

/** Event id of the workflow task that was completed right after the answer to an activity. */
async function taskAfter({ handle }: Started, activity: string): Promise<string> {
  const events = (await handle.fetchHistory()).events ?? [];
  const scheduled = events.find((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === activity)!;
  const completed = events.findIndex((event) => String(event.activityTaskCompletedEventAttributes?.scheduledEventId) === String(scheduled.eventId));
  return String(events.slice(completed).find((event) => event.workflowTaskCompletedEventAttributes)!.eventId);
}

/** Result of the chain's newest execution. */
const again = (started: Started): Promise<RunResult> => it.client.workflow.getHandle(started.workflowId).result() as Promise<RunResult>;

async function changed(): Promise<Started> {
  const started = await it.start('change', { to: other() });
  const result = await it.result(started);
  assert.equal(result.outcome, 'done', result.message);
  return started;
}

test('a finished change reset to its beginning finds that it is not needed', { timeout: 120_000 }, async () => {
  const started = await changed();
  const before = footprint();
  await reset(it, started.workflowId, '--type', 'FirstWorkflowTask');
  const result = await again(started);
  assert.equal(result.outcome, 'not-needed', result.message);
  assert.deepEqual(footprint(), before);
});

for (const [activity, outcome] of Object.entries({ armUndo: 'superseded', prepare: 'superseded', switchLink: 'superseded', settleRiders: 'superseded', closeChange: 'done' })) {
  test(`a finished change reset to after ${activity} gave its lease back: it changes nothing and ends ${outcome}`, { timeout: 120_000 }, async () => {
    const started = await changed();
    const before = footprint();
    await reset(it, started.workflowId, '--event-id', await taskAfter(started, activity));
    const result = await again(started);
    assert.deepEqual(footprint(), before, result.message);
    assert.equal(result.outcome, outcome, result.message);
  });
}

test('a finished change reset to before its lease does not undo what stands: it is over', { timeout: 120_000 }, async () => {
  const started = await changed();
  const before = footprint();
  await reset(it, started.workflowId, '--event-id', await taskAfter(started, 'assess'));
  const result = await again(started);
  assert.deepEqual(footprint(), before, `${result.outcome}: ${result.message}`);
  assert.equal(result.outcome, 'refused');
  assert.match(result.message, /has not closed its change yet, got ch-.*it was reset/);
});

test('a finished undo reset to its beginning does not undo the change before it', { timeout: 120_000 }, async () => {
  await changed();
  await changed();
  const { code, stdout, stderr } = await it.cli('undo', it.project, '--reason', 'test', '--json');
  assert.equal(code, 0, stderr);
  const before = footprint();
  const { workflowId } = it.records().run((JSON.parse(stdout) as RunResult).run)!;
  await reset(it, workflowId, '--type', 'FirstWorkflowTask');
  const result = (await it.client.workflow.getHandle(workflowId).result()) as RunResult;
  assert.deepEqual(footprint(), before, `${result.outcome}: ${result.message}`);
});

test('a change reset while it builds goes on, and builds once', { timeout: 120_000 }, async () => {
  const to = other();
  it.barrier.arm('prepare:started');
  const started = await it.start('change', { to });
  await it.barrier.reached('prepare:started');
  await reset(it, started.workflowId, '--type', 'LastWorkflowTask');
  const { runId } = await it.client.workflow.getHandle(started.workflowId).describe();
  // Both executions' orders are under way on the host when the barrier opens.
  await poll(async () => {
    const { raw } = await it.client.workflow.getHandle(started.workflowId, runId).describe();
    return raw.pendingActivities?.some((one) => one.activityType?.name === 'prepare' && one.lastStartedTime);
  });
  it.barrier.release('prepare:started');
  const result = await again(started);
  assert.equal(result.outcome, 'done', result.message);
  assert.equal(it.version(), to);
  assert.equal(treesOf(started.run).length, 1);
  assert.equal(it.mixed(), '');
  const verdict = it.records().verify();
  assert.equal(verdict.ok, true, JSON.stringify(verdict));
});
