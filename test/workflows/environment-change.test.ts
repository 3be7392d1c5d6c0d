import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WithStartWorkflowOperation } from '@temporalio/client';
import { FAILURE } from '../../policy/names.js';
import type { RunResult } from '../../policy/model.js';
import type { HostActivities } from '../../activities/host/contract.js';
import { environmentChange } from '../../workflows/environment-change.js';
import { abortSignal, abortUpdate, statusQuery } from '../../workflows/messages.js';
import { useEnvironment } from '../support/env.js';
import { fakes, held, planOf, requestFor, saysNo, SETTINGS, VERIFIED, type Fakes } from '../support/fake-host.js';

const env = useEnvironment();

/** Orders that change a host, in the order they were given. */
const CHANGING = new Set(['armUndo', 'prepare', 'verifyTree', 'switchLink', 'configure', 'settleRiders', 'undo', 'closeChange']);
const changes = (f: Fakes): string[] => f.calls.filter((name) => CHANGING.has(name));

async function run(t: { name: string }, f: Fakes, patch: object = {}): Promise<RunResult> {
  return env.withWorker(t, { activities: f.control, hostActivities: f.host }, ({ client, taskQueue, host, id }) =>
    client.workflow.execute(environmentChange, { taskQueue, workflowId: id('change'), args: [{ ...requestFor(host), ...patch }] }));
}

test('invariant 1, decision 16, WF-24, DEF-26: arming is complete before the first order that changes anything, and success is said last', async (t) => {
  const f = fakes();
  const result = await run(t, f);
  assert.equal(result.outcome, 'done');
  assert.deepEqual(changes(f), ['armUndo', 'prepare', 'verifyTree', 'switchLink', 'configure', 'settleRiders', 'closeChange']);
  assert.ok(f.calls.indexOf('acquireLease') < f.calls.indexOf('armUndo'));
  assert.deepEqual(f.entries.filter((e) => e.event === 'outcome').map((e) => e.data['outcome']), ['done']);
  assert.equal(f.entries.at(-1)?.event, 'outcome');
});

test('orders grow, carry the lease\'s epoch and one chain', async (t) => {
  const f = fakes();
  await run(t, f);
  const sequence = f.orders.map((order) => order.seq);
  assert.deepEqual(sequence, [...sequence].sort((a, b) => a - b));
  assert.equal(new Set(sequence).size, sequence.length);
  assert.deepEqual(new Set(f.orders.map((order) => order.epoch)), new Set([7]));
  assert.equal(new Set(f.orders.map((order) => order.chain)).size, 1);
});

test('decision 23: each step is on record before the next order is given, with unique keys', async (t) => {
  const f = fakes();
  await run(t, f);
  const steps = ['armUndo', 'prepare', 'verifyTree', 'switchLink', 'settleRiders', 'verifyLink'];
  for (const step of steps) assert.equal(f.calls[f.calls.indexOf(step) + 1], 'appendRecords', `records after ${step}`);
  assert.equal(new Set(f.entries.map((e) => e.key)).size, f.entries.length);
  assert.ok(f.entries.every((e) => e.justification === 'because' && e.actor === 'bob'));
});

test('invariant 14: a refused look ends as refused; nothing was ordered', async (t) => {
  const f = fakes({ host: { look: async () => { throw saysNo(FAILURE.HostRefused, '/etc'); } } });
  const result = await run(t, f);
  assert.equal(result.outcome, 'refused');
  assert.deepEqual(result.objections.map((o) => o.what), ['/etc']);
  assert.deepEqual(changes(f), []);
  assert.ok(!f.calls.includes('acquireLease'));
});

test('a plan that is not the one agreed to is refused before the lease', async (t) => {
  const f = fakes();
  const result = await run(t, f, { planDigest: 'e'.repeat(64) });
  assert.equal(result.outcome, 'refused');
  assert.match(result.message, /plan changed since it was agreed to/);
  assert.ok(!f.calls.includes('acquireLease'));
});

test('WF-26, WF-42: a verification that says no is undone and never switched', async (t) => {
  const no = { ...VERIFIED, ok: false, imports: { ok: false, passed: 0, total: 1, failures: [{ module: 'numpy', error: 'ImportError', class: 'IMPORT_ABI' as const }] } };
  const f = fakes({ host: { verifyTree: async () => no, undo: async () => ({ outcome: 'nothing-to-undo', version: null, verified: true, problem: '', workMs: 0 }) } });
  const result = await run(t, f);
  assert.equal(result.outcome, 'rolled-back');
  assert.match(result.message, /import numpy: ImportError.*nothing had been switched/);
  assert.deepEqual(changes(f), ['armUndo', 'prepare', 'verifyTree', 'undo', 'closeChange']);
});

