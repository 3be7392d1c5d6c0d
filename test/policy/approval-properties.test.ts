/**
 * Random lives of a decision, driven through the functions the workflow uses, compared with a model of invariants 5 and 6 that is written
 * another way: it looks at all votes at the end, and at nothing of the state on the way.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { closeAt, isPending, judgeVote, openDecision, takeVote, voteProblem, withdraw } from '../../policy/approval.js';
import type { Signers } from '../../policy/files/people.js';
import type { ApprovalRules, DecisionState, SignatureVerdict, Vote, VoteInput, VoteVerdict } from '../../policy/model-approval.js';
import { approvalText } from '../../policy/signed-texts.js';
import { at, FACTS, inputOf, keyOf, requestOf, signersOf, verdictOf } from '../support/approval-core.js';

const END = 1000;
const PEOPLE = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'];
const ROLES = ['cab', 'security', 'engineering'];

interface World {
  signers: Signers;
  rules: ApprovalRules;
}

const span = fc.tuple(fc.integer({ min: 0, max: END + 200 }), fc.integer({ min: 1, max: END })).map(([from, length]) => ({ from: at(from), until: at(from + length) }));
const always = fc.constant({ from: at(0), until: at(2 * END) });
/** Ends at an instant at which votes are likely to come. */
const soon = fc.constantFrom(0, 1, 90).map((until) => ({ from: at(0), until: at(until) }));
const keyMore = fc.oneof(
  { weight: 12, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: span.map(({ from, until }) => ({ validFrom: from, validUntil: until })) },
  { weight: 1, arbitrary: span.map(({ from }) => ({ revoked: from })) },
  { weight: 1, arbitrary: fc.constant({ compromised: true }) },
);

const world: fc.Arbitrary<World> = fc.record({
  members: fc.record({ cab: fc.subarray(PEOPLE.slice(0, 4), { minLength: 3 }), security: fc.subarray(PEOPLE, { minLength: 1, maxLength: 3 }), engineering: fc.subarray(PEOPLE, { minLength: 1, maxLength: 3 }) }),
  keys: fc.array(fc.tuple(keyMore, keyMore), { minLength: PEOPLE.length, maxLength: PEOPLE.length }),
  deputies: fc.array(fc.record({ role: fc.constantFrom('cab', 'cab', 'security'), for: fc.constantFrom('alice', 'alice', 'alice', FACTS.requester, ...PEOPLE), by: fc.constantFrom('erin', 'frank', 'erin', 'frank', ...PEOPLE), span: fc.oneof(always, always, soon) }), { maxLength: 6 }),
  stages: fc.array(fc.record({ role: fc.constantFrom('cab', 'cab', 'security', 'engineering'), quorum: fc.constantFrom(1, 2, 2, 3, 4) }), { minLength: 1, maxLength: 3 }),
  inOrder: fc.boolean(),
  veto: fc.subarray(ROLES, { maxLength: 1 }),
}).map(({ members, keys, deputies, stages, inOrder, veto }) => {
  const people = Object.fromEntries(PEOPLE.map((name, index) => [name, { keys: [keyOf(name, keys[index]![0]), keyOf(`${name}.2`, keys[index]![1])] }]));
  const signers = signersOf(members, { people, deputies: deputies.map(({ span: { from, until }, ...it }) => ({ ...it, from, until })) });
  const eligible = (role: string): number => (members as Record<string, string[]>)[role]!.filter((name) => name !== FACTS.requester).length;
  return { signers, rules: { stages: stages.map((stage) => ({ ...stage, eligible: eligible(stage.role) })), inOrder, veto } };
});

type Step =
  | { do: 'vote'; key: string; verdict: VoteVerdict; text: 'right' | 'crlf' | 'plan' | 'space' | 'request' }
  | { do: 'judge'; pick: number; unavailable: boolean }
  | { do: 'tick'; by: number }
  | { do: 'repeat'; pick: number }
  | { do: 'close' }
  | { do: 'withdraw' };

