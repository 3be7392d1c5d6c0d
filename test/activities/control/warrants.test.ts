import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { digestOf, sha256Hex } from '../../../policy/canonical.js';
import { shortId } from '../../../policy/ids.js';
import type { ApprovalFacts, Warrant } from '../../../policy/model-approval.js';
import type { ChangeRequest, Objection, Plan } from '../../../policy/model.js';
import { planDigest } from '../../../policy/plan.js';
import { requestFactsOf } from '../../../policy/request-facts.js';
import { approvalText, policyText, requestText } from '../../../policy/signed-texts.js';
import { planOf, requestFor } from '../../support/fake-host.js';
import { NAMESPACE, signingPlace, type Name, type SigningPlace } from '../../support/signing-place.js';

const ULID = '01KAP8Z3X9Q4V7N2M5R6T8W0YB';
const T = '2025-11-22T12:00:00.000Z';
const VOTED = ['2025-11-22T11:40:00.000Z', '2025-11-22T11:50:00.000Z'];
const CAB_OF_TWO = { hostClasses: { production: { hosts: ['web-*'], approvals: { change: 2 } } }, approval: { inOrder: false } };

interface Made {
  place: SigningPlace;
  plan: Plan;
  warrant: Warrant;
}

interface How {
  policy?: Record<string, unknown>;
  request?: Partial<ChangeRequest>;
  plan?: Partial<Plan>;
  facts?: Partial<ApprovalFacts>;
  voters?: Name[];
  asker?: Name;
  verdict?: 'approve' | 'reject';
}

/** A whole life up to the warrant: asked by bob, approved by alice and carol. */
async function approved(t: TestContext, { policy = CAB_OF_TWO, request: asked = {}, plan: planned = {}, facts: other = {}, voters = ['alice', 'carol'], asker = 'bob', verdict = 'approve' }: How = {}): Promise<Made> {
  const place = signingPlace(t, policy);
  const kind = asked.kind ?? 'change';
  const request: ChangeRequest = { ...requestFor('web-01', kind), run: shortId(kind, ULID), requester: 'bob', policyDigest: place.policies.current().digest, ...asked };
  const bare = { ...planOf(request), ...(request.hours === undefined ? {} : { hours: request.hours }), ...planned };
  const plan = { ...bare, digest: planDigest(bare) };
  const facts: ApprovalFacts = {
    request: 'a1b2', run: request.run, kind, purpose: kind, namespace: NAMESPACE, env: plan.env, environments: [], from: '3.12.1', to: '3.11.7', hours: plan.hours ?? null, requester: request.requester,
    reason: request.reason, planDigest: plan.digest, policyDigest: plan.policyDigest, evidence: [], useBy: '2025-11-23T12:00:00.000Z', head: { seq: 4, hash: 'ab'.repeat(32) }, ...other,
  };
  const votes = await Promise.all(voters.map(async (name, index) => ({ ...(await place.sign(name, 'runbook.approval', approvalText(facts, verdict))), t: VOTED[index]! })));
  const text = requestText(requestFactsOf(request, { ulid: ULID, namespace: NAMESPACE, at: '2025-11-22T11:32:08.000Z', source: null }));
  const warrant: Warrant = { facts, rules: { stages: [], inOrder: true, veto: [] }, votes, asked: await place.sign(asker, 'runbook.request', text), grantedAt: votes.at(-1)?.t ?? T, policy: null };
  return { place, plan, warrant };
}

async function check({ place, plan, warrant }: Made, t = T): Promise<string[] | string> {
  const answer = await place.activities.checkWarrant({ plan, warrant, t });
  return answer.refused ? words(answer.refused) : answer.by;
}
const words = (objections: Objection[]): string => objections.map(({ what, expected, got }) => `${what}: expected ${expected}, got ${got}`).join('\n');

test('AP-01: two of the CAB entitle to exactly this plan, by name', async (t) => {
  assert.deepEqual(await check(await approved(t)), ['alice', 'carol']);
});

test('one signature is not two: a person short, twice the same, the requester, or somebody without the role', async (t) => {
  for (const [voters, got] of [[['alice'], /1 of 2 of cab/], [['alice', 'alice'], /has voted already/], [['alice', 'bob'], /bob, who asked/], [['alice', 'frank'], /frank has none of the roles/], [[], /0 of 2 of cab/]] as [Name[], RegExp][]) {
    assert.match(String(await check(await approved(t, { voters }))), got, voters.join());
  }
});

