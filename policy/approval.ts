/**
 * A decision: who may decide, what was counted, and when it is over. The one function that says whether a vote counts (invariant 6), for
 * workflow, CLI, gateway and host alike. Pure: times and signature verdicts are given; nothing but a counted vote approves (invariant 5).
 */
import { readVote, factsProblem, requestLine, type VoteTexts } from './approval-text.js';
import { digestOf } from './canonical.js';
import { placeOf, tallyOf } from './entitlement.js';
import type { CountedVote, DecisionOutcome, DecisionRequest, DecisionResult, DecisionState, RefusedVote, SignatureVerdict, Vote, VoteAnswer, VoteInput, VoteVerdict } from './model-approval.js';
import { approvalText } from './signed-texts.js';
import { oneLine, utf8Length } from './text.js';

/** Largest vote in bytes of UTF-8: text, signature and carrier (decision 2). */
export const MAX_VOTE_BYTES = 16 * 1024;
/** Signatures of one request verified at a time (decision 2). */
export const MAX_IN_FLIGHT = 5;
/** Refusals after which a request takes no more votes (decision 2). */
export const MAX_REFUSALS = 100;

/** Reason of a vote whose signature nobody could judge: not "invalid" (decision 3). */
export const UNVERIFIED = 'its signature could not be verified';
/** Message of a decision that missed its quorum while votes could not be verified. */
export const EXPIRED_UNVERIFIED = 'expired (verification unavailable)';

export function openDecision(request: DecisionRequest): DecisionState {
  const state: DecisionState = { request, counted: [], refused: [], nextSeq: 1, inFlight: [], convenedAt: null, outcome: null, decidedAt: null, message: '' };
  return { ...state, message: waitingFor(state) };
}

const waitingFor = (state: DecisionState): string => `waits until ${state.request.deadline}: ${progressOf(state)}`;

/** `1 of 2 of cab`; rejections are named where there are some. */
export function progressOf({ request, counted }: DecisionState): string {
  return tallyOf(request.rules, counted)
    .map(({ role, quorum, approvals, rejections }) => `${approvals} of ${quorum} of ${role}${rejections === 0 ? '' : `, ${rejections} against`}`)
    .join('; ');
}

/** The validator (decision 2): why a vote is not even taken; null: it is. `t`: workflow time, ISO. Leaves no record. */
export function voteProblem(state: DecisionState, input: VoteInput, t: string): string | null {
  if (!isVoteInput(input)) return 'expected a vote: text, signature and carrier, nothing else';
  const bytes = utf8Length(input.text) + utf8Length(input.signature) + utf8Length(input.carrier);
  if (bytes > MAX_VOTE_BYTES) return `a vote has at most ${MAX_VOTE_BYTES} bytes, got ${bytes}`;
  if (state.outcome !== null) return `decided already: ${state.message}`;
  const { facts, deadline } = state.request;
  // What is wrong behind the line goes on record with its reason; so this looks past the end of the line.
  if (!input.text.split('\n').some((line) => line.trimEnd() === requestLine(facts))) return `the text is about another request; expected the line "${requestLine(facts)}"`;
  if (!isBefore(t, deadline)) return `too late: votes counted until ${deadline}, and it is ${t}`;
  if (state.inFlight.length >= MAX_IN_FLIGHT) return `${MAX_IN_FLIGHT} votes are being verified; send it again in a moment`;
  if (state.refused.length >= MAX_REFUSALS) return `closed after ${MAX_REFUSALS} refused votes`;
  return null;
}

function isVoteInput(input: unknown): input is VoteInput {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return false;
  const fields = Object.entries(input);
  return fields.length === 3 && ['text', 'signature', 'carrier'].every((name) => fields.some(([key, value]) => key === name && typeof value === 'string'));
}

/** Half open. What can't be read as a time is never before anything. */
const isBefore = (t: string, deadline: string): boolean => Date.parse(t) < Date.parse(deadline);

