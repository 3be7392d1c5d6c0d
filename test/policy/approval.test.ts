import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closeAt, EXPIRED_UNVERIFIED, isPending, judgeVote, MAX_REFUSALS, openDecision, progressOf, resultOf, takeVote, voteProblem, withdraw } from '../../policy/approval.js';
import type { Signers } from '../../policy/files/people.js';
import type { ApprovalFacts, ApprovalRules, DecisionState, VoteInput, VoteVerdict } from '../../policy/model-approval.js';
import { approvalText } from '../../policy/signed-texts.js';
import { at, cast, DEADLINE, FACTS, inputOf, keyOf, OPENED, requestOf, signersOf, verdictOf } from '../support/approval-core.js';

const BOARD = signersOf({ cab: ['alice', 'bob', 'carol', 'dave'] });
const CAB: ApprovalRules['stages'] = [{ role: 'cab', quorum: 2, eligible: 3 }];
const open = (rules: Partial<ApprovalRules> = {}, more = {}): DecisionState => openDecision(requestOf({ stages: CAB, ...rules }, more));

/** Votes one after the other; `KEY` approves, `-KEY` rejects. */
function cards(state: DecisionState, signers: Signers, ...votes: string[]): { state: DecisionState; messages: string[] } {
  const messages: string[] = [];
  for (const vote of votes) {
    const given = cast(state, signers, vote.replace('-', ''), vote.startsWith('-') ? 'reject' : 'approve');
    state = given.state;
    messages.push(given.message);
  }
  return { state, messages };
}

test('AP-08: two of the CAB approve; who decided, as what and when is kept with each vote', () => {
  const { state, messages } = cards(open(), BOARD, 'alice', 'carol');
  assert.deepEqual(messages, ['counted: 1 of 2 of cab', 'counted: 2 of 2 of cab; approved by alice (cab), carol (cab)']);
  const result = resultOf(state);
  assert.deepEqual([result.outcome, result.message, result.decidedAt, result.refusals], ['approved', 'approved by alice (cab), carol (cab)', at(1000), 0]);
  const [vote] = result.counted;
  assert.deepEqual({ ...vote, fingerprint: '', signer: '', signersDigest: '' }, { seq: 1, t: at(1000), person: 'alice', role: 'cab', deputyFor: null, verdict: 'approve', text: approvalText(FACTS, 'approve'), signature: 'signature of alice', fingerprint: '', signer: '', signersDigest: '' });
  assert.match(vote!.signer, /^alice namespaces="runbook.approval" ssh-ed25519 /);
});

