import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson, sha256Hex } from '../../policy/canonical.js';
import type { Signers } from '../../policy/files/people.js';
import { policyFileSchema } from '../../policy/files/policy-file.js';
import type { ApprovalFacts, ApprovalStage, SignatureVerdict, Warrant } from '../../policy/model-approval.js';
import type { Objection, Plan } from '../../policy/model.js';
import { planDigest } from '../../policy/plan.js';
import { approvalText, policyText } from '../../policy/signed-texts.js';
import { policyWarrantProblems, warrantProblems, type PolicyWarrantInput, type WarrantInput } from '../../policy/warrant.js';
import { at, FACTS, keyOf, signersOf, verdictOf } from '../support/approval-core.js';
import { planOf, requestFor } from '../support/fake-host.js';

const NOW = at(3_600_000);
const BOARD = signersOf({ cab: ['alice', 'bob', 'carol', 'dave'], 'architecture-board': ['carol', 'erin'] });
const CAB: ApprovalStage[] = [{ role: 'cab', quorum: 2 }];

const digested = (plan: Plan): Plan => ({ ...plan, digest: planDigest(plan) });
const planWith = (more: Partial<Plan> = {}): Plan => digested({ ...planOf(requestFor('web-01')), kind: 'change', policyDigest: FACTS.policyDigest, ...more });
const PLAN = planWith();
const factsFor = (plan: Plan): ApprovalFacts => ({
  ...FACTS, kind: plan.kind, env: plan.env, from: plan.present?.version ?? null, to: plan.interpreter.version, hours: plan.hours ?? null, planDigest: plan.digest, policyDigest: plan.policyDigest,
});

/** A warrant as a decision gives it, voted by the holders of these keys. */
function inputFor(keys: string[], { plan = PLAN, facts = factsFor(plan), signers = BOARD, ...more }: Partial<WarrantInput> & { facts?: ApprovalFacts; signers?: Signers } = {}): WarrantInput {
  const votes = keys.map((key, index) => ({ text: approvalText(facts, 'approve'), signature: `signature of ${key}`, t: at(1000 + index) }));
  const warrant: Warrant = { facts, rules: { stages: [], inOrder: false, veto: [] }, votes, asked: null, grantedAt: votes.at(-1)?.t ?? at(0), policy: null };
  return { warrant, plan, stages: CAB, inOrder: true, veto: [], namespace: 'default', verdicts: keys.map((key) => verdictOf(signers, key, NOW)), now: NOW, ...more };
}

const words = (objections: Objection[]): string => objections.map(({ what, expected, got, wayOut }) => (assert.ok(wayOut !== ''), `${what}: expected ${expected}, got ${got}`)).join('\n');
const problems = (keys: string[], more: Parameters<typeof inputFor>[1] = {}, change: (warrant: Warrant) => Partial<Warrant> = () => ({})): string => {
  const input = inputFor(keys, more);
  return words(warrantProblems({ ...input, warrant: { ...input.warrant, ...change(input.warrant) } }));
};

test('a warrant with the quorum\'s signatures over exactly this plan entitles to it', () => {
  assert.equal(problems(['alice', 'carol']), '');
  assert.equal(problems(['alice', 'carol', 'dave']), '', 'one more is no harm');
  const exception = planWith({ kind: 'exception', hours: 48 });
  assert.equal(problems(['alice', 'carol'], { plan: exception }), '');
});

test('AP-13: it entitles to no other plan, version, environment, kind, policy or end', () => {
  const others: [Partial<Plan>, RegExp][] = [
    [{ interpreter: { ...PLAN.interpreter, version: '3.13.0' } }, /new version: expected 3\.13\.0, got 3\.11\.7/],
    [{ interpreter: { ...PLAN.interpreter, build: 'other' } }, /: plan: expected [0-9a-f]{64}, got [0-9a-f]{64}/],
    [{ env: { ...PLAN.env, host: 'web-02' } }, /environment: expected web-02:/],
    [{ present: { ...PLAN.present!, version: '3.10.1' } }, /present version: expected 3\.10\.1, got 3\.12\.1/],
    [{ present: null }, /present version: expected none, got 3\.12\.1/],
    [{ kind: 'fallback' }, /kind: expected fallback, got change/],
    [{ policyDigest: 'other' }, /policy: expected other, got b+/],
    [{ hours: 5 }, /hours: expected 5, got none\n.*hours: expected none for a change, got 5/],
    [{ files: [{ project: 'evil', version: '1', name: 'evil.whl', sha256: '0' }] }, /: plan: /],
    [{ undoTarget: null }, /: plan: /],
  ];
  for (const [more, expected] of others) assert.match(words(warrantProblems({ ...inputFor(['alice', 'carol']), plan: planWith(more) })), expected, JSON.stringify(more));
  assert.match(words(warrantProblems({ ...inputFor(['alice', 'carol']), plan: { ...PLAN, serviceActions: ['rm'] } })), /plan as it names itself/, 'a plan that keeps its old digest');
  assert.match(problems(['alice', 'carol'], { facts: { ...factsFor(PLAN), planDigest: null } }), /: plan: expected [0-9a-f]{64}, got none/);
});