/** Gives a vote its place and its time, before anything is awaited. */
export function takeVote(state: DecisionState, input: VoteInput, t: string): { state: DecisionState; vote: Vote } {
  const { text, signature, carrier } = input;
  const vote: Vote = { text, signature, carrier, seq: state.nextSeq, t };
  return { state: { ...state, nextSeq: state.nextSeq + 1, inFlight: [...state.inFlight, { vote, verdict: null }] }, vote };
}

/**
 * A verdict came in. Votes are counted in order of `seq`: those at the head of the line whose verdicts are there, in one go; others wait for
 * the ones before them. A second verdict for a vote, or one for a vote that is not in the line, changes nothing.
 */
export function judgeVote(state: DecisionState, seq: number, verdict: SignatureVerdict | 'unavailable'): { state: DecisionState; answers: { seq: number; answer: VoteAnswer }[] } {
  const inFlight = state.inFlight.map((it) => (it.vote.seq === seq && it.verdict === null ? { ...it, verdict } : it));
  let now: DecisionState = { ...state, inFlight };
  const answers: { seq: number; answer: VoteAnswer }[] = [];
  for (let head = now.inFlight[0]; head !== undefined && head.verdict !== null; head = now.inFlight[0]) {
    const folded = applyVote({ ...now, inFlight: now.inFlight.slice(1) }, head.vote, head.verdict);
    answers.push({ seq: head.vote.seq, answer: folded.answer });
    now = folded.state;
  }
  return { state: now, answers };
}

/** Counts a vote or refuses it. Nothing that was checked before is believed: what is not said here does not count. */
export function applyVote(state: DecisionState, vote: Vote, verdict: SignatureVerdict | 'unavailable'): { state: DecisionState; answer: VoteAnswer } {
  const { facts } = state.request;
  const problem = factsProblem(facts);
  if (problem !== null) return refuse(state, vote, null, `the request can't be signed: ${problem}`);
  return applySigned(state, vote, verdict, { approve: approvalText(facts, 'approve'), reject: approvalText(facts, 'reject') });
}

/** The same for other texts than a run's: a revision of the policy. */
export function applySigned(state: DecisionState, vote: Vote, verdict: SignatureVerdict | 'unavailable', texts: VoteTexts): { state: DecisionState; answer: VoteAnswer } {
  const { deadline, rules, facts } = state.request;
  const person = verdict === 'unavailable' ? null : verdict.person;
  const no = (reason: string): { state: DecisionState; answer: VoteAnswer } => refuse(state, vote, person, reason);
  if (state.outcome !== null) return no(`decided already: ${state.message}`);
  if (!isBefore(vote.t, deadline)) return no(`too late: votes counted until ${deadline}, this one came at ${vote.t}`);
  if (verdict === 'unavailable') return no(UNVERIFIED);
  if (!verdict.valid) return no(verdict.reason || 'its signature is not valid');
  const { fingerprint, signer, signersDigest } = verdict;
  if (person === null || fingerprint === null || signer === null) return no('its signature is nobody\'s');
  const read = readVote(vote.text, texts);
  if ('refused' in read) return no(read.refused);
  const place = placeOf({ rules, counted: state.counted, requester: facts.requester, person, roles: verdict.roles, verdict: read.verdict });
  if ('refused' in place) return no(place.refused);
  const { seq, t, text, signature } = vote;
  return count(state, { seq, t, text, signature, person, role: place.role, deputyFor: place.deputyFor, verdict: read.verdict, fingerprint, signer, signersDigest });
}

function refuse(state: DecisionState, vote: Vote, person: string | null, reason: string): { state: DecisionState; answer: VoteAnswer } {
  const words = oneLine(reason);
  const refused: RefusedVote = { seq: vote.seq, t: vote.t, person, reason: words, digest: digestOfVote(vote) };
  return { state: { ...state, refused: [...state.refused, refused] }, answer: { counted: false, message: `not counted: ${words}`, outcome: state.outcome } };
}

