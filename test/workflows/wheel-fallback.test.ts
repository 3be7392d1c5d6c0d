import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunResult } from '../../policy/model.js';
import { workflowIdOf } from '../../policy/ids.js';
import { abortUpdate, statusQuery } from '../../workflows/messages.js';
import { wheelFallback } from '../../workflows/wheel-fallback.js';
import { useEnvironment } from '../support/env.js';
import { fakes, lookOf, requestFor, VERIFIED, type Fakes } from '../support/fake-host.js';

const env = useEnvironment();
const ULID = '01J00000000000000000000000';

async function run(t: { name: string }, f: Fakes): Promise<RunResult> {
  return env.withWorker(t, { activities: f.control, hostActivities: f.host }, async ({ client, taskQueue, host }) => {
    const request = { ...requestFor(host, 'fallback'), run: 'fb-0000' };
    return client.workflow.execute(wheelFallback, { taskQueue, workflowId: workflowIdOf('fallback', request.env, ULID), args: [request] });
  });
}

test('WF-12, AU-02: missing wheels lead to the change, and the activation is on record before it', async (t) => {
  const f = fakes();
  const result = await run(t, f);
  assert.equal(result.outcome, 'done');
  assert.equal(result.kind, 'fallback');
  assert.deepEqual([result.from, result.to], ['3.12.1', '3.11.7']);
  const activation = f.entries.findIndex((e) => e.event === 'fallback-activated');
  const firstOrder = f.entries.findIndex((e) => e.event === 'step-done' && e.data['step'] === 'arm');
  assert.ok(activation >= 0 && activation < firstOrder);
  assert.ok(f.entries.every((e) => e.run === 'fb-0000'), 'the change is told as this run');
  assert.deepEqual(result.steps.map((s) => s.step), ['assess', 'plan', 'arm', 'prepare', 'verify', 'switch', 'configure', 'restart', 'verify link', 'close', 'document']);
});

test('WF-13: a primary that has all wheels ends as not-needed; no lease, no order', async (t) => {
  const f = fakes({ control: { decideFallback: async () => ({ decision: 'not-needed', text: 'all have a wheel', affected: [], causes: {}, to: '3.11.7', mode: 'replace' }) } });
  const result = await run(t, f);
  assert.equal(result.outcome, 'not-needed');
  assert.ok(!f.calls.includes('acquireLease') && !f.calls.includes('prepare'));
});

test('WF-53: a fallback that failed gets its documents too, with its outcome', async (t) => {
  const no = { ...VERIFIED, ok: false, tests: { ok: false, ran: true, summary: '1 failed', outputPath: '' } };
  const written: string[] = [];
  const f = fakes({ host: { verifyTree: async () => no, writeDocuments: async ({ documents }) => (written.push(...documents.map((d) => d.text)), { written: ['fallback_report.md'] }) } });
  const result = await run(t, f);
  assert.equal(result.outcome, 'rolled-back');
  assert.deepEqual(written, ['rolled-back']);
});

test('an impossible fallback is refused, documented, and names the way out', async (t) => {
  const f = fakes({ control: { decideFallback: async () => ({ decision: 'impossible', text: '3.11.7 has none for a', affected: ['a'], causes: {}, to: '3.11.7', mode: 'replace' }) } });
  const result = await run(t, f);
  assert.equal(result.outcome, 'refused');
  assert.match(result.objections[0]!.wayOut, /vendors/);
  assert.ok(f.calls.includes('writeDocuments') && !f.calls.includes('acquireLease'));
});

test('an index that does not answer is never read as a missing wheel: asked again, then a person', { timeout: 60_000 }, async (t) => {
  const f = fakes({ control: { decideFallback: async () => ({ decision: 'could-not-tell', text: 'NET_REFUSED', affected: [], causes: {}, to: '3.11.7', mode: 'replace' }) } });
  const result = await run(t, f);
  assert.equal(result.outcome, 'refused');
  assert.equal(f.calls.filter((name) => name === 'assess').length, 3);
});

test('documents that can\'t be written don\'t change what happened', async (t) => {
  const { ApplicationFailure } = await import('@temporalio/common');
  const f = fakes({ host: { writeDocuments: async () => { throw ApplicationFailure.nonRetryable('read-only', 'CommandFailed'); } } });
  const result = await run(t, f);
  assert.equal(result.outcome, 'done');
  assert.equal(f.entries.at(-1)!.data['report'], null);
});