test('invariant 6: a key marked compromised, revoked or removed since makes its vote lapse up to the switch', async (t) => {
  const made = await approved(t);
  made.place.write(CAB_OF_TWO, (name) => (name === 'carol' ? { compromised: true } : {}));
  assert.match(String(await check(made)), /1 of 2 of cab.*carol's key .* is marked compromised/s);
  made.place.write(CAB_OF_TWO, (name) => (name === 'carol' ? { revoked: VOTED[1] } : {}));
  assert.match(String(await check(made)), /was revoked/);
  // Revoked after the vote: it was valid when it was cast.
  made.place.write(CAB_OF_TWO, (name) => (name === 'carol' ? { revoked: T } : {}));
  assert.deepEqual(await check(made), ['alice', 'carol']);
  made.place.write({ ...CAB_OF_TWO, roles: { cab: ['alice', 'dave'] } });
  assert.match(String(await check(made)), /carol has none of the roles/);
});

test('rules are those of the policy the run is pinned to, not of the warrant, and not of today', async (t) => {
  const made = await approved(t, { voters: ['alice'] });
  made.place.write({ ...CAB_OF_TWO, hostClasses: {} });
  made.place.policies.current();
  const generous = { ...made.warrant, rules: { stages: [{ role: 'cab', quorum: 1, eligible: 3 }], inOrder: false, veto: [] } };
  assert.match(String(await check({ ...made, warrant: generous })), /1 of 2 of cab/);
});

test('AP-13: an approval is none for another plan, version, environment, run or namespace', async (t) => {
  const made = await approved(t);
  const others: [Partial<Plan>, RegExp][] = [
    [{ interpreter: { ...made.plan.interpreter, version: '3.11.8' } }, /new version/],
    [{ env: { host: 'web-02', link: '/srv/p/.venv' } }, /environment: expected web-02/],
    [{ files: [{ project: 'a', version: '1', name: 'a-1-py3-none-any.whl', sha256: 'f' }] }, /: plan: expected/],
    [{ present: { ...made.plan.present!, version: '3.12.2' } }, /present version/],
  ];
  for (const [other, pattern] of others) {
    const bare = { ...made.plan, ...other };
    assert.match(String(await check({ ...made, plan: { ...bare, digest: planDigest(bare) } })), pattern);
    assert.match(String(await check({ ...made, plan: bare })), pattern);
  }
  assert.match(String(await check({ ...made, warrant: { ...made.warrant, facts: { ...made.warrant.facts, run: 'ch-aaaa' } } })), /text of vote 1/);
  assert.match(String(await check(await approved(t, { facts: { namespace: 'staging' } }))), /namespace: expected production, got staging/);
  assert.match(String(await check(await approved(t, { verdict: 'reject' }))), /text of vote 1/);
});

test('what was approved must begin in its time', async (t) => {
  const made = await approved(t);
  assert.deepEqual(await check(made, '2025-11-23T11:59:59.999Z'), ['alice', 'carol']);
  assert.match(String(await check(made, '2025-11-23T12:00:00.000Z')), /to be begun before/);
});

test('EE-05: an exception needs the board that grants exceptions, and an end the policy allows', async (t) => {
  const policy = { exception: { grantedBy: [{ role: 'cab', quorum: 2 }] }, timers: { exceptionHours: 24 } };
  const exception = (hours?: number): How => ({ policy, request: { kind: 'exception', to: '3.11.7', ground: 'security-vulnerability', ...(hours === undefined ? {} : { hours }) } });
  assert.deepEqual(await check(await approved(t, exception(24))), ['alice', 'carol']);
  assert.match(String(await check(await approved(t, exception(25)))), /at most 24 hours from its grant, as the policy says \(EE-05\), got 25 hours/);
  assert.match(String(await check(await approved(t, exception()))), /got no end/);
  assert.match(String(await check(await approved(t, { ...exception(24), voters: ['alice'] }))), /1 of 2 of cab/);
  // What was granted for 24 hours is not granted for 20 either: the text is another.
  const made = await approved(t, exception(24));
  assert.match(String(await check({ ...made, plan: { ...made.plan, hours: 20 } })), /hours: expected 20, got 24/);
});

test('the requester is asked for again: a warrant without their signature, or with somebody else\'s, would let them vote', async (t) => {
  const made = await approved(t);
  assert.match(String(await check({ ...made, warrant: { ...made.warrant, asked: null } })), /request of bob: expected signed by bob, got no signature/);
  assert.match(String(await check(await approved(t, { asker: 'dave' }))), /signed by dave/);
  const { asked } = made.warrant;
  const another = requestText(requestFactsOf({ ...requestFor('web-01'), run: 'ch-aaaa', requester: 'bob', policyDigest: made.plan.policyDigest }, { ulid: ULID, namespace: NAMESPACE, at: T, source: null }));
  assert.match(String(await check({ ...made, warrant: { ...made.warrant, asked: await made.place.sign('bob', 'runbook.request', another) } })), /I ask for ch-w0yb: change, got I ask for ch-aaaa: change/);
  made.place.write(CAB_OF_TWO, (name) => (name === 'bob' ? { compromised: true } : {}));
  assert.match(String(await check({ ...made, warrant: { ...made.warrant, asked } })), /bob's key .* is marked compromised/);
});

test('what is no warrant is refused, not tried for ever', async (t) => {
  const made = await approved(t);
  for (const wrong of [{}, { ...made.warrant, votes: 'all of them' }, { ...made.warrant, facts: null }]) assert.match(String(await check({ ...made, warrant: wrong as never })), /warrant/);
});

// ---- a policy that approves by itself

const PREAPPROVED = { header: { version: '2.1.0' }, hostClasses: { production: { hosts: ['web-*'], requireSignatures: true, approvals: { fallback: 0, change: 2 } } }, interpreters: { fallback: { version: '3.11.7', justification: 'wheels' } } };

async function preapproved(t: TestContext, signers: Name[], kind: 'fallback' | 'change' = 'fallback'): Promise<{ place: SigningPlace; plan: Plan }> {
  const { writeFileSync } = await import('node:fs');
  const place = signingPlace(t, PREAPPROVED);
  const { digest } = place.policies.current();
  const signatures = await Promise.all(signers.map((name) => place.sign(name, 'runbook.policy', policyText('2.1.0', digest, null))));
  if (signers.length > 0) writeFileSync(`${place.policyFile}.signatures`, JSON.stringify({ revision: '2.1.0', digest, replaces: null, signatures }));
  const bare = planOf({ ...requestFor('web-01', kind), run: shortId(kind, ULID), policyDigest: digest });
  return { place, plan: { ...bare, digest: planDigest(bare) } };
}

const underPolicy = async ({ place, plan }: { place: SigningPlace; plan: Plan }) => place.activities.policyWarrant({ plan, run: shortId('fallback', ULID), t: T });

test('AP-11: the warrant of a fallback that the policy approves carries the policy as architecture board and CAB signed it', async (t) => {
  const made = await preapproved(t, ['erin', 'dave']);
  const answer = await underPolicy(made);
  assert.equal(answer.refused, null, answer.refused ? words(answer.refused) : '');
  const { warrant } = answer as { warrant: Warrant };
  assert.equal(sha256Hex(warrant.policy!.content), made.plan.policyDigest);
  assert.equal(digestOf(JSON.parse(warrant.policy!.content)), made.plan.policyDigest);
  assert.equal(warrant.policy!.signatures.length, 2);
  assert.deepEqual(await check({ ...made, warrant }), ['policy 2.1.0']);
});

test('a policy that nobody signed, or too few, gives no warrant, and says how to get one', async (t) => {
  const never = await underPolicy(await preapproved(t, []));
  assert.match(words(never.refused!), /signed by nobody/);
  assert.match(never.refused![0]!.wayOut, /runbook policy sign/);
  assert.notEqual((await underPolicy(await preapproved(t, ['erin']))).refused, null);
  assert.notEqual((await underPolicy(await preapproved(t, ['alice', 'dave']))).refused, null);
  assert.notEqual((await underPolicy(await preapproved(t, ['erin', 'frank']))).refused, null);
});

test('signatures under the policy lapse with a compromised key, and do not stretch to a kind that needs a decision', async (t) => {
  const made = await preapproved(t, ['erin', 'dave']);
  const { warrant } = (await underPolicy(made)) as { warrant: Warrant };
  const change = await preapproved(t, ['erin', 'dave'], 'change');
  assert.match(words((await underPolicy(change)).refused!), /approval of a change/);
  made.place.write(PREAPPROVED, (name) => (name === 'erin' ? { compromised: true } : {}));
  assert.match(String(await check({ ...made, warrant })), /compromised/);
});

test('a warrant with another policy inside, or signatures over another, is none', async (t) => {
  const made = await preapproved(t, ['erin', 'dave']);
  const { warrant } = (await underPolicy(made)) as { warrant: Warrant };
  const lax = JSON.stringify({ ...JSON.parse(warrant.policy!.content), defaultClass: {} });
  assert.match(String(await check({ ...made, warrant: { ...warrant, policy: { ...warrant.policy!, content: lax } } })), /policy: expected/);
  assert.match(String(await check({ ...made, warrant: { ...warrant, policy: { ...warrant.policy!, revision: '2.2.0' } } })), /signatures of the policy/);
});
