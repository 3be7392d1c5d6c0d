import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { ApprovalFacts, DecisionRequest, SignatureVerdict } from '../../policy/model-approval.js';
import { approvalText } from '../../policy/signed-texts.js';
import { decision } from '../../workflows/decision.js';
import { decisionQuery, voteUpdate } from '../../workflows/messages.js';
import { childrenEnded } from '../support/children.js';
import { useEnvironment, type WorkerScope } from '../support/env.js';
import { CAB, fakes, held, type Fakes } from '../support/fake-host.js';

const env = useEnvironment({ server: 'time-skipping' });
const HOUR_MS = 3_600_000;
const iso = (ms: number): string => new Date(ms).toISOString();

type Handle = WorkflowHandleWithFirstExecutionRunId<typeof decision>;
interface Opened {
  handle: Handle;
  request: DecisionRequest;
  start: number;
  vote(person: string, verdict?: 'approve' | 'reject'): Promise<{ counted: boolean; message: string }>;
  sleepUntil(instant: number): Promise<void>;
}

async function open(t: { name: string }, f: Fakes, more: Partial<DecisionRequest>, use: (opened: Opened) => Promise<void>): Promise<void> {
  await env.withWorker(t, { activities: f.control }, async (scope) => {
    const start = await env.environment.currentTimeMs();
    const request = { ...requestAt(scope, start), ...more };
    const handle = await scope.client.workflow.start(decision, { taskQueue: scope.taskQueue, workflowId: scope.id('decision'), args: [request] });
    const vote: Opened['vote'] = (person, verdict = 'approve') => handle.executeUpdate(voteUpdate, { args: [{ text: approvalText(request.facts, verdict), signature: person, carrier: 'test' }] });
    const sleepUntil = async (instant: number): Promise<void> => env.environment.sleep(Math.max(1, instant - (await env.environment.currentTimeMs())));
    await use({ handle, request, start, vote, sleepUntil });
    await childrenEnded(scope.client, handle.workflowId);
  });
}

function requestAt({ host, id }: WorkerScope, start: number): DecisionRequest {
  const facts: ApprovalFacts = {
    request: id('request').replace('/', '-'), run: 'ex-3p9d', kind: 'exception', purpose: 'grant', namespace: 'default', env: { host, link: '/srv/p/.venv' }, environments: [], from: '3.12.1', to: '3.13.9', hours: 24,
    requester: 'bob', reason: 'CVE', planDigest: 'd'.repeat(64), policyDigest: 'e'.repeat(64), evidence: [], useBy: iso(start + 96 * HOUR_MS), head: { seq: 1, hash: 'f'.repeat(64) },
  };
  return { facts, rules: CAB, workflowId: id('asking'), asked: null, openedAt: iso(start), deadline: iso(start + 72 * HOUR_MS), convene: { role: 'cab', by: iso(start + 2 * HOUR_MS) }, escalateTo: ['operations'], reminders: [iso(start + 36 * HOUR_MS)], lines: ['the plan'] };
}

const events = (f: Fakes): string[] => f.entries.map(({ event }) => event);

test('EE-05, AP-08: two of the CAB decide, each once; who asked and who has voted are not counted, and all of it is on record', async (t) => {
  const f = fakes();
  await open(t, f, {}, async ({ handle, vote }) => {
    assert.deepEqual(await vote('alice'), { counted: true, message: 'counted: 1 of 2 of cab', outcome: null });
    assert.match((await vote('alice')).message, /not counted: .*alice.*voted/);
    assert.match((await vote('bob')).message, /not counted: bob asked for this run/);
    assert.equal((await vote('carol')).counted, true);
    const result = await handle.result();
    assert.equal(result.outcome, 'approved');
    assert.deepEqual(result.counted.map(({ person }) => person), ['alice', 'carol']);
  });
  assert.deepEqual(events(f).filter((event) => event.startsWith('vote') || event === 'decided'), ['vote', 'vote-refused', 'vote-refused', 'vote', 'decided']);
});

test('EE-04: at 1 h 59 the board has convened; nothing is overdue', async (t) => {
  const f = fakes();
  await open(t, f, {}, async ({ handle, vote, start, sleepUntil }) => {
    await sleepUntil(start + 119 * 60_000);
    await vote('alice');
    await sleepUntil(start + 3 * HOUR_MS);
    assert.ok((await handle.query(decisionQuery)).convenedAt !== null);
    await vote('carol');
    await handle.result();
  });
  assert.ok(!events(f).includes('overdue'));
});

