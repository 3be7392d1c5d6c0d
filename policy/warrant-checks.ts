/** What every warrant is held against, whoever signed it: the plan, the clock, the rules of who checks. Pure. */
import { progressOf } from './approval.js';
import type { ApprovalFacts, ApprovalRules, ApprovalStage, DecisionRequest, DecisionState } from './model-approval.js';
import type { Objection, Plan } from './model.js';
import { planDigest } from './plan.js';
import { stagesText } from './quorum.js';

/** EE-05: no exception lives longer from its grant, whatever a policy says. */
export const MAX_EXCEPTION_HOURS = 72;

/** What was approved against what is about to be done (AP-13), and whether it may still be begun. */
export function factProblems(facts: ApprovalFacts, plan: Plan, now: string): Objection[] {
  const digest = planDigest(plan);
  const same: [string, unknown, unknown][] = [
    ['plan', digest, facts.planDigest],
    ['plan as it names itself', digest, plan.digest],
    ['policy', plan.policyDigest, facts.policyDigest],
    ['kind', plan.kind, facts.kind],
    ['environment', `${plan.env.host}:${plan.env.link}`, `${facts.env.host}:${facts.env.link}`],
    ['present version', plan.present?.version ?? null, facts.from],
    ['new version', plan.interpreter.version, facts.to],
    ['hours', plan.hours ?? null, facts.hours],
  ];
  const different = same.filter(([, expected, got]) => expected !== got).map(([what, expected, got]) => refuse(facts, what, shown(expected), shown(got), 'have this plan approved: runbook plan shows it'));
  const isLate = !(Date.parse(now) < Date.parse(facts.useBy));
  return isLate ? [...different, refuse(facts, 'time', `to be begun before ${facts.useBy}`, now, 'ask again')] : different;
}

/** EE-05: an exception ends; nothing else does. */
export function hoursProblems(facts: ApprovalFacts, plan: Plan): Objection[] {
  const hours = plan.hours ?? null;
  if (plan.kind !== 'exception') return hours === null ? [] : [refuse(facts, 'hours', `none for a ${plan.kind}`, shown(hours), 'ask for an exception')];
  const fits = hours !== null && hours > 0 && hours <= MAX_EXCEPTION_HOURS;
  return fits ? [] : [refuse(facts, 'hours', `more than 0, at most ${MAX_EXCEPTION_HOURS}`, shown(hours), 'ask for an exception that ends')];
}

/** A decision under the rules of who checks. Who could vote besides is not known here: nothing but approvals is in a warrant. */
export function askedFor(facts: ApprovalFacts, stages: ApprovalStage[], inOrder: boolean, veto: string[], deadline = facts.useBy): DecisionRequest {
  const rules: ApprovalRules = { stages: stages.map(({ role, quorum }) => ({ role, quorum, eligible: quorum })), inOrder, veto };
  return { facts, rules, workflowId: '', openedAt: '', deadline, convene: null, escalateTo: [], reminders: [], lines: [], asked: null };
}

/** The objection to a quorum that was missed, with every vote that did not count. */
export function notReached(facts: ApprovalFacts, stages: ApprovalStage[], state: DecisionState | null): Objection {
  const refused = (state?.refused ?? []).map(({ seq, reason }) => `; vote ${seq}: ${reason}`).join('');
  const expected = stages.length === 0 ? 'a rule that names who approves' : stagesText(stages);
  return refuse(facts, 'quorum', expected, state === null ? 'nothing that can be counted' : `${progressOf(state)}${refused}`, 'ask again, and have it approved by them');
}

export const refuse = ({ run }: ApprovalFacts, what: string, expected: string, got: string, wayOut: string): Objection => ({ what: `approval of ${run}: ${what}`, expected, got, wayOut });

const shown = (value: unknown): string => (value === null || value === undefined || value === '' ? 'none' : String(value));