test('invariant 2: riders that are not healthy after the switch bring the old environment back', async (t) => {
  const f = fakes({ host: { settleRiders: async () => ({ restarted: [], left: [], healthy: false, problem: 'p did not answer within 5 s', workMs: 1 }) } });
  const result = await run(t, f);
  assert.equal(result.outcome, 'rolled-back');
  assert.match(result.message, /p did not answer within 5 s; back on 3\.12\.1, verified/);
});

test('invariant 4: an undo that is not verified ends as rollback-incomplete, and gives no lease back', async (t) => {
  const f = fakes({ host: {
    switchLink: async () => { throw saysNo(FAILURE.CommandFailed, 'rename'); },
    undo: async () => { throw saysNo(FAILURE.RollbackIncomplete, 'old tree differs'); },
  } });
  const result = await run(t, f);
  assert.equal(result.outcome, 'rollback-incomplete');
  assert.match(result.message, /undo on h-.* is not verified.*--local/);
  assert.ok(!f.calls.includes('closeChange'));
});

test('a fenced order ends as superseded and touches nothing more', async (t) => {
  const f = fakes({ host: { prepare: async () => { throw saysNo(FAILURE.Fenced); } } });
  const result = await run(t, f);
  assert.equal(result.outcome, 'superseded');
  assert.deepEqual(changes(f), ['armUndo', 'prepare']);
});

test('what arming refuses is refused, with the lease given back', async (t) => {
  const f = fakes({ host: { armUndo: async () => { throw saysNo(FAILURE.PlanChanged, 'manifest'); }, undo: async () => ({ outcome: 'nothing-to-undo', version: null, verified: true, problem: '', workMs: 0 }) } });
  const result = await run(t, f);
  assert.equal(result.outcome, 'refused');
  assert.deepEqual(changes(f), ['armUndo', 'undo', 'closeChange']);
});

test('decision 19: an abort during prepare undoes; a second one is answered with the first', async (t) => {
  const hold = held({ id: 'x-1', path: '/x', installer: 'uv' as const, packages: 1, asUser: 'p', workMs: 1 });
  const f = fakes({ host: { prepare: hold.act as HostActivities['prepare'] } });
  const result = await env.withWorker(t, { activities: f.control, hostActivities: f.host }, async ({ client, taskQueue, host, id }) => {
    const handle = await client.workflow.start(environmentChange, { taskQueue, workflowId: id('change'), args: [requestFor(host)] });
    await hold.reached;
    assert.equal((await handle.query(statusQuery)).step, 'prepare');
    const first = await handle.executeUpdate(abortUpdate, { args: [{ by: 'alice', reason: 'wrong lock' }] });
    const second = await handle.executeUpdate(abortUpdate, { args: [{ by: 'carol', reason: 'me too' }] });
    assert.equal(first.taken, true);
    assert.deepEqual(second, { taken: false, message: 'already asked by alice: wrong lock' });
    hold.release();
    return handle.result();
  });
  assert.equal(result.outcome, 'rolled-back');
  assert.match(result.message, /aborted by alice: wrong lock/);
  assert.ok(f.calls.includes('undo') && !f.calls.includes('switchLink'));
  assert.ok(f.entries.some((e) => e.event === 'aborted' && e.actor === 'alice'));
});

test('decision 19: a native cancel counts as an abort by temporal', async (t) => {
  const hold = held({ id: 'x-1', path: '/x', installer: 'uv' as const, packages: 1, asUser: 'p', workMs: 1 });
  const f = fakes({ host: { prepare: hold.act as HostActivities['prepare'] } });
  const result = await env.withWorker(t, { activities: f.control, hostActivities: f.host }, async ({ client, taskQueue, host, id }) => {
    const handle = await client.workflow.start(environmentChange, { taskQueue, workflowId: id('change'), args: [requestFor(host)] });
    await hold.reached;
    await handle.cancel();
    hold.release();
    return handle.result();
  });
  assert.equal(result.outcome, 'rolled-back');
  assert.match(result.message, /aborted by temporal/);
});

