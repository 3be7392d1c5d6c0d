import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shortId, workflowIdOf } from '../../../policy/ids.js';
import type { SignedText } from '../../../policy/model-approval.js';
import type { ChangeRequest, Objection, ReviewRequest, RunKind } from '../../../policy/model.js';
import type { AuditEntry } from '../../../policy/records.js';
import { requestFactsOf } from '../../../policy/request-facts.js';
import { requestText } from '../../../policy/signed-texts.js';
import { requestFor } from '../../support/fake-host.js';
import { NAMESPACE, signingPlace, type Name, type SigningPlace } from '../../support/signing-place.js';

const ULID = '01KAP8Z3X9Q4V7N2M5R6T8W0YB';
const AT = '2025-11-22T11:32:08.000Z';
const minutes = (n: number, from = AT): string => new Date(Date.parse(from) + n * 60_000).toISOString();

const POLICY = 'ab'.repeat(32);
const requestBy = (requester: string, kind: RunKind = 'change', more: Partial<ChangeRequest> = {}): ChangeRequest => ({ ...requestFor('web-01', kind), run: shortId(kind, ULID), requester, policyDigest: POLICY, ...more });

/** Signs a request as the CLI does. */
async function ask<R extends ChangeRequest | ReviewRequest>({ sign }: SigningPlace, request: R, by: Name, { at = AT, source = null, namespace = NAMESPACE, ulid = ULID }: { at?: string; source?: string | null; namespace?: string; ulid?: string } = {}): Promise<R & { asked: SignedText }> {
  const text = requestText(requestFactsOf(request, { ulid, namespace, at, source }));
  return { ...request, asked: await sign(by, 'runbook.request', text) };
}

interface How {
  workflowId?: string;
  chain?: string;
  roles?: string[];
  t?: string;
}
async function admit({ activities }: SigningPlace, request: ChangeRequest | ReviewRequest, { workflowId = workflowIdOf(request.kind, request.env, ULID), chain = 'chain-1', roles = [], t = minutes(1) }: How = {}): Promise<{ person: string } | Objection> {
  const answer = await activities.admitRequest({ request, workflowId, chain, roles, t });
  return answer.refused ? answer.refused[0]! : { person: answer.person };
}

function refusedFor(answer: { person: string } | Objection, pattern: RegExp): void {
  assert.ok('wayOut' in answer, 'it was admitted');
  assert.match(`${answer.what}: expected ${answer.expected}, got ${answer.got}`, pattern);
  assert.notEqual(answer.wayOut, '');
}

/** The first entry of a run, as the run writes it. */
const started = (request: ChangeRequest, chain: string, workflowId = workflowIdOf(request.kind, request.env, ULID)): AuditEntry =>
  ({ key: `${chain}/1`, run: request.run, kind: request.kind, event: 'run-started', at: AT, workflowId, runId: chain, chain, actor: request.requester, host: request.env.host, link: request.env.link, justification: request.reason, data: {} });
const ended = (request: ChangeRequest, chain: string): AuditEntry => ({ ...started(request, chain), key: `${chain}/2`, event: 'outcome', data: { outcome: 'not-needed', message: 'm', from: null, to: null } });

test('a request with the signature of who asks is admitted, at once and again by the same run', async (t) => {
  const place = signingPlace(t);
  const request = await ask(place, requestBy('bob'), 'bob');
  assert.deepEqual(await admit(place, request), { person: 'bob' });
  place.records.append([started(request, 'chain-1')]);
  assert.deepEqual(await admit(place, request), { person: 'bob' });
});

test('a request without a signature is refused, with the way to sign it', async (t) => {
  const answer = await admit(signingPlace(t), requestBy('bob'));
  refusedFor(answer, /signed by bob, got no signature/);
  assert.match((answer as Objection).wayOut, /--key/);
});

test('nobody asks in the name of somebody else', async (t) => {
  const place = signingPlace(t);
  refusedFor(await admit(place, await ask(place, requestBy('bob'), 'alice')), /signed by bob, who asks, got signed by alice/);
});

