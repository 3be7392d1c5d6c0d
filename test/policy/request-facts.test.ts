import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApprovalFacts, RequestFacts, SignatureVerdict, Warrant } from '../../policy/model-approval.js';
import { askedProblems, readRequestTime, requestMismatch } from '../../policy/request-facts.js';
import { requestText } from '../../policy/signed-texts.js';

const FACTS: RequestFacts = {
  run: 'fb-w0yb', kind: 'fallback', ulid: '01KAP8Z3X9Q4V7N2M5R6T8W0YB', namespace: 'production', env: { host: 'web-01', link: '/srv/p/.venv' }, environments: [], to: null, hours: null, ground: null,
  reason: 'wheels missing', requester: 'bob', planDigest: null, policyDigest: 'ab'.repeat(32), at: '2025-11-22T11:32:08.000Z', source: null,
};

test('time and source are read from the last line, whatever the reason says', () => {
  assert.deepEqual(readRequestTime(requestText(FACTS)), { at: FACTS.at, source: null });
  assert.deepEqual(readRequestTime(requestText({ ...FACTS, source: 'ci at main from bob', reason: 'as bob at 2020-01-01T00:00:00Z' })), { at: FACTS.at, source: 'ci at main from bob' });
  assert.deepEqual(readRequestTime(requestText({ ...FACTS, reason: 'x\nas eve at 2020-01-01T00:00:00Z' })), { at: FACTS.at, source: null });
  for (const wrong of ['', 'as bob at noon', 'as bob at 2025-13-45T99:99:99Z', `${requestText(FACTS)}more`]) assert.equal(readRequestTime(wrong), null, wrong);
});

test('a text that is not of these facts is told by its first line that differs', () => {
  assert.equal(requestMismatch(FACTS, requestText(FACTS)), null);
  assert.match(requestMismatch(FACTS, requestText({ ...FACTS, to: '3.11' }))!.got, /^to 3\.11$/);
  assert.match(requestMismatch(FACTS, requestText(FACTS).slice(0, -1))!.got, /something before, between or after/);
  assert.match(requestMismatch(FACTS, requestText(FACTS).split('\n').slice(0, 3).join('\n'))!.got, /nothing there/);
  assert.match(requestMismatch({ ...FACTS, to: '3.11 for 72 hours' }, requestText({ ...FACTS, to: '3.11', hours: 72 }))!.expected, /one word each/);
});

const VALID: SignatureVerdict = { valid: true, person: 'bob', roles: [], fingerprint: 'SHA256:x', signer: 'bob …', reason: '', signersDigest: '' };
const warrant = (asked: Partial<RequestFacts> | null = {}, facts: Partial<ApprovalFacts> = {}): Warrant => ({
  facts: {
    request: 'r', run: 'fb-w0yb', kind: 'fallback', purpose: 'fallback', namespace: 'production', env: FACTS.env, environments: [], from: '3.12.1', to: '3.11.7', hours: null, requester: 'bob', reason: 'wheels missing',
    planDigest: 'cd'.repeat(32), policyDigest: FACTS.policyDigest, evidence: [], useBy: '2025-11-23T00:00:00Z', head: { seq: 1, hash: 'x' }, ...facts,
  },
  rules: { stages: [], inOrder: false, veto: [] }, votes: [], grantedAt: '', policy: null, asked: asked && { text: requestText({ ...FACTS, ...asked }), signature: 's' },
});
const said = (given: Warrant, verdict: SignatureVerdict | null = VALID): string => askedProblems(given, verdict).map(({ expected, got }) => `expected ${expected}, got ${got}`).join('; ');

test('a warrant\'s request is about its run, place, reason, policy and requester; before or with the plan', () => {
  assert.equal(said(warrant()), '');
  assert.equal(said(warrant({ planDigest: 'none-yet' })), '');
  assert.equal(said(warrant({ planDigest: 'cd'.repeat(32) })), '');
  assert.equal(said(warrant({ to: '3.11', ground: 'vendor-requirement', source: 'ci', environments: ['web-02:/x'] })), '');
  assert.equal(said(warrant({}, { env: { host: 'web-01', link: '/srv/p/.venv_fallback' } })), '', 'a fallback beside the link (DIS-14)');
  const others: [Partial<RequestFacts>, RegExp][] = [
    [{ run: 'fb-aaaa' }, /I ask for fb-aaaa/], [{ kind: 'change' }, /: change/], [{ env: { host: 'web-02', link: '/srv/p/.venv' } }, /on web-02/], [{ hours: 72 }, /no end, got for 72 hours/], [{ reason: 'x' }, /because x/],
    [{ planDigest: 'ef'.repeat(32) }, /plan sha256:ef/], [{ policyDigest: 'ef'.repeat(32) }, /policy sha256:ef/], [{ namespace: 'staging' }, /staging/], [{ requester: 'alice' }, /expected bob, got alice/],
  ];
  for (const [other, pattern] of others) assert.match(said(warrant(other)), pattern, JSON.stringify(other));
  assert.match(said(warrant({}, { kind: 'change', env: { host: 'web-01', link: '/srv/p/.venv_fallback' } })), /I ask for fb-w0yb: change.*_fallback/);
});

test('a warrant without a request of its requester is none', () => {
  assert.match(said(warrant(null)), /no signature/);
  assert.match(said(warrant(), null), /no signature/);
  assert.match(said(warrant(), { ...VALID, valid: false, reason: 'the key was revoked' }), /the key was revoked/);
  assert.match(said(warrant(), { ...VALID, person: 'alice' }), /signed by alice/);
  assert.match(said(warrant(), { ...VALID, person: null }), /signed by null|signed by nobody/);
  assert.match(said({ ...warrant(), asked: { text: 'I ask for anything\n', signature: 's' } }), /the lines of a request/);
});