test('invariant 6: each of the attacks is refused in words of its own, and stays on record without its text', () => {
  const keyed = (more: Parameters<typeof keyOf>[1]) => signersOf({ cab: ['alice', 'bob', 'carol'] }, { people: { alice: { keys: [keyOf('alice', more)] } } });
  const other = (more: Partial<ApprovalFacts>): VoteInput => inputOf('approve', { ...FACTS, ...more }, 's');
  const good = approvalText(FACTS, 'approve');
  const removed = signersOf({ cab: ['bob', 'carol', 'dave'] });
  const retired = { ...BOARD, roles: { cab: ['bob', 'carol', 'dave'], security: ['alice'] } };
  const cases: [string, Signers, string, RegExp, VoteInput?][] = [
    ['requester', BOARD, 'bob', /^not counted: bob asked for this run$/],
    ['removed person', removed, 'alice', /^not counted: nobody here has the key SHA256:/],
    ['wrong role', retired, 'alice', /^not counted: alice has none of the roles asked: cab$/],
    ['expired key', keyed({ validUntil: at(1000) }), 'alice', /^not counted: alice's key SHA256:\S+ expired at /],
    ['not yet valid key', keyed({ validFrom: at(1001) }), 'alice', /^not counted: alice's key \S+ is not valid before /],
    ['revoked key', keyed({ revoked: at(1000) }), 'alice', /^not counted: alice's key \S+ was revoked at /],
    ['compromised key', keyed({ compromised: true }), 'alice', /^not counted: alice's key \S+ is marked compromised$/],
    ['another plan', BOARD, 'alice', /line 6 of its text is "plan sha256:0+", expected "plan sha256:a+"/, other({ planDigest: '0'.repeat(64) })],
    ['another run', BOARD, 'alice', /line 2 of its text is "I approve ch-9zzz: change"/, other({ run: 'ch-9zzz' })],
    ['another environment', BOARD, 'alice', /line 3 of its text is "on web-02:/, other({ env: { host: 'web-02', link: FACTS.env.link } })],
    ['one more environment (AP-13)', BOARD, 'alice', /line 4/, other({ environments: ['web-02:/srv/p/.venv'] })],
    ['another version (AP-13)', BOARD, 'alice', /from 3\.12\.1 to 3\.13\.0/, other({ to: '3.13.0' })],
    ['a longer end', BOARD, 'alice', /for 72 hours/, other({ hours: 72 })],
    ['another request', BOARD, 'alice', /line 8/, other({ request: 'req-0' })],
    ['another namespace', BOARD, 'alice', /in namespace staging/, other({ namespace: 'staging' })],
    ['another head of the trail', BOARD, 'alice', /line 10/, other({ head: { seq: 40, hash: FACTS.head.hash } })],
    ['CRLF', BOARD, 'alice', /carriage returns/, { text: good.replaceAll('\n', '\r\n'), signature: 's', carrier: 'x' }],
    ['trailing space', BOARD, 'alice', /line 10 of its text has a space/, { text: `${good.slice(0, -1)} \n`, signature: 's', carrier: 'x' }],
    ['look-alike', BOARD, 'alice', /outside of ASCII/, { text: good.replace('security', 's\u0435curity'), signature: 's', carrier: 'x' }],
  ];
  for (const [name, signers, key, expected, input] of cases) {
    const { state, message, counted } = cast(open(), signers, key, 'approve', at(1000), input);
    assert.match(message, expected, name);
    assert.deepEqual([counted, state.counted.length, state.outcome], [false, 0, null], name);
    const [refused] = state.refused;
    assert.equal(`not counted: ${refused!.reason}`, message);
    assert.match(refused!.digest, /^[0-9a-f]{64}$/);
    assert.deepEqual(Object.keys(refused!).sort(), ['digest', 'person', 'reason', 'seq', 't']);
  }
});

test('invariant 6: what the judge says without a person, a key or an allowed_signers line does not count', () => {
  const verdict = verdictOf(BOARD, 'alice', at(1));
  for (const lacking of [{ person: null }, { fingerprint: null }, { signer: null }, { valid: false }]) {
    const taken = takeVote(open(), inputOf('approve'), at(1));
    const { answers } = judgeVote(taken.state, 1, { ...verdict, ...lacking });
    assert.equal(answers[0]!.answer.counted, false);
  }
});

test('invariant 6: one person has one vote, with two keys, two roles, or another mind', () => {
  const twoKeys = signersOf({ cab: ['alice', 'carol', 'dave'], security: ['alice', 'dave'] }, { people: { alice: { keys: [keyOf('alice'), keyOf('alice.2')] } } });
  const stages = [{ role: 'cab', quorum: 2, eligible: 3 }, { role: 'security', quorum: 1, eligible: 2 }];
  const { state, messages } = cards(open({ stages, inOrder: false }), twoKeys, 'alice', 'alice', 'alice.2', '-alice', 'dave');
  assert.deepEqual(messages, [
    'counted: 1 of 2 of cab; 0 of 1 of security', ...Array.from({ length: 3 }, () => 'not counted: alice has voted already (approve, as cab)'), 'counted: 2 of 2 of cab; 0 of 1 of security',
  ]);
  assert.deepEqual(state.counted.map(({ person }) => person), ['alice', 'dave']);
  const { messages: after } = cards(open(), BOARD, '-alice', 'alice');
  assert.deepEqual(after, ['counted: 0 of 2 of cab, 1 against', 'not counted: alice has voted already (reject, as cab)']);
});

test('replay: the same vote again is no second vote, and a vote of an earlier request is none here', () => {
  const first = cast(open(), BOARD, 'alice', 'approve');
  const again = cast(first.state, BOARD, 'alice', 'approve', at(2000), { text: first.state.counted[0]!.text, signature: first.state.counted[0]!.signature, carrier: 'mallory' });
  assert.equal(again.message, 'not counted: alice has voted already (approve, as cab)');
  const second = open({}, { facts: { ...FACTS, request: 'req-2' } });
  assert.match(voteProblem(second, inputOf('approve'), at(1))!, /^the text is about another request; expected the line "request req-2 in namespace default"$/);
  assert.match(cast(second, BOARD, 'alice', 'approve', at(1), inputOf('approve')).message, /line 8/);
});

test('who asked under another spelling does not vote, and facts that can be read in two ways are decided by nobody', () => {
  for (const requester of ['Bob', 'bob@laptop', 'BOB@corp']) assert.match(cast(open({}, { facts: { ...FACTS, requester } }), BOARD, 'bob', 'approve').message, /bob asked for this run/, requester);
  const facts = { ...FACTS, requester: 'bob: x', reason: 'y' };
  assert.match(cast(open({}, { facts }), BOARD, 'bob', 'approve', at(1), inputOf('approve', facts)).message, /can't be signed: its requester "bob: x" can be read in two ways/);
});

const DEPUTIES = signersOf({ cab: ['alice', 'bob', 'carol'], ops: ['dave', 'erin'] }, {
  deputies: ['dave', 'erin'].map((by) => ({ role: 'cab', for: 'alice', by, from: OPENED, until: at(5000) })),
});

test('AP-12: a deputy counts for whom they stand in for: of deputy and deputised one vote counts', () => {
  const one = cards(open(), DEPUTIES, 'dave', 'alice', 'erin', 'carol');
  assert.deepEqual(one.messages, [
    'counted: 1 of 2 of cab', 'not counted: dave has voted for alice already, as deputy', 'not counted: erin stands in for alice, for whom dave has voted already',
    'counted: 2 of 2 of cab; approved by dave (cab, for alice), carol (cab)',
  ]);
  assert.deepEqual(cards(open(), DEPUTIES, '-alice', 'dave').messages[1], 'not counted: dave stands in for alice, who has voted already');
  assert.match(cast(open(), DEPUTIES, 'dave', 'approve', at(5000)).message, /dave has none of the roles asked/, 'the time is over');
});

test('nobody stands in for the requester, and the requester for nobody', () => {
  const asked = (requester: string) => open({}, { facts: { ...FACTS, requester } });
  assert.equal(cards(asked('alice'), DEPUTIES, 'dave').messages[0], 'not counted: dave stands in for alice, who asked for this run');
  assert.equal(cards(asked('dave'), DEPUTIES, 'dave').messages[0], 'not counted: dave asked for this run');
  assert.equal(cards(asked('dave'), DEPUTIES, 'alice').messages[0], 'counted: 1 of 2 of cab');
  const both = { ...DEPUTIES, deputies: [...DEPUTIES.deputies, { role: 'cab', for: 'carol', by: 'dave', from: OPENED, until: DEADLINE }] };
  assert.equal(cards(asked('alice'), both, 'dave').state.counted[0]!.deputyFor, 'carol', 'as deputy of somebody else');
});

test('a role of one\'s own goes before one that is stood in for', () => {
  const signers = signersOf({ cab: ['alice', 'carol'], engineering: ['dave'] }, { deputies: [{ role: 'cab', for: 'alice', by: 'dave', from: OPENED, until: DEADLINE }] });
  const stages = [{ role: 'cab', quorum: 2, eligible: 2 }, { role: 'engineering', quorum: 1, eligible: 1 }];
  const { state } = cards(open({ stages, inOrder: false }), signers, 'dave', 'alice', 'carol');
  assert.deepEqual(state.counted.map(({ person, role, deputyFor }) => [person, role, deputyFor]), [['dave', 'engineering', null], ['alice', 'cab', null], ['carol', 'cab', null]]);
  assert.equal(state.outcome, 'approved');
});

const STAGES = [{ role: 'technical-review', quorum: 1, eligible: 2 }, { role: 'security', quorum: 1, eligible: 2 }, { role: 'cab', quorum: 2, eligible: 3 }];
const STAFF = signersOf({ 'technical-review': ['tom', 'tina', 'alice'], security: ['sue', 'sam'], cab: ['alice', 'carol', 'dave'] });

test('AP-09: stages take votes in order; who comes too early is told who is first, and may come again', () => {
  const { state, messages } = cards(open({ stages: STAGES }), STAFF, 'carol', 'sue', 'tom', 'tina', 'carol', 'sue', 'carol', 'dave');
  assert.deepEqual(messages, [
    'not counted: first technical-review, then cab; carol may vote again then', 'not counted: first technical-review, then security; sue may vote again then',
    'counted: 1 of 1 of technical-review; 0 of 1 of security; 0 of 2 of cab', 'not counted: technical-review has its 1 of 1 already',
    'not counted: first security, then cab; carol may vote again then', 'counted: 1 of 1 of technical-review; 1 of 1 of security; 0 of 2 of cab',
    'counted: 1 of 1 of technical-review; 1 of 1 of security; 1 of 2 of cab',
    'counted: 1 of 1 of technical-review; 1 of 1 of security; 2 of 2 of cab; approved by tom (technical-review), sue (security), carol (cab), dave (cab)',
  ]);
  assert.equal(state.outcome, 'approved');
});

test('AP-09: no stage is skipped: the CAB alone never approves, and a rejection that comes too early does not deny', () => {
  const { state } = cards(open({ stages: STAGES, veto: ['cab'] }), STAFF, 'carol', 'dave', '-alice', '-carol', '-dave');
  assert.deepEqual([state.outcome, state.counted.map(({ person, role, verdict }) => `${person} ${role} ${verdict}`)], [null, ['alice technical-review reject']]);
});

test('two stages of one role take its approvals one after the other', () => {
  const stages = [{ role: 'cab', quorum: 1, eligible: 3 }, { role: 'cab', quorum: 1, eligible: 3 }];
  const one = cards(open({ stages }), BOARD, 'alice');
  assert.deepEqual([one.state.outcome, progressOf(one.state)], [null, '1 of 1 of cab; 0 of 1 of cab']);
  assert.equal(cards(one.state, BOARD, 'carol').state.outcome, 'approved');
  assert.equal(cards(open({ stages }), BOARD, '-alice').state.outcome, null);
  assert.equal(cards(open({ stages }), BOARD, '-alice', '-carol').state.outcome, 'denied');
});

test('one rejection of a role with a veto denies; without one, when the quorum can\'t be reached any more', () => {
  const veto = cards(open({ stages: STAGES, veto: ['security'], inOrder: false }), STAFF, '-carol', '-sue', 'tom');
  assert.deepEqual(veto.messages, ['counted: 0 of 1 of technical-review; 0 of 1 of security; 0 of 2 of cab, 1 against', 'counted: 0 of 1 of technical-review; 0 of 1 of security, 1 against; 0 of 2 of cab, 1 against; denied by sue (security): one rejection of security is enough', 'not counted: decided already: denied by sue (security): one rejection of security is enough']);
  const short = cards(open(), BOARD, 'alice', '-carol', '-dave');
  assert.deepEqual([short.state.outcome, short.state.message], ['denied', 'denied by carol (cab), dave (cab): 2 of cab can\'t be reached any more']);
  assert.equal(cards(open(), BOARD, '-carol').state.outcome, null, 'two of three can still approve');
  assert.equal(cards(open(), BOARD, '-carol', 'alice', 'dave').state.outcome, 'approved');
});

test('a veto denies also after its own stage is through, as long as others wait; and it comes before other roles of the same person', () => {
  const after = cards(open({ stages: STAGES, veto: ['security'] }), STAFF, 'tom', 'sue', '-sam');
  assert.equal(after.state.outcome, 'denied');
  const both = signersOf({ cab: ['sue', 'carol', 'dave'], security: ['sue'] });
  const stages = [{ role: 'cab', quorum: 2, eligible: 3 }, { role: 'security', quorum: 1, eligible: 1 }];
  assert.equal(cards(open({ stages, inOrder: false, veto: ['security'] }), both, '-sue').state.outcome, 'denied');
});

test('EE-04: the first counted vote of the role that convenes sets the time, whatever it says', () => {
  const convening = { convene: { role: 'cab', by: at(7200) } };
  const stages = [{ role: 'security', quorum: 1, eligible: 2 }, { role: 'cab', quorum: 2, eligible: 3 }];
  let state = open({ stages, inOrder: false }, convening);
  state = cast(state, STAFF, 'sue', 'approve', at(10)).state;
  state = cast(state, STAFF, 'tom', 'approve', at(11)).state;
  assert.equal(state.convenedAt, null);
  state = cast(state, STAFF, 'carol', 'reject', at(12)).state;
  state = cast(state, STAFF, 'dave', 'approve', at(13)).state;
  assert.equal(state.convenedAt, at(12));
  assert.equal(cards(open(), BOARD, 'alice').state.convenedAt, null, 'nobody convenes');
});

test('decision 1: a vote counts before the deadline, and not at it; said by the validator and again when it is counted', () => {
  const before = new Date(Date.parse(DEADLINE) - 1).toISOString();
  assert.equal(voteProblem(open(), inputOf('approve'), before), null);
  assert.equal(cast(open(), BOARD, 'alice', 'approve', before).counted, true);
  for (const late of [DEADLINE, at(80 * 3_600_000), 'not a time']) {
    assert.match(voteProblem(open(), inputOf('approve'), late)!, /^too late: votes counted until 2026-03-05T08:00:00\.000Z/, late);
    assert.match(cast(open(), BOARD, 'alice', 'approve', late).message, /^not counted: too late/, late);
  }
});

test('decision 2: the validator refuses shape, size, other requests, a crowd and what has ended, and leaves no record', () => {
  const good = inputOf('approve');
  const problem = (input: unknown, state = open(), t = at(1)): string => voteProblem(state, input as VoteInput, t) ?? 'none';
  assert.equal(problem(good), 'none');
  for (const misshapen of [null, 'vote', [], {}, { ...good, text: 1 }, { text: good.text, signature: good.signature }, { ...good, admin: true }]) assert.match(problem(misshapen), /^expected a vote/, JSON.stringify(misshapen));
  const room = 16 * 1024 - good.text.length - 'anybody'.length;
  assert.equal(problem({ ...good, signature: 's'.repeat(room) }), 'none');
  assert.equal(problem({ ...good, signature: 's'.repeat(room + 1) }), 'a vote has at most 16384 bytes, got 16385');
  assert.match(problem({ ...good, signature: 'é'.repeat(room - 10) }), /at most 16384 bytes/);
  assert.match(problem({ ...good, carrier: '🙂'.repeat(5000) }), /at most 16384 bytes/);
  assert.match(problem({ ...good, text: 'I approve everything\n' }), /about another request/);
  assert.equal(problem({ ...good, text: good.text.replaceAll('\n', '\r\n') }), 'none', 'refused on record, with its reason');
  assert.match(problem(good, withdraw(open(), at(1), 'x')), /^decided already: withdrawn: x$/);
  let crowd = open();
  for (let index = 0; index < 5; index += 1) crowd = takeVote(crowd, good, at(1)).state;
  assert.match(problem(good, crowd), /^5 votes are being verified/);
  assert.equal(problem(good, judgeVote(crowd, 1, 'unavailable').state), 'none');
  const before = structuredClone(crowd);
  voteProblem(crowd, good, DEADLINE);
  assert.deepEqual(crowd, before);
});

test('decision 2: after 100 refused votes a request takes no more', () => {
  let state = open();
  for (let index = 0; index < MAX_REFUSALS; index += 1) {
    assert.equal(voteProblem(state, inputOf('approve'), at(1)), null);
    state = cast(state, BOARD, 'bob', 'approve').state;
  }
  assert.equal(voteProblem(state, inputOf('approve'), at(1)), 'closed after 100 refused votes');
  assert.deepEqual([state.outcome, closeAt(state, DEADLINE).outcome], [null, 'expired']);
});

test('decision 2: verdicts are counted in order of seq, whatever order they come in', () => {
  let state = open();
  for (const key of ['bob', 'alice', 'alice', 'carol']) state = takeVote(state, inputOf('approve', FACTS, key), at(5)).state;
  const verdict = (key: string) => verdictOf(BOARD, key, at(5));
  const late = judgeVote(judgeVote(state, 4, verdict('carol')).state, 3, verdict('alice'));
  assert.deepEqual([late.answers, late.state.counted, isPending(late.state)], [[], [], true]);
  const second = judgeVote(late.state, 2, verdict('alice'));
  assert.deepEqual(second.answers, [], 'the first one is still being verified');
  const all = judgeVote(second.state, 1, verdict('bob'));
  assert.deepEqual(all.answers.map(({ seq, answer }) => `${seq} ${answer.message}`), ['1 not counted: bob asked for this run', '2 counted: 1 of 2 of cab', '3 not counted: alice has voted already (approve, as cab)', '4 counted: 2 of 2 of cab; approved by alice (cab), carol (cab)']);
  assert.deepEqual([all.answers.map(({ answer }) => answer.outcome), all.state.inFlight, isPending(all.state)], [[null, null, null, 'approved'], [], false]);
  assert.equal(judgeVote(state, 9, verdict('alice')).state.counted.length, 0, 'no such vote');
  const waiting = judgeVote(state, 4, verdict('carol')).state;
  assert.deepEqual(judgeVote(waiting, 4, 'unavailable').state, waiting, 'the first verdict stands');
});

test('decision 3: what could not be verified is not invalid: it may come again, and if the quorum is missed the expiry says so', () => {
  const taken = takeVote(open(), inputOf('approve', FACTS, 'signature of alice'), at(5)).state;
  const { state, answers } = judgeVote(taken, 1, 'unavailable');
  assert.equal(answers[0]!.answer.message, 'not counted: its signature could not be verified');
  assert.equal(closeAt(state, DEADLINE).message, EXPIRED_UNVERIFIED);
  const again = cast(state, BOARD, 'alice', 'approve').state;
  assert.equal(closeAt(again, DEADLINE).message, 'expired with 1 of 2 of cab', 'it was counted in the end');
  assert.equal(closeAt(cast(state, BOARD, 'carol', 'approve').state, DEADLINE).message, EXPIRED_UNVERIFIED);
  assert.equal(closeAt(taken, DEADLINE).message, EXPIRED_UNVERIFIED, 'still in flight at the end');
  assert.equal(resultOf(closeAt(taken, DEADLINE)).outcome, 'expired');
});

test('invariant 5: a timer never approves, and a decision once made never changes', () => {
  const one = cards(open(), BOARD, 'alice').state;
  assert.deepEqual(closeAt(one, at(1)), one, 'before the deadline');
  const expired = closeAt(one, DEADLINE);
  assert.deepEqual([expired.outcome, expired.message, expired.decidedAt], ['expired', 'expired with 1 of 2 of cab', DEADLINE]);
  assert.equal(cast(expired, BOARD, 'carol', 'approve').message, 'not counted: decided already: expired with 1 of 2 of cab');
  const approved = cards(one, BOARD, 'carol').state;
  for (const ended of [expired, approved]) {
    assert.deepEqual(closeAt(ended, DEADLINE), ended);
    assert.deepEqual(withdraw(ended, DEADLINE, 'x'), ended);
    for (const vote of ['dave', '-dave']) assert.deepEqual({ ...cards(ended, BOARD, vote).state, refused: [], nextSeq: 0 }, { ...ended, refused: [], nextSeq: 0 });
  }
  assert.equal(closeAt(open({ stages: [] }), DEADLINE).outcome, 'expired', 'a rule without stages approves nothing');
  assert.match(cast(open({ stages: [] }), BOARD, 'alice', 'approve').message, /none of the roles asked/);
  assert.throws(() => resultOf(one), /expected a decision that has ended/);
});

test('a vote in time whose verdict comes after the deadline still counts; one for a withdrawn request is answered', () => {
  const votes: VoteVerdict[] = ['approve', 'approve'];
  const state = votes.reduce((so, verdict, index) => takeVote(so, inputOf(verdict, FACTS, String(index)), at(5)).state, open());
  assert.equal(isPending(state), true);
  const one = judgeVote(state, 1, verdictOf(BOARD, 'alice', at(5))).state;
  const two = judgeVote(one, 2, verdictOf(BOARD, 'carol', at(5)));
  assert.deepEqual([two.state.outcome, isPending(two.state)], ['approved', false]);
  const gone = withdraw(one, at(6), 'the run was\naborted');
  assert.deepEqual([gone.outcome, gone.message, isPending(gone)], ['withdrawn', 'withdrawn: the run was aborted', false]);
  assert.equal(judgeVote(gone, 2, verdictOf(BOARD, 'carol', at(5))).answers[0]!.answer.message, 'not counted: decided already: withdrawn: the run was aborted');
});

test('a late vote that came into the line keeps no deadline waiting', () => {
  assert.equal(isPending(takeVote(open(), inputOf('approve'), DEADLINE).state), false);
});
