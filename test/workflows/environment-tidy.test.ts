import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAILURE } from '../../policy/names.js';
import type { HostLook, RunResult } from '../../policy/model.js';
import { abortUpdate } from '../../workflows/messages.js';
import { environmentTidy, type TidyRequest } from '../../workflows/environment-tidy.js';
import { useEnvironment } from '../support/env.js';
import { fakes, held, lookOf, requestFor, saysNo, type Fakes } from '../support/fake-host.js';

const env = useEnvironment();

const requestOf = (host: string, mode: TidyRequest['mode']): TidyRequest => {
  const { run, env: ref, reason, requester, policyDigest, tuning } = requestFor(host);
  return { run, env: ref, mode, reason, requester, policyDigest, ...(tuning ? { tuning } : {}) };
};

async function run(t: { name: string }, f: Fakes, mode: TidyRequest['mode']): Promise<RunResult> {
  return env.withWorker(t, { activities: f.control, hostActivities: f.host }, ({ client, taskQueue, host, id }) =>
    client.workflow.execute(environmentTidy, { taskQueue, workflowId: id('tidy'), args: [requestOf(host, mode)] }));
}

/** A directory at the link. */
const directory = async ({ env: { host } }: { env: { host: string } }): Promise<HostLook> => {
  const look = lookOf(host);
  return { ...look, linkState: 'directory', current: { ...look.current!, id: 'adopted-1', manifestScope: 'without-bytecode' } };
};

const stepsOf = ({ steps }: RunResult): string[] => steps.map(({ step, ok }) => `${step}${ok ? '' : ' ✗'}`);

test('prune: the lease, what every change does when it closes, and the end', async (t) => {
  const f = fakes({ host: { closeChange: async () => ({ pruned: ['ch-old-1', 'ch-old-2'], kept: ['ch-new-1'], workMs: 1 }) } });
  const result = await run(t, f, 'prune');
  assert.deepEqual([result.outcome, result.kind, result.message], ['done', 'change', 'ch-old-1, ch-old-2 removed; 1 environment kept in .venvs']);
  assert.deepEqual(f.calls.filter((name) => name !== 'appendRecords'), ['acquireLease', 'closeChange']);
  assert.deepEqual([result.from, result.to, stepsOf(result)], [null, null, ['close']]);
});

test('prune of what has nothing to prune is not needed', async (t) => {
  const result = await run(t, fakes(), 'prune');
  assert.deepEqual([result.outcome, result.message], ['not-needed', 'nothing to prune; 0 environments kept in .venvs']);
});

test('prune of an environment that an ended run left half-done is refused in its words', async (t) => {
  const f = fakes({ host: { acquireLease: async () => { throw saysNo(FAILURE.HostRefused, 'what ch-gone left'); } } });
  const result = await run(t, f, 'prune');
  assert.deepEqual([result.outcome, result.objections[0]!.what], ['refused', 'what ch-gone left']);
  assert.ok(!f.calls.includes('closeChange'));
});

test('invariant 1: adopt proves the directory before it touches it, under the lease', async (t) => {
  const f = fakes({ host: { look: directory } });
  const result = await run(t, f, 'adopt');
  assert.deepEqual([result.outcome, result.from, result.to], ['done', '3.12.1', '3.12.1']);
  assert.match(result.message, /is a link to \.venvs\/adopted-1 now, on 3\.12\.1 as before/);
  assert.deepEqual(f.calls.filter((name) => name !== 'appendRecords'), ['look', 'acquireLease', 'armUndo', 'adoptLink', 'closeChange']);
  assert.deepEqual(stepsOf(result), ['plan', 'arm', 'adopt', 'close']);
  assert.deepEqual(f.orders.map(({ step, epoch, chain }) => [step, epoch, chain === f.orders[0]!.chain]), [['arm', 7, true], ['adopt', 7, true], ['close', 7, true]]);
});

test('what is a link of ours already needs no adoption; nothing is taken or touched', async (t) => {
  const f = fakes();
  const result = await run(t, f, 'adopt');
  assert.deepEqual([result.outcome, result.objections], ['not-needed', []]);
  assert.match(result.message, /is a link to \.venvs\/old-1 already/);
  assert.ok(!f.calls.includes('acquireLease') && !f.calls.includes('adoptLink'));
});