test('EE-03: an exception is declared by a person with the role the policy names, and by nobody else', async (t) => {
  const place = signingPlace(t);
  const exception = (by: string) => requestBy(by, 'exception', { to: '3.11.7', hours: 48, ground: 'security-vulnerability' });
  assert.deepEqual(await admit(place, await ask(place, exception('bob'), 'bob'), { roles: ['security'] }), { person: 'bob' });
  refusedFor(await admit(place, await ask(place, exception('alice'), 'alice'), { roles: ['security', 'operations'] }), /role security or operations, got alice has cab/);
  refusedFor(await admit(place, await ask(place, exception('frank'), 'frank'), { roles: ['security'] }), /frank has no role/);
});

/** What somebody between requester and run could change. */
const forged: [string, Partial<ChangeRequest>, RegExp][] = [
  ['another version', { to: '3.13.1' }, /to 3\.13\.1/],
  ['more hours', { hours: 72 }, /for 72 hours/],
  ['another ground', { ground: 'vendor-requirement' }, /ground vendor-requirement/],
  ['another reason', { reason: 'no reason' }, /because no reason/],
  ['another plan', { planDigest: 'cd'.repeat(32) }, /plan sha256:cd/],
  ['another policy', { policyDigest: 'cd'.repeat(32) }, /policy sha256:cd/],
  ['another requester', { requester: 'alice' }, /as alice at/],
  ['hours written into the version', { to: '3.11.7 for 48 hours, ground security-vulnerability', hours: undefined, ground: undefined } as never, /one word each/],
];
for (const [what, change, pattern] of forged) {
  test(`a signed request is none for ${what}`, async (t) => {
    const place = signingPlace(t);
    const request = await ask(place, requestBy('bob', 'exception', { to: '3.11.7', hours: 48, ground: 'security-vulnerability', planDigest: 'ef'.repeat(32) }), 'bob');
    refusedFor(await admit(place, { ...request, ...change }), pattern);
  });
}

test('a signed request starts its own run and no other: workflow id, environment, kind and namespace are in the text', async (t) => {
  const place = signingPlace(t);
  const request = await ask(place, requestBy('bob'), 'bob');
  const other = '01KAP8Z3X9Q4V7N2M5R6T9W0YB';
  refusedFor(await admit(place, request, { workflowId: workflowIdOf('change', request.env, other) }), /starts 01KAP8Z3X9Q4V7N2M5R6T9W0YB/);
  refusedFor(await admit(place, request, { workflowId: workflowIdOf('change', { host: 'web-02', link: request.env.link }, ULID) }), /request for web-02/);
  refusedFor(await admit(place, { ...request, env: { ...request.env, host: 'web-02' } }), /on web-02/);
  refusedFor(await admit(place, { ...request, kind: 'exception', run: shortId('exception', ULID) }), /: exception/);
  refusedFor(await admit(place, { ...request, run: 'ch-aaaa' }), /a run that is called ch-aaaa/);
  refusedFor(await admit(place, request, { workflowId: 'anything' }), /a run that is called/);
  refusedFor(await admit(place, await ask(place, requestBy('bob'), 'bob', { namespace: 'staging' })), /in namespace production/);
});

test('a replayed request is refused: of the same workflow id, of another, while it is open and when it has ended', async (t) => {
  const place = signingPlace(t);
  const request = await ask(place, requestBy('bob', 'fallback'), 'bob');
  place.records.append([started(request, 'chain-1')]);
  refusedFor(await admit(place, request, { chain: 'chain-2' }), /replayed request: fallback\/web-01/);
  place.records.append([ended(request, 'chain-1')]);
  refusedFor(await admit(place, request, { chain: 'chain-2' }), /replayed request/);
  refusedFor(await admit(place, request, { chain: 'chain-2', workflowId: workflowIdOf('change', request.env, ULID) }), /replayed request/);
  assert.deepEqual(await admit(place, request, { chain: 'chain-1' }), { person: 'bob' });
});

