import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FallbackDecision, Ladder } from '../../activities/control/contract.js';
import type { FallbackRecord } from '../../policy/fallback-record.js';
import type { ChangeRequest, LockProposal, RunResult } from '../../policy/model.js';
import { NO_PLAN_YET } from '../../policy/names.js';
import { workflowIdOf } from '../../policy/ids.js';
import { abortUpdate, statusQuery } from '../../workflows/messages.js';
import { wheelFallback } from '../../workflows/wheel-fallback.js';
import { useEnvironment } from '../support/env.js';
import { fakes, held, lookOf, requestFor, saysNo, VERIFIED, type Fakes } from '../support/fake-host.js';

const env = useEnvironment();
const ULID = '01J00000000000000000000000';

async function run(t: { name: string }, f: Fakes, words: Partial<ChangeRequest> = {}, before: () => Promise<void> = async () => undefined): Promise<RunResult> {
  return env.withWorker(t, { activities: f.control, hostActivities: f.host }, async ({ client, taskQueue, host }) => {
    const request = { ...requestFor(host, 'fallback'), run: 'fb-0000', ...words };
    const result = await client.workflow.execute(wheelFallback, { taskQueue, workflowId: workflowIdOf('fallback', request.env, ULID), args: [request] });
    await before();
    return result;
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
  assert.deepEqual(result.steps.map((s) => s.step), ['assess', 'diagnose', 'plan', 'arm', 'prepare', 'verify', 'switch', 'configure', 'restart', 'verify link', 'close', 'document']);
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

test('WF-52, HM-12: whoever the policy names is told how it ended, and where the report is', async (t) => {
  const told: { role: string; event: string; severity: string; lines: string[] }[] = [];
  let tell!: () => void;
  const isTold = new Promise<void>((resolve) => (tell = resolve));
  const decision: FallbackDecision = { decision: 'fallback', text: '1 of 1 has no wheel', affected: ['a'], causes: {}, to: '3.11.7', mode: 'replace', tell: ['operations'] };
  const f = fakes({ control: { decideFallback: async () => decision, notify: async ({ notification, role }) => (told.push({ role, event: notification.event, severity: notification.severity, lines: notification.lines }), tell(), { delivered: ['mail'], failed: [] }) } });
  // The telling is a run of its own, which outlives the fallback.
  await run(t, f, {}, () => isTold);
  assert.deepEqual(told.map(({ role, event, severity }) => [role, event, severity]), [['operations', 'report', 'info']]);
  assert.ok(told[0]!.lines.some((line) => line.endsWith(':/srv/p/fallback_report.md')));
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
  const building = held({ id: 'fb-0000-1', path: '/x', installer: 'uv' as const, packages: 1, asUser: 'p', workMs: 1 });
  const f = fakes({ host: { prepare: building.act } });
  const result = await env.withWorker(t, { activities: f.control, hostActivities: f.host }, async ({ client, taskQueue, host }) => {
    const request = { ...requestFor(host, 'fallback'), run: 'fb-0000' };
    const handle = await client.workflow.start(wheelFallback, { taskQueue, workflowId: workflowIdOf('fallback', request.env, ULID), args: [request] });
    await building.reached;
    while ((await handle.query(statusQuery)).step !== 'prepare') await new Promise((resolve) => setTimeout(resolve, 20));
    await handle.executeUpdate(abortUpdate, { args: [{ by: 'alice', reason: 'not today' }] });
    building.release();
    return handle.result();
  });
  assert.equal(result.outcome, 'rolled-back');
  assert.match(result.message, /aborted by alice: not today/);
  assert.ok(f.calls.includes('undo') && !f.calls.includes('switchLink'));
});

test('a change terminated from outside is told as unfinished, with the way to settle it', async (t) => {
  const link = held({ ok: true, version: '3.11.7', problem: '', workMs: 1 });
  const f = fakes({ host: { holderEnded: async () => ({ result: 'unsettled' }), verifyLink: link.act } });
  const result = await env.withWorker(t, { activities: f.control, hostActivities: f.host }, async ({ client, taskQueue, host }) => {
    const request = { ...requestFor(host, 'fallback'), run: 'fb-0000' };
    const handle = await client.workflow.start(wheelFallback, { taskQueue, workflowId: workflowIdOf('fallback', request.env, ULID), args: [request] });
    await link.reached;
    await client.workflow.getHandle(workflowIdOf('change', request.env, ULID)).terminate('by hand');
    link.release();
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
  const building = held({ id: 'fb-0000-1', path: '/x', installer: 'uv' as const, packages: 1, asUser: 'p', workMs: 1 });
  const f = fakes({ host: { prepare: building.act } });
  await env.withWorker(t, { activities: f.control, hostActivities: f.host }, async ({ client, taskQueue, host }) => {
    const request = { ...requestFor(host, 'fallback'), run: 'fb-0000' };
    const handle = await client.workflow.start(wheelFallback, { taskQueue, workflowId: workflowIdOf('fallback', request.env, ULID), args: [request] });
    await building.reached;
    await handle.terminate('by hand');
    building.release();
    const result = (await client.workflow.getHandle(workflowIdOf('change', request.env, ULID)).result()) as RunResult;
    assert.equal(result.outcome, 'done');
  });
  assert.deepEqual(f.entries.filter((e) => e.event === 'outcome').map((e) => [e.run, e.data['outcome']]), [['fb-0000', 'done']]);
});

test('a change terminated before its switch is told as rolled back: its host removed the attempt', async (t) => {
  const building = held({ id: 'fb-0000-1', path: '/x', installer: 'uv' as const, packages: 1, asUser: 'p', workMs: 1 });
  const asked: string[] = [];
  const f = fakes({ host: { holderEnded: async ({ chain }) => (asked.push(chain), { result: 'freed' }), prepare: (order) => (asked.push(order.chain), building.act()) } });
  const result = await env.withWorker(t, { activities: f.control, hostActivities: f.host }, async ({ client, taskQueue, host }) => {
    const request = { ...requestFor(host, 'fallback'), run: 'fb-0000' };
    const handle = await client.workflow.start(wheelFallback, { taskQueue, workflowId: workflowIdOf('fallback', request.env, ULID), args: [request] });
    await building.reached;
    await client.workflow.getHandle(workflowIdOf('change', request.env, ULID)).terminate('by hand');
    building.release();
    return handle.result();
  });
  assert.equal(result.outcome, 'rolled-back');
  assert.match(result.message, /before its switch/);
  assert.equal(asked.at(-1), asked[0], 'the host is told of the change, not of the fallback');
  assert.ok(f.entries.some((entry) => entry.event === 'lease-freed' && entry.run === 'fb-0000'));
});

/** Impossible until the builder has built; `works`: its wheels then do. */
function climbing(works: boolean, rungs: Ladder['rungs'] = [{ rung: 'source-one', why: 'a builder' }, { rung: 'relock', why: 'last' }]): Fakes {
  let built = false;
  const decided = (decision: FallbackDecision['decision']): FallbackDecision => ({ decision, text: decision, affected: ['a'], causes: {}, to: '3.11.7', mode: 'replace' });
  const proposal: LockProposal = { rung: 'relock', interpreter: '3.11.7', changes: [{ project: 'a', from: '1', to: '2' }], lock: 'a==2', lockSha256: 'x', tried: { installed: true, imports: { passed: 1, total: 1 }, problem: '' }, deviation: true };
  return fakes({
    host: { buildWheels: async ({ pins }) => ((built = true), { host: 'builder-1', wheelhouse: '/w', built: pins.map((pin) => ({ ...pin, file: { name: 'a.whl', sha256: 's' }, durationMs: 1, warnings: [] })), failed: [], workMs: 1 }), proposeLocks: async () => [proposal] },
    control: { decideFallback: async () => decided(built && works ? 'fallback' : 'impossible'), planLadder: async ({ look }) => ({ rungs, builder: look.env.host, pins: [{ project: 'a', version: '1' }], missing: ['a'], knownGood: {} }) },
  });
}

test('WF-37: wheels built from source on the builder lead to the change, where the policy pre-approves it', async (t) => {
  const f = climbing(true);
  const result = await run(t, f);
  assert.equal(result.outcome, 'done');
  assert.deepEqual(result.steps.slice(0, 5).map((s) => s.step), ['assess', 'diagnose', 'ladder', 'build source-one', 'plan']);
  assert.ok(!f.calls.includes('proposeLocks'));
});

test('a person who agreed to a build has not agreed to the plan it makes possible: it asks again', async (t) => {
  const f = climbing(true);
  const result = await run(t, f, { planDigest: NO_PLAN_YET });
  assert.equal(result.outcome, 'refused');
  assert.match(result.objections[0]!.wayOut, /runbook run fallback/);
  assert.ok(f.calls.includes('buildWheels') && !f.calls.includes('acquireLease'));
});

test('DIS-20, WF-40: another lock is proposed and never taken; the run ends refused, with its documents and the way out', async (t) => {
  const records: FallbackRecord[] = [];
  const f = climbing(false);
  const render = f.control.renderDocuments;
  const result = await run(t, { ...f, control: { ...f.control, renderDocuments: (record) => (records.push(record), render(record)) } });
  assert.equal(result.outcome, 'refused');
  assert.match(result.objections[0]!.wayOut, /proposed-relock\.lock.*approve/);
  assert.deepEqual(records[0]!.proposals?.map((p) => [p.rung, p.deviation]), [['relock', true]]);
  assert.equal(records[0]!.builds?.length, 1);
  assert.ok(!f.calls.includes('acquireLease') && !f.calls.includes('switchLink'));
});

test('nothing left to try: refused, and the vendors are named as the way out', async (t) => {
  const result = await run(t, climbing(false, []));
  assert.equal(result.outcome, 'refused');
  assert.match(result.objections[0]!.wayOut, /vendors/);
});

test('what can\'t be diagnosed or measured stops nothing', async (t) => {
  const f = fakes({
    host: { diagnose: async () => { throw saysNo('CommandFailed'); }, measure: async () => { throw saysNo('CommandFailed'); } },
    control: { decideFallback: async () => ({ decision: 'fallback', text: 'x', affected: ['a'], causes: {}, to: '3.11.7', mode: 'replace', probe: { name: 'sum', setup: '', statement: '1' } }) },
  });
  const result = await run(t, f);
  assert.equal(result.outcome, 'done');
  assert.deepEqual(result.steps.filter((s) => !s.ok).map((s) => s.step), ['diagnose', 'measure']);
});

test('WF-48: what the change built is timed beside what it left, and reported', async (t) => {
  const asked: unknown[] = [];
  const f = fakes({
    host: { measure: async ({ probe, before, after }) => (asked.push([probe.name, before, after]), { probe: probe.name, ran: true, beforeMs: 10, afterMs: 11, baselineMs: null, ratio: 1.1, band: 'same', summary: '11 ms', workMs: 1 }) },
    control: { decideFallback: async () => ({ decision: 'fallback', text: 'x', affected: ['a'], causes: {}, to: '3.11.7', mode: 'replace', probe: { name: 'sum', setup: '', statement: '1' } }) },
  });
  const result = await run(t, f);
  assert.deepEqual(asked, [['sum', 'old-1', 'fb-0000-1']]);
  assert.equal(result.steps.find((s) => s.step === 'measure')?.fact, '11 ms');
});
