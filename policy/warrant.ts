/**
 * Whether signed texts entitle a run to change a host: asked by the control worker before the lease and before the switch, and by the host
 * itself. Everything in a warrant but its signed texts is a claim, and is compared with the plan. Pure: signatures are judged before.
 */
import { applyVote, openDecision } from './approval.js';
import { isRequester } from './entitlement.js';
import type { ApprovalStage, SignatureVerdict, Warrant } from './model-approval.js';
import type { Objection, Plan } from './model.js';
import { approvalText } from './signed-texts.js';
import { askedFor, factProblems, hoursProblems, notReached, refuse } from './warrant-checks.js';

export { MAX_EXCEPTION_HOURS } from './warrant-checks.js';
export { policyWarrantProblems, type PolicyWarrantInput } from './warrant-policy.js';

/** Clocks of server and host may differ by this much. */
export const CLOCK_SKEW_MINUTES = 5;

export interface WarrantInput {
  warrant: Warrant;
  /** What is about to be done. */
  plan: Plan;
  /** What is asked for here: of the policy, or of the host's own signers file. Never the warrant's own rules. */
  stages: ApprovalStage[];
  inOrder: boolean;
  veto: string[];
  /** Temporal namespace whose approvals count here. */
  namespace: string;
  /** One a vote, in order, as of the time the caller chose. */
  verdicts: SignatureVerdict[];
  /** ISO. */
  now: string;
}

/**
 * Why a warrant does not entitle to the plan; empty: it does. Its shape was judged before, and who asked is judged by `askedProblems` of
 * request-facts.ts.
 */
export function warrantProblems(input: WarrantInput): Objection[] {
  const { warrant, plan, namespace, now } = input;
  return [
    ...factProblems(warrant.facts, plan, now),
    ...(warrant.facts.namespace === namespace ? [] : [refuse(warrant.facts, 'namespace', namespace, warrant.facts.namespace, 'approve a run of this namespace')]),
    ...hoursProblems(warrant.facts, plan),
    ...timeProblems(input),
    ...textProblems(input),
    ...quorumProblems(input),
  ];
}

/** The times of votes are no signed words; they must at least agree with each other, and with the clock here. */
function timeProblems({ warrant: { facts, votes, grantedAt }, now }: WarrantInput): Objection[] {
  const times = votes.map(({ t }) => Date.parse(t));
  const isOrdered = times.every((at, index) => !Number.isNaN(at) && (index === 0 || times[index - 1]! <= at));
  const granted = Date.parse(grantedAt);
  const problems = isOrdered ? [] : [refuse(facts, 'times of the votes', 'one after the other', votes.map(({ t }) => t).join(', '), 'send the votes as they were counted')];
  if (times.length > 0 && granted !== times.at(-1)) problems.push(refuse(facts, 'time of the grant', `the last vote's, ${votes.at(-1)!.t}`, grantedAt, 'send the votes as they were counted'));
  if (!(granted <= Date.parse(now) + CLOCK_SKEW_MINUTES * 60_000)) problems.push(refuse(facts, 'time of the grant', `not after ${now}`, grantedAt, 'set the clocks of server and host'));
  return problems;
}

/** A warrant holds approvals of these facts, by others than the requester, and nothing else: more of it was put together by hand. */
function textProblems({ warrant: { facts, votes }, verdicts }: WarrantInput): Objection[] {
  const text = approvalText(facts, 'approve');
  const problems = verdicts.length === votes.length ? [] : [refuse(facts, 'signatures', `a verdict for each of ${votes.length} votes`, String(verdicts.length), 'have all of them judged')];
  votes.forEach((vote, index) => {
    const person = verdicts[index]?.person ?? null;
    if (vote.text !== text) problems.push(refuse(facts, `text of vote ${index + 1}`, 'exactly what approves these facts', 'another text', 'have this plan approved: runbook show RUN --to-sign shows the text'));
    if (person !== null && isRequester(person, facts.requester)) problems.push(refuse(facts, `vote ${index + 1}`, 'somebody else than the requester', `${person}, who asked for this run`, 'ask others to approve'));
  });
  return problems;
}

/** The votes once more, by the function that counted them in the first place. */
function quorumProblems({ warrant: { facts, votes }, verdicts, stages, inOrder, veto }: WarrantInput): Objection[] {
  const state = verdicts.length === votes.length && stages.length > 0 ? votes.reduce((now, vote, index) => applyVote(now, { ...vote, carrier: '', seq: index + 1 }, verdicts[index]!).state, openDecision(askedFor(facts, stages, inOrder, veto))) : null;
  return state?.outcome === 'approved' ? [] : [notReached(facts, stages, state)];
}