test('a change that a run ordered goes by the request of that run, while it is open, beside the link too, and however long the building took', async (t) => {
  const place = signingPlace(t);
  const request = await ask(place, requestBy('bob', 'fallback'), 'bob');
  const ordered = { chain: 'chain-2', workflowId: workflowIdOf('change', request.env, ULID), t: minutes(600) };
  refusedFor(await admit(place, request, ordered), /ordered by fallback.*no such run/);
  place.records.append([started(request, 'chain-1')]);
  assert.deepEqual(await admit(place, request, ordered), { person: 'bob' });
  assert.deepEqual(await admit(place, { ...request, env: { ...request.env, link: `${request.env.link}_fallback` } }, ordered), { person: 'bob' });
  refusedFor(await admit(place, { ...request, env: { ...request.env, link: '/srv/other/.venv' } }, ordered), /request for web-01:\/srv\/p\/\.venv/);
  place.records.append([ended(request, 'chain-1')]);
  refusedFor(await admit(place, request, ordered), /replayed request/);
});

test('a request counts for 15 minutes before its run begins, and a minute after it', async (t) => {
  const place = signingPlace(t);
  const request = await ask(place, requestBy('bob'), 'bob');
  for (const [at, isFit] of [[-1, true], [15, true], [-1.01, false], [15.01, false], [60 * 24, false]] as const) {
    const answer = await admit(place, request, { t: minutes(at) });
    if (isFit) assert.deepEqual(answer, { person: 'bob' }, String(at));
    else refusedFor(answer, /at most 15 minutes before the run began/);
  }
});

test('keys are read live: revoked or compromised since it was signed, a request is none', async (t) => {
  const place = signingPlace(t);
  const request = await ask(place, requestBy('bob'), 'bob');
  place.write({}, (name) => (name === 'bob' ? { compromised: true } : {}));
  refusedFor(await admit(place, request), /marked compromised/);
  place.write({}, (name) => (name === 'bob' ? { revoked: AT } : {}));
  refusedFor(await admit(place, request), /was revoked/);
});

test('a text changed on its way, by carriage returns or a line more, is refused', async (t) => {
  const place = signingPlace(t);
  const { asked, ...request } = await ask(place, requestBy('bob'), 'bob');
  refusedFor(await admit(place, { ...request, asked: { ...asked, text: asked.text.replaceAll('\n', '\r\n') } }), /whose last line says who|carriage returns/);
  refusedFor(await admit(place, { ...request, asked: { ...asked, text: asked.text.replace('on web-01', 'and on web-02:/x\non web-01') } }), /on web-01:/);
  refusedFor(await admit(place, { ...request, asked: { ...asked, signature: '' } }), /there is no signature/);
});

test('a machine asks with the gateway\'s key, and its source stands in the text', async (t) => {
  const place = signingPlace(t);
  assert.deepEqual(await admit(place, await ask(place, requestBy('frank'), 'frank', { source: 'github actions acme/pricer' })), { person: 'frank' });
});

test('AP-13: a review names each environment it is for, in the signed text', async (t) => {
  const place = signingPlace(t);
  const env = { host: 'web-01', link: '/srv/p/.venv' };
  const review: ReviewRequest = { run: shortId('interpreter-change', ULID), kind: 'interpreter-change', env, environments: ['web-01:/srv/p/.venv', 'web-02:/srv/p/.venv'], from: '3.11', to: '3.12', reason: 'r', requester: 'bob', policyDigest: POLICY };
  const asked = await ask(place, review, 'bob');
  assert.match(asked.asked.text, /^on web-01:\/srv\/p\/\.venv\nand on web-02:\/srv\/p\/\.venv\nto 3\.12\n/m);
  assert.deepEqual(await admit(place, asked), { person: 'bob' });
  refusedFor(await admit(place, { ...asked, environments: [...asked.environments, 'web-03:/srv/p/.venv'] }), /and on web-03/);
  refusedFor(await admit(place, { ...asked, environments: ['web-01:/srv/p/.venv'] }), /expected to 3\.12, got and on web-02/);
});
