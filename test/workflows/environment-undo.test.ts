import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAILURE } from '../../policy/names.js';
import type { RunResult, UndoRequest } from '../../policy/model.js';
import { environmentUndo } from '../../workflows/environment-undo.js';
import { useEnvironment } from '../support/env.js';
import { fakes, requestFor, saysNo, type Fakes } from '../support/fake-host.js';

const env = useEnvironment();

async function run(t: { name: string }, f: Fakes, mode: UndoRequest['mode'] = 'undo'): Promise<RunResult> {
  return env.withWorker(t, { activities: f.control, hostActivities: f.host }, ({ client, taskQueue, host, id }) => {
    const { run: name, env: ref, reason, requester, tuning } = requestFor(host);
    return client.workflow.execute(environmentUndo, { taskQueue, workflowId: id('undo'), args: [{ run: name, env: ref, reason, requester, mode, ...(tuning ? { tuning } : {}) }] });
  });
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