test('EE-04: at 2 h 1 it is overdue: that is on record and told, and the wait goes on', async (t) => {
  const f = fakes();
  await open(t, f, {}, async ({ handle, vote, start, sleepUntil }) => {
    await sleepUntil(start + 121 * 60_000);
    await vote('alice');
    await vote('carol');
    assert.equal((await handle.result()).outcome, 'approved');
  });
  const overdue = f.entries.find(({ event }) => event === 'overdue');
  assert.equal(overdue?.data['role'], 'cab');
});

test('invariant 5: a timer never approves; one vote short at the deadline is expired', async (t) => {
  await open(t, fakes(), {}, async ({ handle, vote, start, sleepUntil }) => {
    await vote('alice');
    await sleepUntil(start + 72 * HOUR_MS + 1000);
    assert.equal((await handle.result()).outcome, 'expired');
  });
});

test('decision 1: a vote one second before the deadline counts; at it, it is too late', async (t) => {
  await open(t, fakes(), {}, async ({ handle, vote, start, sleepUntil }) => {
    await vote('alice');
    await sleepUntil(start + 72 * HOUR_MS - 1000);
    assert.equal((await vote('carol')).counted, true);
    assert.equal((await handle.result()).outcome, 'approved');
  });
  // Open past its deadline for as long as a vote that came in time is being judged.
  const judged = held<SignatureVerdict>({ valid: true, person: 'alice', roles: [{ role: 'cab', deputyFor: null }], fingerprint: 'a', signer: 'a', reason: '', signersDigest: 's' });
  await open(t, fakes({ control: { verifySignature: judged.act } }), {}, async ({ handle, vote, start, sleepUntil }) => {
    await sleepUntil(start + 72 * HOUR_MS - 10_000);
    const early = vote('alice');
    await judged.reached;
    await assert.rejects(async () => {
      // The test server's clock runs normally while an activity does; only its own sleep moves it on.
      await new Promise((resolve) => setTimeout(resolve, 100));
      await sleepUntil(start + 72 * HOUR_MS + 1000);
      await vote('carol');
    }, (error: Error) => /too late/.test(String((error.cause as Error).message)));
    judged.release();
    await early;
    assert.equal((await handle.result()).outcome, 'expired');
  });
});

test('EE-10: a rejection that leaves no quorum denies', async (t) => {
  await open(t, fakes(), {}, async ({ handle, vote }) => {
    await vote('alice', 'reject');
    await vote('carol', 'reject');
    assert.equal((await handle.result()).outcome, 'denied');
  });
});

test('a vote for another request is not even taken, and leaves no record', async (t) => {
  const f = fakes();
  await open(t, f, {}, async ({ handle, vote, request }) => {
    const foreign = approvalText({ ...request.facts, request: 'another' }, 'approve');
    await assert.rejects(handle.executeUpdate(voteUpdate, { args: [{ text: foreign, signature: 'alice', carrier: 'test' }] }));
    await vote('alice');
    await vote('carol');
    await handle.result();
  });
  assert.equal(events(f).filter((event) => event === 'vote-refused').length, 0);
});

test('CRLF and a changed plan are refused with their reason, on record', async (t) => {
  const f = fakes();
  await open(t, f, {}, async ({ handle, vote, request }) => {
    const send = (text: string) => handle.executeUpdate(voteUpdate, { args: [{ text, signature: 'alice', carrier: 'test' }] });
    const text = approvalText(request.facts, 'approve');
    assert.equal((await send(text.replaceAll('\n', '\r\n'))).counted, false);
    assert.equal((await send(text.replace('d'.repeat(64), 'c'.repeat(64)))).counted, false);
    await vote('alice');
    await vote('carol');
    await handle.result();
  });
  assert.equal(events(f).filter((event) => event === 'vote-refused').length, 2);
});

test('a run that stops waiting withdraws its decision', async (t) => {
  await open(t, fakes(), {}, async ({ handle, vote }) => {
    await vote('alice');
    await handle.cancel();
    assert.equal((await handle.result()).outcome, 'withdrawn');
  });
});

test('a reminder at half time tells those whose votes are wanted', async (t) => {
  const told: string[] = [];
  const f = fakes({ control: { notify: async ({ notification, role }) => (told.push(`${notification.event} ${role}`), { delivered: [role], failed: [] }) } });
  await open(t, f, {}, async ({ handle, vote, start, sleepUntil }) => {
    await vote('alice');
    await sleepUntil(start + 37 * HOUR_MS);
    await vote('carol');
    await handle.result();
  });
  assert.deepEqual(told.filter((line) => /^(asked|reminder)/.test(line)), ['asked cab', 'reminder cab']);
});