test('where nothing stands there is nothing to adopt: refused in the host\'s words', async (t) => {
  const nothing = { what: '/srv/p/.venv', expected: 'an environment to return to', got: 'nothing there', wayOut: 'runbook env create /srv/p' };
  const f = fakes({ host: { look: async ({ env: { host } }) => ({ ...lookOf(host), linkState: 'missing', current: null, objections: [nothing] }) } });
  const result = await run(t, f, 'adopt');
  assert.deepEqual([result.outcome, result.objections, stepsOf(result)], ['refused', [nothing], ['plan ✗']]);
  assert.ok(!f.calls.includes('acquireLease'));
});

test('a directory that does not run is refused: no armed undo, no change', async (t) => {
  const f = fakes({ host: { look: directory, armUndo: async () => { throw saysNo(FAILURE.UndoNotProven, 'its interpreter'); }, undo: async () => ({ outcome: 'nothing-to-undo', version: null, verified: true, problem: '', workMs: 1 }) } });
  const result = await run(t, f, 'adopt');
  assert.equal(result.outcome, 'refused');
  assert.ok(!f.calls.includes('adoptLink') && f.calls.includes('closeChange'), 'the lease is given back');
});

test('an adoption that was given back is rolled back, proven, and its lease is free', async (t) => {
  const f = fakes({ host: { look: directory, adoptLink: async () => { throw saysNo(FAILURE.VerificationFailed, 'a directory again'); }, undo: async () => ({ outcome: 'nothing-to-undo', version: '3.12.1', verified: true, problem: '', workMs: 1 }) } });
  const result = await run(t, f, 'adopt');
  assert.equal(result.outcome, 'rolled-back');
  assert.match(result.message, /a directory again; nothing had been switched/);
  assert.deepEqual(stepsOf(result), ['plan', 'arm', 'adopt ✗', 'undo', 'close']);
});

test('an abort during the exchange is answered by the end: it is adopted, and the lease is free', async (t) => {
  const exchange = held({ tree: 'adopted-1', version: '3.12.1', workMs: 1 });
  const f = fakes({ host: { look: directory, adoptLink: exchange.act } });
  const result = await env.withWorker(t, { activities: f.control, hostActivities: f.host }, async ({ client, taskQueue, host, id }) => {
    const handle = await client.workflow.start(environmentTidy, { taskQueue, workflowId: id('tidy'), args: [requestOf(host, 'adopt')] });
    await exchange.reached;
    await handle.executeUpdate(abortUpdate, { args: [{ by: 'alice', reason: 'not now' }] });
    exchange.release();
    return handle.result();
  });
  assert.equal(result.outcome, 'done');
  assert.ok(f.calls.includes('closeChange') && !f.calls.includes('undo'));
});

test('an abort while it waits for another run ends it; the environment is not touched', async (t) => {
  const holder = { workflowId: 'w', chain: 'c', run: 'ch-busy' };
  const busy = saysNo(FAILURE.LeaseBusy, 'ch-busy has it');
  Object.assign(busy, { details: [{ holder, position: 1, since: '' }], nonRetryable: false });
  let asked!: () => void;
  const wasAsked = new Promise<void>((resolve) => (asked = resolve));
  const f = fakes({ host: { look: directory, acquireLease: async () => { throw busy; } }, control: { isChainClosed: async () => (asked(), false) } });
  const result = await env.withWorker(t, { activities: f.control, hostActivities: f.host }, async ({ client, taskQueue, host, id }) => {
    const handle = await client.workflow.start(environmentTidy, { taskQueue, workflowId: id('tidy'), args: [requestOf(host, 'prune')] });
    await wasAsked;
    await handle.executeUpdate(abortUpdate, { args: [{ by: 'alice', reason: 'not now' }] });
    return handle.result();
  });
  assert.deepEqual([result.outcome, result.message], ['rolled-back', 'stopped by alice: not now; the environment was not touched']);
  assert.ok(!f.calls.includes('closeChange'));
});