test('decision 19: an abort of the fallback aborts its change, which undoes itself', async (t) => {
  let release!: () => void;
  const held = new Promise<void>((resolve) => (release = resolve));
  let reach!: () => void;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const f = fakes({ host: { prepare: async (order) => (reach(), await held, { id: `${order.run}-1`, path: '/x', installer: 'uv', packages: 1, asUser: 'p', workMs: 1 }) } });
  const result = await env.withWorker(t, { activities: f.control, hostActivities: f.host }, async ({ client, taskQueue, host }) => {
    const request = { ...requestFor(host, 'fallback'), run: 'fb-0000' };
    const handle = await client.workflow.start(wheelFallback, { taskQueue, workflowId: workflowIdOf('fallback', request.env, ULID), args: [request] });
    await reached;
    while ((await handle.query(statusQuery)).step !== 'prepare') await new Promise((resolve) => setTimeout(resolve, 20));
    await handle.executeUpdate(abortUpdate, { args: [{ by: 'alice', reason: 'not today' }] });
    release();
    return handle.result();
  });
  assert.equal(result.outcome, 'rolled-back');
  assert.match(result.message, /aborted by alice: not today/);
  assert.ok(f.calls.includes('undo') && !f.calls.includes('switchLink'));
});

test('a change terminated from outside is told as unfinished, with the way to settle it', async (t) => {
  let reach!: () => void;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  let release!: () => void;
  const held = new Promise<void>((resolve) => (release = resolve));
  const f = fakes({ host: { verifyLink: async () => (reach(), await held, { ok: true, version: '3.11.7', problem: '', workMs: 1 }) } });
  const result = await env.withWorker(t, { activities: f.control, hostActivities: f.host }, async ({ client, taskQueue, host }) => {
    const request = { ...requestFor(host, 'fallback'), run: 'fb-0000' };
    const handle = await client.workflow.start(wheelFallback, { taskQueue, workflowId: workflowIdOf('fallback', request.env, ULID), args: [request] });
    await reached;
    await client.workflow.getHandle(workflowIdOf('change', request.env, ULID)).terminate('by hand');
    release();
    return handle.result();
  });
  assert.equal(result.outcome, 'rollback-incomplete');
  assert.match(result.message, /runbook settle fb-0000/);
});

test('a host that refuses is refused without documents: nothing of the project may be written', async (t) => {
  const f = fakes({ host: { look: async ({ env: ref }) => ({ ...lookOf(ref.host), objections: [{ what: 'x', expected: 'e', got: 'g', wayOut: 'w' }] }) } });
  const result = await run(t, f);
  assert.equal(result.outcome, 'refused');
  assert.ok(!f.calls.includes('writeDocuments'));
});

test('DIS-14, DIS-18: by default the fallback replaces what the link leads to, with arming, install and verification; side by side it leaves the link alone', async (t) => {
  const f = fakes({ control: { decideFallback: async () => ({ decision: 'fallback', text: 'x', affected: ['a'], causes: {}, to: '3.11.7', mode: 'side-by-side' }) }, host: { look: async ({ env: ref }) => ({ ...lookOf(ref.host), env: ref, linkState: ref.link.endsWith('_fallback') ? 'missing' : 'managed' }) } });
  const result = await run(t, f);
  assert.equal(result.outcome, 'done');
  assert.deepEqual(new Set(f.orders.map((order) => order.env.link)), new Set(['/srv/p/.venv_fallback']));
  const g = fakes();
  await run({ name: `${t.name} (replace)` }, g);
  assert.deepEqual(new Set(g.orders.map((order) => order.env.link)), new Set(['/srv/p/.venv']));
  for (const step of ['arm', 'prepare', 'verify', 'switch']) assert.ok(g.orders.some((order) => order.step === step), step);
});

test('a change whose fallback was terminated goes on, and says its own end', async (t) => {
  let reach!: () => void;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  let release!: () => void;
  const held = new Promise<void>((resolve) => (release = resolve));
  const f = fakes({ host: { prepare: async (order) => (reach(), await held, { id: `${order.run}-1`, path: '/x', installer: 'uv', packages: 1, asUser: 'p', workMs: 1 }) } });
  await env.withWorker(t, { activities: f.control, hostActivities: f.host }, async ({ client, taskQueue, host }) => {
    const request = { ...requestFor(host, 'fallback'), run: 'fb-0000' };
    const handle = await client.workflow.start(wheelFallback, { taskQueue, workflowId: workflowIdOf('fallback', request.env, ULID), args: [request] });
    await reached;
    await handle.terminate('by hand');
    release();
    const result = (await client.workflow.getHandle(workflowIdOf('change', request.env, ULID)).result()) as RunResult;
    assert.equal(result.outcome, 'done');
  });
  assert.deepEqual(f.entries.filter((e) => e.event === 'outcome').map((e) => [e.run, e.data['outcome']]), [['fb-0000', 'done']]);
});