test('AP-08, invariant 6: votes are counted again by the function that counted them, with today\'s keys', () => {
  const keys = (more: Parameters<typeof keyOf>[1]) => ({ signers: signersOf({ cab: ['alice', 'bob', 'carol', 'dave'] }, { people: { carol: { keys: [keyOf('carol', more)] } } }) });
  const cases: [string, string[], Parameters<typeof inputFor>[1], RegExp][] = [
    ['too few', ['alice'], {}, /quorum: expected 2 of cab, got 1 of 2 of cab$/],
    ['none', [], {}, /quorum: expected 2 of cab, got 0 of 2 of cab$/],
    ['twice', ['alice', 'alice'], {}, /vote 2: alice has voted already/],
    ['requester', ['alice', 'bob'], {}, /vote 2: expected somebody else than the requester, got bob/],
    ['requester beside a quorum', ['alice', 'carol', 'bob'], {}, /vote 3: expected somebody else than the requester/],
    ['wrong role', ['alice', 'erin'], {}, /vote 2: erin has none of the roles asked: cab/],
    ['unknown', ['alice', 'mallory'], {}, /vote 2: nobody here has the key/],
    ['compromised since', ['alice', 'carol'], keys({ compromised: true }), /vote 2: carol's key \S+ is marked compromised/],
    ['revoked since', ['alice', 'carol'], keys({ revoked: NOW }), /vote 2: carol's key \S+ was revoked/],
    ['expired since', ['alice', 'carol'], keys({ validUntil: NOW }), /vote 2: carol's key \S+ expired/],
    ['more asked for here', ['alice', 'carol'], { stages: [{ role: 'cab', quorum: 3 }] }, /expected 3 of cab, got 2 of 3 of cab/],
    ['another stage here', ['alice', 'carol'], { stages: [...CAB, { role: 'security', quorum: 1 }] }, /2 of 2 of cab; 0 of 1 of security/],
    ['no rule here', ['alice', 'carol'], { stages: [] }, /expected a rule that names who approves/],
    ['order', ['alice', 'carol', 'erin'], { stages: [{ role: 'architecture-board', quorum: 1 }, ...CAB] }, /vote 1: first architecture-board, then cab/],
  ];
  for (const [name, votes, more, expected] of cases) assert.match(problems(votes, more), expected, name);
  assert.equal(problems(['erin', 'alice', 'carol'], { stages: [{ role: 'architecture-board', quorum: 1 }, ...CAB] }), '');
  assert.equal(problems(['alice', 'carol', 'dave'], keys({ compromised: true })), '', 'who is left is enough');
});

test('the warrant\'s own rules count for nothing, and its texts must be the approve text byte for byte', () => {
  assert.match(problems(['alice'], {}, () => ({ rules: { stages: [{ role: 'cab', quorum: 1, eligible: 1 }], inOrder: false, veto: [] } })), /expected 2 of cab, got 1 of 2/);
  const changed = (text: (given: string) => string) => problems(['alice', 'carol'], {}, ({ votes }) => ({ votes: votes.map((vote, index) => (index === 0 ? { ...vote, text: text(vote.text) } : vote)) }));
  for (const text of [(given: string) => given.replaceAll('\n', '\r\n'), (given: string) => `${given} `, () => approvalText(factsFor(PLAN), 'reject'), (given: string) => given.replace('req-1', 'req-2')]) assert.match(changed(text), /text of vote 1: expected exactly what approves these facts/);
});

test('who asked can\'t be read in two ways: the requester\'s own vote under a requester\'s name that ends elsewhere is none', () => {
  const honest = { ...factsFor(PLAN), requester: 'bob', reason: 'x: y' };
  const forged = { ...honest, requester: 'bob: x', reason: 'y' };
  assert.equal(approvalText(honest, 'approve'), approvalText(forged, 'approve'));
  assert.match(problems(['alice', 'bob'], { facts: forged }), /vote 2: the request can't be signed: its requester/);
});

test('EE-05: an exception entitles for at most 72 hours, to one that ends, and nothing else has an end', () => {
  for (const [kind, hours, fits] of [['exception', 72, true], ['exception', 73, false], ['exception', 0, false], ['exception', -1, false], ['exception', undefined, false], ['change', 5, false], ['change', undefined, true]] as const) {
    const plan = planWith({ kind, ...(hours === undefined ? {} : { hours }) });
    assert.equal(problems(['alice', 'carol'], { plan }) === '', fits, `${kind} ${hours}`);
  }
  assert.match(problems(['alice', 'carol'], { plan: planWith({ kind: 'exception', hours: 73 }) }), /hours: expected more than 0, at most 72, got 73/);
});

test('times: begun before `useBy` and not at it; votes in order, the grant at the last, none from the future; another namespace\'s are none', () => {
  const { useBy } = FACTS;
  const before = new Date(Date.parse(useBy) - 1).toISOString();
  assert.equal(problems(['alice', 'carol'], { now: before }), '');
  for (const late of [useBy, 'never']) assert.match(problems(['alice', 'carol'], { now: late }), /time: expected to be begun before/);
  assert.match(problems(['alice', 'carol'], {}, ({ votes }) => ({ votes: [...votes].reverse(), grantedAt: votes[0]!.t })), /times of the votes: expected one after the other/);
  assert.match(problems(['alice', 'carol'], {}, () => ({ grantedAt: at(5_000_000) })), /time of the grant: expected the last vote's/);
  assert.match(problems(['alice', 'carol'], { now: at(-3_600_000) }), /time of the grant: expected not after/);
  assert.equal(problems(['alice', 'carol'], { now: at(0) }), '', 'clocks differ by seconds');
  assert.match(problems(['alice', 'carol'], {}, ({ votes }) => ({ votes: votes.map((vote) => ({ ...vote, t: 'x' })), grantedAt: 'x' })), /times of the votes/);
  assert.match(problems(['alice', 'carol'], {}, ({ votes }) => ({ votes: votes.map((vote) => ({ ...vote, t: useBy })), grantedAt: useBy })), /vote 1: too late/);
  assert.match(problems(['alice', 'carol'], { namespace: 'production' }), /namespace: expected production, got default/);
  assert.match(problems(['alice', 'carol'], { verdicts: [verdictOf(BOARD, 'alice', NOW)] }), /a verdict for each of 2 votes, got 1/);
});

test('invariant 6: whatever is changed in a warrant that entitles, it entitles no more', () => {
  const good = inputFor(['alice', 'carol']);
  const paths: [string, (facts: ApprovalFacts, put: string) => ApprovalFacts][] = [
    ...(['request', 'run', 'purpose', 'namespace', 'requester', 'reason', 'to', 'from', 'planDigest', 'policyDigest', 'useBy'] as const).map((key): [string, (facts: ApprovalFacts, put: string) => ApprovalFacts] => [key, (facts, put) => ({ ...facts, [key]: put })]),
    ['link', (facts, put) => ({ ...facts, env: { ...facts.env, link: put } })], ['head', (facts, put) => ({ ...facts, head: { ...facts.head, hash: put } })], ['evidence', (facts, put) => ({ ...facts, evidence: [{ name: 'x', sha256: put }] })], ['environments', (facts, put) => ({ ...facts, environments: [put] })],
  ];
  fc.assert(fc.property(fc.constantFrom(...paths), fc.string({ unit: 'binary', maxLength: 12 }), ([, change], put) => {
    const facts = change(good.warrant.facts, put);
    const same = JSON.stringify(facts) === JSON.stringify(good.warrant.facts);
    assert.equal(warrantProblems({ ...good, warrant: { ...good.warrant, facts } }).length === 0, same);
  }));
});

const POLICY = policyFileSchema.parse({ interpreters: { fallback: { version: '3.11.7', justification: 'test' } }, hostClasses: { production: { hosts: ['db-*'], approvals: { change: 2, fallback: 0 } } } });
const STAGES = POLICY.policyRevision.stages;

/** A warrant under a signed policy. */
function underPolicy(keys: string[], { plan: more = {}, policy = POLICY, ...rest }: { plan?: Partial<Plan>; policy?: typeof POLICY } & Partial<Omit<PolicyWarrantInput, 'plan'>> = {}, text: (given: string) => string = (it) => it): string {
  const content = canonicalJson(policy);
  const digest = sha256Hex(content);
  const plan = planWith({ kind: 'fallback', policyDigest: digest, ...more });
  const signatures = keys.map((key) => ({ text: text(policyText('1.0.0', digest, 'd'.repeat(64))), signature: key }));
  const warrant: Warrant = { facts: { ...factsFor(plan), requester: 'policy' }, rules: { stages: [], inOrder: false, veto: [] }, votes: [], asked: null, grantedAt: at(0), policy: { content, revision: '1.0.0', signatures } };
  const verdicts: SignatureVerdict[] = keys.map((key) => verdictOf(BOARD, key, NOW));
  return words(policyWarrantProblems({ warrant, plan, stages: STAGES, verdicts, now: NOW, hostClass: null, ...rest }));
}

test('AP-11, DIS-19: a policy that architecture board and CAB signed entitles to what it pre-approves, in whatever order they signed', () => {
  for (const keys of [['erin', 'alice'], ['alice', 'erin'], ['carol', 'erin'], ['erin', 'carol'], ['carol', 'alice'], ['alice', 'carol'], ['bob', 'erin']]) assert.equal(underPolicy(keys), '', keys.join(' '));
  assert.equal(underPolicy(['erin', 'alice'], { plan: { env: { host: 'db-1', link: '/srv/p/.venv' } } }), '');
});

test('AP-11: no signatures, one board alone, one person for both, another text or another digest are no signed policy', () => {
  assert.match(underPolicy([]), /quorum: expected 1 of architecture-board, 1 of cab/);
  assert.match(underPolicy(['alice']), /0 of 1 of architecture-board; 1 of 1 of cab/);
  assert.match(underPolicy(['carol']), /1 of 1 of architecture-board; 0 of 1 of cab/);
  assert.match(underPolicy(['carol', 'carol']), /carol has voted already/);
  assert.match(underPolicy(['erin', 'mallory']), /nobody here has the key/);
  const others = [(it: string) => it.replace('1.0.0', '2.0.0'), (it: string) => it.replaceAll('\n', '\r\n'), (it: string) => `${it}\n`, (it: string) => it.replace(/policy sha256:\w+/, `policy sha256:${'0'.repeat(64)}`), () => ''];
  for (const text of others) assert.match(underPolicy(['erin', 'alice'], {}, text), /signatures of the policy: expected the text of revision 1\.0\.0/);
  assert.match(underPolicy(['erin', 'alice'], { plan: { policyDigest: 'e'.repeat(64) } }), /policy: expected e+, got [0-9a-f]{64}/);
  assert.match(underPolicy(['erin', 'alice'], { stages: [] }), /a rule that names who approves/);
  assert.match(underPolicy(['erin', 'alice'], { verdicts: [] }), /nothing that can be counted/);
});

test('DIS-19, AP-01: a signed policy does not entitle to what it does not pre-approve', () => {
  const cases: [Parameters<typeof underPolicy>[1], RegExp][] = [
    [{ plan: { kind: 'change', env: { host: 'db-1', link: '/srv/p/.venv' } } }, /approval of a change: expected a kind of run the policy approves by itself, got 2 of cab for class production/],
    [{ plan: { kind: 'exception', hours: 5 } }, /exception, which always needs a decision/],
    [{ plan: { kind: 'interpreter-change' } }, /interpreter-change, which always needs a decision/],
    [{ plan: { interpreter: { version: '3.13.0', build: 'm', realpath: '/p' } } }, /interpreter: expected 3\.12\.x or 3\.11\.7, got Python 3\.13\.0 is not yet tested/],
    [{ plan: { interpreter: { version: '3.11.8', build: 'm', realpath: '/p' } } }, /interpreter: /],
    [{ plan: { interpreter: { version: '3.12.1', build: 'm', realpath: '/p' } } }, /interpreter of a fallback: expected 3\.11\.7, the policy's fallback, got 3\.12\.1/],
    [{ plan: { hours: 5 } }, /hours/],
    [{ hostClass: 'production' }, /class of web-01: expected production, as the host's signers file says, got default/],
    [{ now: FACTS.useBy }, /to be begun before/],
  ];
  for (const [more, expected] of cases) assert.match(underPolicy(['erin', 'alice'], more), expected, JSON.stringify(more));
  assert.equal(underPolicy(['erin', 'alice'], { hostClass: 'default' }), '');
  assert.equal(underPolicy(['erin', 'alice'], { plan: { kind: 'change', interpreter: { version: '3.12.1', build: 'm', realpath: '/p' } } }), '', 'a change that the class pre-approves');
});

test('a policy that is none, or none of ours, entitles to nothing', () => {
  for (const content of ['', 'null', '{"people": 1}', '{"unknown": true}', '[', '{}{}']) {
    const digest = sha256Hex(content);
    const plan = planWith({ kind: 'fallback', policyDigest: digest });
    const signatures = ['erin', 'alice'].map((key) => ({ text: policyText('1', digest, null), signature: key }));
    const warrant: Warrant = { facts: factsFor(plan), rules: { stages: [], inOrder: false, veto: [] }, votes: [], asked: null, grantedAt: at(0), policy: { content, revision: '1', signatures } };
    const verdicts = ['erin', 'alice'].map((key) => verdictOf(BOARD, key, NOW));
    assert.match(words(policyWarrantProblems({ warrant, plan, stages: STAGES, verdicts, now: NOW, hostClass: null })), /a policy this version can read/, content);
    assert.match(words(policyWarrantProblems({ warrant: { ...warrant, policy: null }, plan, stages: STAGES, verdicts, now: NOW, hostClass: null })), /the policy as it was signed, got none/);
  }
});