/** What a refused vote is known by: text and signature, without who carried it. */
const digestOfVote = ({ text, signature }: { text: string; signature: string }): string => digestOf({ text, signature });

function count(state: DecisionState, vote: CountedVote): { state: DecisionState; answer: VoteAnswer } {
  const { convene } = state.request;
  const isConvening = state.convenedAt === null && convene !== null && vote.role === convene.role;
  const counted: DecisionState = { ...state, counted: [...state.counted, vote], convenedAt: isConvening ? vote.t : state.convenedAt };
  const decided = decisionOf(counted, vote);
  const next = decided === null ? { ...counted, message: waitingFor(counted) } : end(counted, vote.t, ...decided);
  return { state: next, answer: { counted: true, message: `counted: ${progressOf(next)}${decided === null ? '' : `; ${next.message}`}`, outcome: next.outcome } };
}

/** What a counted vote brings about, with its words; null: the decision goes on. */
function decisionOf(state: DecisionState, vote: CountedVote): [DecisionOutcome, string] | null {
  const { rules } = state.request;
  const stages = tallyOf(rules, state.counted);
  if (vote.verdict === 'approve') return stages.every(({ isReached }) => isReached) ? ['approved', `approved by ${namesOf(state.counted, 'approve')}`] : null;
  if (rules.veto.includes(vote.role)) return ['denied', `denied by ${namesOf([vote], 'reject')}: one rejection of ${vote.role} is enough`];
  const short = stages.find(({ role, isReached, isOutOfReach }) => role === vote.role && !isReached && isOutOfReach);
  return short === undefined ? null : ['denied', `denied by ${namesOf(state.counted, 'reject')}: ${short.quorum} of ${short.role} can't be reached any more`];
}

/** `alice (cab), carol (cab, for bob)`. */
function namesOf(counted: CountedVote[], verdict: VoteVerdict): string {
  return counted.filter((vote) => vote.verdict === verdict).map(({ person, role, deputyFor }) => `${person} (${role}${deputyFor === null ? '' : `, for ${deputyFor}`})`).join(', ');
}

const end = (state: DecisionState, t: string, outcome: DecisionOutcome, message: string): DecisionState => ({ ...state, outcome, decidedAt: t, message });

/** True while votes that came in time are being verified: the deadline waits for them (decision 3). */
export function isPending({ outcome, inFlight, request }: DecisionState): boolean {
  return outcome === null && inFlight.some(({ vote }) => isBefore(vote.t, request.deadline));
}

/** The deadline came; `t`: workflow time. Before it nothing changes, and never an outcome. */
export function closeAt(state: DecisionState, t: string): DecisionState {
  if (state.outcome !== null || !(Date.parse(t) >= Date.parse(state.request.deadline))) return state;
  return end(state, t, 'expired', hasUnverified(state) ? EXPIRED_UNVERIFIED : `expired with ${progressOf(state)}`);
}

/** Votes in time that nobody could judge, and that were not counted when they were sent again. */
function hasUnverified(state: DecisionState): boolean {
  const counted = new Set(state.counted.map(digestOfVote));
  return isPending(state) || state.refused.some(({ reason, digest }) => reason === UNVERIFIED && !counted.has(digest));
}

/** The request is taken back, or what it was for is over. Never changes an outcome. */
export function withdraw(state: DecisionState, t: string, why: string): DecisionState {
  return state.outcome === null ? end(state, t, 'withdrawn', `withdrawn: ${oneLine(why)}`) : state;
}

/** @throws RangeError for a decision that is still open: nothing may be read out of it. */
export function resultOf({ outcome, message, counted, refused, convenedAt, decidedAt }: DecisionState): DecisionResult {
  if (outcome === null || decidedAt === null) throw new RangeError('expected a decision that has ended');
  return { outcome, message, counted, refusals: refused.length, convenedAt, decidedAt };
}