const weighted = <T>(weight: number, arbitrary: fc.Arbitrary<T>): { weight: number; arbitrary: fc.Arbitrary<T> } => ({ weight, arbitrary });
const step: fc.Arbitrary<Step> = fc.oneof(
  weighted(10, fc.record({
    do: fc.constant('vote' as const), key: fc.tuple(fc.constantFrom(...PEOPLE), fc.constantFrom('', '', '', '.2')).map((it) => it.join('')), verdict: fc.constantFrom('approve', 'approve', 'approve', 'approve', 'approve', 'reject'),
    text: fc.oneof(weighted(12, fc.constant('right' as const)), weighted(1, fc.constantFrom('crlf', 'plan', 'space', 'request'))),
  })),
  weighted(10, fc.record({ do: fc.constant('judge' as const), pick: fc.nat(9), unavailable: fc.nat(14).map((it) => it === 0) })),
  weighted(3, fc.record({ do: fc.constant('tick' as const), by: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.constantFrom(1, 90, 90, 90, 90, END)) })),
  weighted(1, fc.record({ do: fc.constant('repeat' as const), pick: fc.nat(9) })),
  weighted(1, fc.constant({ do: 'close' as const })),
  weighted(1, fc.nat(15).map((it): Step => (it === 0 ? { do: 'withdraw' } : { do: 'tick', by: 1 }))),
);

function inputFor({ key, verdict, text }: Extract<Step, { do: 'vote' }>): VoteInput {
  const right = inputOf(verdict, FACTS, `${key} ${verdict}`);
  switch (text) {
    case 'right': return right;
    case 'crlf': return { ...right, text: right.text.replaceAll('\n', '\r\n') };
    case 'plan': return inputOf(verdict, { ...FACTS, planDigest: '9'.repeat(64) }, right.signature);
    case 'space': return { ...right, text: right.text.replace('\non ', ' \non ') };
    case 'request': return inputOf(verdict, { ...FACTS, request: 'req-other' }, right.signature);
  }
}

interface Life {
  state: DecisionState;
  /** All that were taken, in order of seq, with what the judge said. */
  taken: { vote: Vote; key: string; said: SignatureVerdict | 'unavailable' | null }[];
  /** By seq, in words. */
  answers: Map<number, string>;
}

/** Drives a decision as the workflow does, and looks at it after each step. */
function live({ signers, rules }: World, steps: Step[]): Life {
  const life: Life = { state: openDecision(requestOf(rules, { deadline: at(END) })), taken: [], answers: new Map() };
  let now = 0;
  for (const it of steps) {
    const before = life.state;
    if (it.do === 'tick') now += it.by;
    else if (it.do === 'close') life.state = closeWhenDue(life.state, now);
    else if (it.do === 'withdraw') life.state = withdraw(life.state, at(now), 'taken back');
    else if (it.do === 'judge') judgeOne(life, signers, it.pick, it.unavailable);
    else {
      const old = it.do === 'repeat' ? life.taken[it.pick] : undefined;
      const input = it.do === 'vote' ? inputFor(it) : old && { text: old.vote.text, signature: old.vote.signature, carrier: 'somebody else' };
      if (input) send(life, it.do === 'vote' ? it.key : old!.key, input, now);
    }
    mayFollow(before, life.state, it);
  }
  return life;
}

const closeWhenDue = (state: DecisionState, now: number): DecisionState => (isPending(state) ? state : closeAt(state, at(now)));

function send(life: Life, key: string, input: VoteInput, now: number): void {
  if (voteProblem(life.state, input, at(now)) !== null) return;
  assert.ok(now < END && life.state.outcome === null && life.state.inFlight.length < 5);
  const { state, vote } = takeVote(life.state, input, at(now));
  life.state = state;
  life.taken.push({ vote, key, said: null });
}

function judgeOne(life: Life, signers: Signers, pick: number, unavailable: boolean): void {
  const waiting = life.taken.filter(({ said }) => said === null);
  const one = waiting[pick % Math.max(1, waiting.length)];
  if (one === undefined) return;
  one.said = unavailable ? 'unavailable' : verdictOf(signers, one.key, one.vote.t);
  const judged = judgeVote(life.state, one.vote.seq, one.said);
  life.state = judged.state;
  for (const { seq, answer } of judged.answers) {
    assert.ok(!life.answers.has(seq), 'answered once');
    life.answers.set(seq, answer.message);
  }
}

/** Invariant 5, step by step: what may come after what. */
function mayFollow(before: DecisionState, after: DecisionState, { do: what }: Step): void {
  const decision = ({ outcome, decidedAt, message, counted, convenedAt }: DecisionState) => ({ outcome, decidedAt, message, counted, convenedAt });
  if (before.outcome !== null) return assert.deepEqual(decision(after), decision(before), 'a decision once made never changes');
  if (after.outcome === null) return;
  if (after.outcome === 'expired') assert.ok(what === 'close' && after.decidedAt! >= at(END), 'expires by the deadline and not before');
  else if (after.outcome === 'withdrawn') assert.equal(what, 'withdraw');
  else {
    assert.equal(what, 'judge', 'only a counted vote approves or denies');
    assert.equal(after.counted.length > before.counted.length, true);
    assert.equal(after.decidedAt, after.counted.at(-1)!.t);
  }
}

