import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { FAILURE } from '../../policy/names.js';
import type { RunResult, UndoRequest } from '../../policy/model.js';
import { environmentUndo } from '../../workflows/environment-undo.js';
import { abortUpdate } from '../../workflows/messages.js';
import { useEnvironment } from '../support/env.js';
import { fakes, held, requestFor, saysNo, type Fakes } from '../support/fake-host.js';

const env = useEnvironment();

type Handle = WorkflowHandle<typeof environmentUndo>;

/** `meanwhile`: what happens while it runs. */
async function run(t: { name: string }, f: Fakes, mode: UndoRequest['mode'] = 'undo', meanwhile: (handle: Handle) => Promise<void> = async () => undefined): Promise<RunResult> {
  return env.withWorker(t, { activities: f.control, hostActivities: f.host }, async ({ client, taskQueue, host, id }) => {
    const { run: name, env: ref, reason, requester, tuning } = requestFor(host);
    const handle = await client.workflow.start(environmentUndo, { taskQueue, workflowId: id('undo'), args: [{ run: name, env: ref, reason, requester, mode, ...(tuning ? { tuning } : {}) }] });
    await meanwhile(handle);
    return handle.result();
  });
}

/** An order that takes its time, ends by itself when released, and stops at once when it is cancelled. */
function stoppable<T>(answer: T) {
  const hold = held(answer);
  const act = async (): Promise<T> => {
    const { heartbeat, cancelled } = Context.current();
    const beat = setInterval(() => heartbeat(), 100);
    try {
      return await Promise.race([hold.act(), cancelled]);
    } finally {
      clearInterval(beat);
    }
  };
  return { ...hold, act };
}

test('an undo is said when it is verified, and takes the lease from a forward run', async (t) => {
  const priorities: string[] = [];
  const f = fakes({ host: { acquireLease: async ({ priority }) => (priorities.push(priority), { epoch: 8 }) } });
  const result = await run(t, f);
  assert.equal(result.outcome, 'rolled-back');
  assert.equal(result.to, '3.12.1');
  assert.deepEqual(priorities, ['undo']);
  assert.ok(f.entries.some((e) => e.event === 'undo' && e.data['verified'] === true));
});

test('invariant 4: an undo that is not verified yet is given again before a person is asked', { timeout: 60_000 }, async (t) => {
  let times = 0;
  const f = fakes({ host: { undo: async () => ({ outcome: 'restored', version: '3.12.1', verified: ++times > 1, problem: 'p is not healthy', workMs: 1 }) } });
  const result = await run(t, f);
  assert.equal(result.outcome, 'rolled-back');
  assert.equal(times, 2);
});

test('a tree whose files differ is not asked for again: a person is, at once', async (t) => {
  let times = 0;
  const f = fakes({ host: { undo: async () => (times++, { outcome: 'restored', version: '3.12.1', verified: false, problem: 'old-1: somebody changed its files', final: true, workMs: 1 }) } });
  const result = await run(t, f);
  assert.equal(result.outcome, 'rollback-incomplete');
  assert.match(result.message, /somebody changed its files/);
  assert.equal(times, 1);
  assert.ok(!f.calls.includes('closeChange'), 'the environment stays unsettled');
});

test('a link somebody else changed is left alone', async (t) => {
  const f = fakes({ host: { undo: async () => ({ outcome: 'superseded', version: null, verified: false, problem: 'the link leads elsewhere', workMs: 1 }) } });
  const result = await run(t, f);
  assert.equal(result.outcome, 'superseded');
  assert.match(result.message, /leads elsewhere/);
});

test('nothing to undo is not a failure', async (t) => {
  const f = fakes({ host: { undo: async () => ({ outcome: 'nothing-to-undo', version: null, verified: true, problem: '', workMs: 1 }) } });
  assert.equal((await run(t, f)).outcome, 'not-needed');
});

test('settle --keep verifies what stands before it says done', async (t) => {
  const f = fakes();
  const result = await run(t, f, 'keep');
  assert.equal(result.outcome, 'done');
  assert.ok(f.calls.includes('keep') && !f.calls.includes('undo') && f.calls.includes('closeChange'));
});

test('settle --keep of a tree that differs from its seal asks for a person, and closes nothing', async (t) => {
  const f = fakes({ host: { keep: async () => ({ ok: false, tree: 't', version: null, problem: 't differs from its seal', workMs: 1 }) } });
  const result = await run(t, f, 'keep');
  assert.equal(result.outcome, 'rollback-incomplete');
  assert.ok(!f.calls.includes('closeChange'));
});

test('a host that refuses the undo is refused in its words', async (t) => {
  const f = fakes({ host: { acquireLease: async () => { throw saysNo(FAILURE.HostRefused, '/etc'); } } });
  const result = await run(t, f);
  assert.equal(result.outcome, 'refused');
  assert.equal(result.objections[0]!.what, '/etc');
});

/** Longer than a cancellation takes to reach an order that beats ten times a second. */
const TOLD_MS = 2_500;

test('invariant 2, decision 19: a native cancel is an abort by temporal, and does not stop an undo half-way', { timeout: 60_000 }, async (t) => {
  const undo = stoppable({ outcome: 'restored' as const, version: '3.12.1', verified: true, problem: '', workMs: 1 });
  const f = fakes({ host: { undo: undo.act } });
  const result = await run(t, f, 'undo', async (handle) => {
    await undo.reached;
    await handle.cancel();
    await sleep(TOLD_MS);
    undo.release();
  });
  assert.equal(result.outcome, 'rolled-back');
  assert.ok(f.calls.includes('closeChange'));
  assert.deepEqual(f.entries.filter(({ event }) => event === 'aborted').map(({ actor }) => actor), ['temporal']);
});

test('nor settle --keep, nor while it waits for the lease', { timeout: 60_000 }, async (t) => {
  const lease = stoppable({ epoch: 8 });
  const result = await run(t, fakes({ host: { acquireLease: lease.act } }), 'keep', async (handle) => {
    await lease.reached;
    await handle.cancel();
    await sleep(TOLD_MS);
    lease.release();
  });
  assert.equal(result.outcome, 'done');
});

test('who aborts an undo is told that it goes on', { timeout: 60_000 }, async (t) => {
  const undo = stoppable({ outcome: 'restored' as const, version: '3.12.1', verified: true, problem: '', workMs: 1 });
  const result = await run(t, fakes({ host: { undo: undo.act } }), 'undo', async (handle) => {
    await undo.reached;
    const answer = await handle.executeUpdate(abortUpdate, { args: [{ by: 'alice', reason: 'too slow' }] });
    assert.deepEqual(answer, { taken: true, message: 'noted; an undo is not stopped half-way' });
    undo.release();
  });
  assert.equal(result.outcome, 'rolled-back');
});