test('invariant 10: records that can\'t be written stop forward before the next order, and not the undo', async (t) => {
  let broken = false;
  const f = fakes({
    host: { switchLink: async (_o, { tree }) => ((broken = true), { from: 'old-1', to: tree, adopted: false, renameMs: 0.1, workMs: 1 }), undo: async () => ((broken = false), { outcome: 'restored', version: '3.12.1', verified: true, problem: '', workMs: 1 }) },
    control: { appendRecords: async ({ entries }) => { if (broken) throw new Error('disk full'); f.entries.push(...entries); return { head: { seq: 1, hash: '' } }; } },
  });
  const result = await env.withWorker(t, { activities: f.control, hostActivities: f.host }, async ({ client, taskQueue, host, id }) => {
    const handle = await client.workflow.start(environmentChange, { taskQueue, workflowId: id('change'), args: [requestFor(host)] });
    while (!broken) await new Promise((resolve) => setTimeout(resolve, 20));
    while (f.calls.filter((name) => name === 'appendRecords').length < 6) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok(!f.calls.includes('configure'), 'forward waits for the records');
    await handle.executeUpdate(abortUpdate, { args: [{ by: 'bob', reason: 'records are down' }] });
    return handle.result();
  });
  assert.equal(result.outcome, 'rolled-back');
  assert.ok(f.calls.indexOf('undo') > 0);
  assert.equal(new Set(f.entries.map((e) => e.key)).size, f.entries.length, 'nothing doubled');
});

test('invariant 3: a run that waits says for whom, asks whether the holder is alive, and goes on when it is not', async (t) => {
  let ended = false;
  const busy = { workflowId: 'change/other', chain: 'c', run: 'ch-held' };
  const { ApplicationFailure } = await import('@temporalio/common');
  const f = fakes({
    host: {
      acquireLease: async () => { if (!ended) throw ApplicationFailure.create({ message: 'busy', type: FAILURE.LeaseBusy, details: [{ holder: busy, position: 1, since: '' }], nextRetryDelay: 200 }); return { epoch: 9 }; },
      holderEnded: async () => ((ended = true), { result: 'freed' }),
    },
    control: { isChainClosed: async () => f.calls.filter((name) => name === 'isChainClosed').length > 0 },
  });
  const result = await run(t, f);
  assert.equal(result.outcome, 'done');
  assert.ok(f.calls.indexOf('isChainClosed') < f.calls.indexOf('holderEnded'));
});

test('decision 18: a silent host is waited for, and the order is given anew with higher attempts', async (t) => {
  const f = fakes();
  const { arm, host } = await env.withWorker(t, { activities: f.control }, async ({ client, taskQueue, host: name, id }) => {
    const handle = await client.workflow.start(environmentChange, { taskQueue, workflowId: id('change'), args: [requestFor(name)] });
    while (!(await handle.query(statusQuery)).waitsFor) await new Promise((resolve) => setTimeout(resolve, 50));
    const waiting = await handle.query(statusQuery);
    await handle.terminate('seen');
    return { arm: waiting.waitsFor, host: name };
  });
  assert.deepEqual(arm?.what, `host ${host} to answer`);
  assert.match(arm?.command ?? '', /runbook agent/);
});

/** The project allows a new environment this many times the old one's time. */
const withLimit = (maxSlowdown: number | null, ratio: number | null): Fakes => fakes({
  control: { makePlan: async ({ request }) => ({ refused: null, plan: { ...planOf(request), settings: { ...SETTINGS, performance: { name: 'sum', setup: '', statement: '1', maxSlowdown } } }, lines: [] }) },
  host: { measure: async ({ probe }) => ({ probe: probe.name, ran: true, beforeMs: 10, afterMs: 20, baselineMs: null, ratio, band: 'slower', summary: '20 ms, before 10 ms', workMs: 1 }) },
});

test('an environment slower than the project allows is not switched to', async (t) => {
  const f = withLimit(1.5, 2);
  const result = await run(t, f);
  assert.equal(result.outcome, 'rolled-back');
  assert.match(result.message, /expected at most 1\.5 times .* got 2\.00/);
  assert.ok(!f.calls.includes('switchLink'));
});

test('one that is fast enough, or could not be compared, is; without a limit nothing is measured before the switch', async (t) => {
  const done = await run(t, withLimit(3, 2));
  assert.deepEqual([done.outcome, done.performance?.ratio, done.trees], ['done', 2, { from: 'old-1', to: 'ch-test-1' }]);
  assert.equal((await run({ name: `${t.name} (unknown)` }, withLimit(3, null))).outcome, 'done');
  const f = withLimit(null, 2);
  assert.equal((await run({ name: `${t.name} (no limit)` }, f)).outcome, 'done');
  assert.ok(!f.calls.includes('measure'));
});