/** Whose hands a role is in at a time: themselves, or stood in for. Read from the tables, not through rolesAt. */
function holds({ people, roles, deputies }: Signers, person: string, role: string, t: string): (string | null)[] {
  const has = (name: string): boolean => name in people && (roles[role] ?? []).includes(name);
  return [...(has(person) ? [null] : []), ...deputies.filter((it) => it.role === role && it.by === person && it.for !== person && has(it.for) && it.from <= t && t < it.until).map((it) => it.for)];
}

const usable = ({ people }: Signers, key: string, t: string): boolean => {
  const { validFrom, validUntil, revoked, compromised } = people[key.replace('.2', '')]!.keys[key.endsWith('.2') ? 1 : 0]!;
  return !compromised && !(validFrom && t < validFrom) && !(validUntil && t >= validUntil) && !(revoked && t >= revoked);
};

/** Who was counted, one line each, and what came of it: from the votes as they were taken, in order. */
function model({ signers, rules: { stages, inOrder, veto } }: World, life: Life): { counted: string[]; outcome: 'approved' | 'denied' | null } {
  const counted: { seq: number; person: string; stands: string; stage: number; verdict: VoteVerdict; role: string }[] = [];
  let outcome: 'approved' | 'denied' | null = null;
  const yes = (stage: number): number => counted.filter((it) => it.stage === stage && it.verdict === 'approve').length;
  const full = (stage: number): boolean => yes(stage) >= stages[stage]!.quorum;
  for (const { vote, key, said } of life.taken) {
    if (outcome !== null || said === null) break;
    const person = key.replace('.2', '');
    const verdict = (['approve', 'reject'] as const).find((it) => approvalText(FACTS, it) === vote.text);
    if (said === 'unavailable' || verdict === undefined || vote.t >= at(END) || !usable(signers, key, vote.t) || person === FACTS.requester) continue;
    if (counted.some((it) => it.person === person || it.stands === person)) continue;
    // Every place it could take, best first: a veto, then own roles, then those stood in for, then the order of the stages.
    const places = stages.flatMap(({ role }, stage) => {
      const isVeto = verdict === 'reject' && veto.includes(role);
      const opened = !inOrder || stages.every((_, other) => other >= stage || full(other));
      if (!opened || (full(stage) && !isVeto)) return [];
      return holds(signers, person, role, vote.t).map((of) => ({ stage, role, stands: of ?? person, own: of === null, isVeto }));
    }).filter(({ stands, own }) => own || (stands !== FACTS.requester && !counted.some((it) => it.person === stands || it.stands === stands)));
    const [place] = places.sort((a, b) => Number(b.isVeto) - Number(a.isVeto) || Number(b.own) - Number(a.own) || a.stage - b.stage);
    if (place === undefined) continue;
    counted.push({ seq: vote.seq, person, verdict, ...place });
    if (verdict === 'approve' && stages.every((_, stage) => full(stage))) outcome = 'approved';
    if (verdict === 'reject') {
      const against = counted.filter((it) => it.verdict === 'reject' && it.role === place.role).length;
      const needs = stages.filter(({ role }) => role === place.role).map((_, index, all) => all.slice(0, index + 1).reduce((sum, { quorum }) => sum + quorum, 0));
      const open = stages.map((stage, index) => ({ ...stage, index })).filter(({ role }) => role === place.role).map(({ index, eligible }, nth) => !full(index) && eligible - against < needs[nth]!);
      if (place.isVeto || open.includes(true)) outcome = 'denied';
    }
  }
  return { counted: counted.map(({ seq, person, stands, role, verdict }) => `${seq} ${person} for ${stands} as ${role}: ${verdict}`), outcome };
}

const countedOf = ({ counted }: DecisionState): string[] => counted.map(({ seq, person, deputyFor, role, verdict }) => `${seq} ${person} for ${deputyFor ?? person} as ${role}: ${verdict}`);