test('invariant 10: an abort that comes while records are being written is on record too', async (t) => {
  const writing = held(undefined);
  const entries: { event: string }[] = [];
  let isHeld = false;
  const f = fakes({
    control: {
      appendRecords: async ({ entries: batch }) => {
        const isArm = !isHeld && batch.some(({ data }) => data['step'] === 'arm');
        if (isArm) await ((isHeld = true), writing.act());
        entries.push(...batch);
        return { head: { seq: entries.length, hash: '' } };
      },
    },
  });
  const result = await env.withWorker(t, { activities: f.control, hostActivities: f.host }, async ({ client, taskQueue, host, id }) => {
    const handle = await client.workflow.start(environmentChange, { taskQueue, workflowId: id('change'), args: [requestFor(host)] });
    await writing.reached;
    await handle.executeUpdate(abortUpdate, { args: [{ by: 'alice', reason: 'not today' }] });
    writing.release();
    return handle.result();
  });
  assert.equal(result.outcome, 'rolled-back');
  assert.equal(entries.filter(({ event }) => event === 'aborted').length, 1);
});

test('an abort that comes with the first task is taken, and the run is still its requester\'s', async (t) => {
  const f = fakes();
  const result = await env.withWorker(t, { activities: f.control, hostActivities: f.host }, async ({ client, taskQueue, host, id }) => {
    const startWorkflowOperation = new WithStartWorkflowOperation(environmentChange, { taskQueue, workflowId: id('change'), args: [requestFor(host)], workflowIdConflictPolicy: 'FAIL' });
    const answer = await client.workflow.executeUpdateWithStart(abortUpdate, { startWorkflowOperation, args: [{ by: 'mallory', reason: 'oops' }] });
    assert.equal(answer.taken, true);
    return (await startWorkflowOperation.workflowHandle()).result();
  });
  assert.equal(result.outcome, 'rolled-back');
  assert.deepEqual(f.entries.slice(0, 2).map(({ event, actor }) => [event, actor]), [['run-started', 'bob'], ['aborted', 'mallory']]);
});

test('invariant 10: an abort whose words no record could hold is refused, and the run goes on to be stopped by one that can be kept', async (t) => {
  const hold = held({ id: 'x-1', path: '/x', installer: 'uv' as const, packages: 1, asUser: 'p', workMs: 1 });
  const f = fakes({ host: { prepare: hold.act as HostActivities['prepare'] } });
  const result = await env.withWorker(t, { activities: f.control, hostActivities: f.host }, async ({ client, taskQueue, host, id }) => {
    const handle = await client.workflow.start(environmentChange, { taskQueue, workflowId: id('change'), args: [requestFor(host)] });
    await hold.reached;
    for (const unfit of [{ by: '', reason: 'x' }, { by: 'a\nb', reason: 'x' }, { by: 'alice', reason: 'x'.repeat(300_000) }, {} as { by: string; reason: string }]) {
      await assert.rejects(handle.executeUpdate(abortUpdate, { args: [unfit] }), { name: 'WorkflowUpdateFailedError' });
      await handle.signal(abortSignal, unfit);
    }
    assert.equal((await handle.executeUpdate(abortUpdate, { args: [{ by: 'alice', reason: 'wrong lock' }] })).taken, true);
    hold.release();
    return handle.result();
  });
  assert.equal(result.outcome, 'rolled-back');
  assert.deepEqual(f.entries.filter(({ event }) => event === 'aborted').map(({ actor }) => actor), ['alice']);
});

test('a step that was done when an abort came is told once, as done', async (t) => {
  const hold = held({ id: 'x-1', path: '/x', installer: 'uv' as const, packages: 1, asUser: 'p', workMs: 1 });
  const f = fakes({ host: { prepare: hold.act as HostActivities['prepare'] } });
  const result = await env.withWorker(t, { activities: f.control, hostActivities: f.host }, async ({ client, taskQueue, host, id }) => {
    const handle = await client.workflow.start(environmentChange, { taskQueue, workflowId: id('change'), args: [requestFor(host)] });
    await hold.reached;
    await handle.executeUpdate(abortUpdate, { args: [{ by: 'alice', reason: 'wrong lock' }] });
    hold.release();
    return handle.result();
  });
  assert.deepEqual(result.steps.filter(({ step }) => step === 'prepare').map(({ ok }) => ok), [true]);
  assert.deepEqual(f.entries.filter(({ data }) => data['step'] === 'prepare').map(({ event }) => event), ['step-done']);
});