/** Invariant 6, of what was counted in the end. */
function isEntitled({ signers, rules: { stages } }: World, { state: { counted, outcome } }: Life): void {
  const hands = counted.flatMap(({ person, deputyFor }) => (deputyFor === null ? [person] : [person, deputyFor]));
  assert.equal(new Set(hands).size, hands.length, 'distinct people, deputies and deputised together');
  assert.ok(!hands.includes(FACTS.requester));
  for (const { person, role, deputyFor, t, text, verdict } of counted) {
    assert.ok(t < at(END));
    assert.ok(holds(signers, person, role, t).includes(deputyFor), 'has the role at the time');
    assert.equal(text, approvalText(FACTS, verdict));
  }
  if (outcome !== 'approved') return;
  for (const role of ROLES) {
    const needed = stages.filter((stage) => stage.role === role).reduce((sum, { quorum }) => sum + quorum, 0);
    assert.ok(counted.filter((vote) => vote.role === role && vote.verdict === 'approve').length >= needed, role);
  }
}

test('invariants 5 and 6: whatever votes, verdicts, repeats, outages and timers do, only what the model counts is counted', () => {
  const ends: Record<string, number> = {};
  fc.assert(fc.property(world, fc.array(step, { minLength: 30, maxLength: 90 }), (given, steps) => {
    const life = live(given, steps);
    isEntitled(given, life);
    const expected = model(given, life);
    const { state } = life;
    const isCut = state.outcome === 'expired' || state.outcome === 'withdrawn';
    // What was still in flight when it was cut off is counted by the model and not by the decision.
    if (isCut) assert.deepEqual(countedOf(state), expected.counted.slice(0, state.counted.length));
    else assert.deepEqual([countedOf(state), state.outcome], [expected.counted, expected.outcome]);
    const settled = life.taken.filter(({ vote }) => !state.inFlight.some((it) => it.vote.seq === vote.seq)).length;
    assert.deepEqual([state.counted.length + state.refused.length, life.answers.size], [settled, settled], 'every vote is counted or refused, and answered, once');
    ends[state.outcome ?? 'open'] = (ends[state.outcome ?? 'open'] ?? 0) + 1;
  }), { numRuns: 1500 });
  for (const outcome of ['approved', 'denied', 'expired', 'withdrawn', 'open']) assert.ok((ends[outcome] ?? 0) > 5, `${outcome}: ${JSON.stringify(ends)}`);
});

test('decision 2: the order in which verdicts come in changes nothing', () => {
  const votes = fc.array(step.filter((it) => it.do === 'vote'), { minLength: 2, maxLength: 8 });
  fc.assert(fc.property(world, votes.chain((given) => fc.tuple(fc.constant(given), fc.shuffledSubarray(given.map((_, index) => index + 1), { minLength: given.length }), fc.array(fc.nat(5), { minLength: given.length, maxLength: given.length }))), ({ signers, rules }, [given, order, outages]) => {
    let taken = openDecision(requestOf(rules, { deadline: at(END) }));
    for (const [index, it] of given.entries()) taken = takeVote(taken, inputFor(it as never), at(index)).state;
    const judge = (state: DecisionState, seq: number): DecisionState => judgeVote(state, seq, outages[seq - 1] === 0 ? 'unavailable' : verdictOf(signers, (given[seq - 1] as { key: string }).key, at(seq - 1))).state;
    const inTurn = given.map((_, index) => index + 1).reduce(judge, taken);
    assert.deepEqual(order.reduce(judge, taken), inTurn);
    assert.deepEqual(inTurn.inFlight, []);
  }), { numRuns: 500 });
});

test('decisions 1 and 3: with the worker down across the deadline, votes from before it are judged after it, and none from after it', () => {
  fc.assert(fc.property(world, fc.array(fc.tuple(step.filter((it) => it.do === 'vote'), fc.integer({ min: END - 3, max: END + 3 })), { minLength: 1, maxLength: 6 }), ({ signers, rules }, votes) => {
    let state = openDecision(requestOf(rules, { deadline: at(END) }));
    const keys: string[] = [];
    // Without the validator: what it lets through by mistake must not count either.
    for (const [it, t] of votes.toSorted((a, b) => a[1] - b[1])) {
      state = takeVote(state, inputFor(it as never), at(t)).state;
      keys.push((it as { key: string }).key);
    }
    const inTime = votes.filter(([, t]) => t < END).length;
    assert.equal(isPending(state), inTime > 0);
    for (const { vote } of [...state.inFlight].reverse()) state = judgeVote(state, vote.seq, verdictOf(signers, keys[vote.seq - 1]!, vote.t)).state;
    state = closeAt(state, at(END + 10));
    assert.ok(state.counted.every(({ t }) => t < at(END)));
    assert.notEqual(state.outcome, null);
    if (inTime === 0) assert.equal(state.outcome, 'expired');
  }), { numRuns: 300 });
});
