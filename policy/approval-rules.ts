/** The rules a decision is asked under, frozen with the run, and when who has not voted is reminded. */
import type { Signers } from './files/people.js';
import type { PolicyFile } from './files/policy-file.js';
import type { ApprovalRules, ApprovalStage } from './model-approval.js';
import type { Objection } from './model.js';
import { isRequester } from './entitlement.js';
import { canFill, stagesText } from './quorum.js';

export { stagesOf } from './quorum.js';

const HOUR = 3_600_000;

/**
 * Rules for stages, as of `t` (ISO), for a request of `requester`; or why nobody could decide it. A member with a usable key, or
 * whose deputy has one, can take a place; the requester, and who stands in for the requester, can't.
 */
export function rulesFor(policy: PolicyFile, stages: ApprovalStage[], requester: string, t: string): { rules: ApprovalRules } | { objection: Objection } {
  const able = (role: string): string[] => membersOf(policy, role).filter((it) => !isRequester(it, requester) && canBeHeard(policy, it, role, requester, t));
  if (stages.length === 0 || !canFill(stages, able)) return { objection: nobodyDecides(stages, able, requester) };
  const rules: ApprovalRules = {
    stages: stages.map(({ role, quorum }) => ({ role, quorum, eligible: membersOf(policy, role).filter((it) => !isRequester(it, requester)).length })),
    inOrder: policy.approval.inOrder,
    veto: [...policy.approval.veto],
  };
  return { rules };
}

/** Everybody who is named with the role, once; a name without a person behind it is nobody. */
function membersOf(signers: Signers, role: string): string[] {
  if (!Object.hasOwn(signers.roles, role)) return [];
  return [...new Set(signers.roles[role]!)].filter((person) => Object.hasOwn(signers.people, person));
}

/** Themselves, or somebody who stands in for them now or later. */
function canBeHeard(signers: Signers, person: string, role: string, requester: string, t: string): boolean {
  const at = Date.parse(t);
  const deputies = signers.deputies.filter((it) => it.role === role && it.for === person && !isRequester(it.by, requester) && at < Date.parse(it.until));
  return [person, ...deputies.map(({ by }) => by)].some((it) => canSign(signers, it, at));
}

/** A key that begins to be valid later counts: it may do so before the deadline. */
function canSign(signers: Signers, person: string, at: number): boolean {
  if (!Object.hasOwn(signers.people, person)) return false;
  const isBefore = (end: string | undefined): boolean => end === undefined || at < Date.parse(end);
  return signers.people[person]!.keys.some((key) => !key.compromised && isBefore(key.revoked) && isBefore(key.validUntil));
}

function nobodyDecides(stages: ApprovalStage[], able: (role: string) => string[], requester: string): Objection {
  const got = stages.map(({ role }) => `${able(role).length} of ${role}${able(role).length === 0 ? '' : ` (${able(role).join(', ')})`}`).join(', ');
  return {
    what: `approval of a request by ${requester}`,
    expected: stages.length === 0 ? 'a rule that names who decides' : `people with usable keys for ${stagesText(stages)}, without ${requester}, each in one place`,
    got: got || 'no rule at all',
    wayOut: 'name people and their keys under people and roles in the policy (runbook policy check says what is missing), or let somebody else ask',
  };
}

/**
 * ISO instants at which who has not voted is reminded: at half time, and `reminderHours` before the deadline. Only those after
 * `openedAt` and before the deadline, each once, in order.
 */
export function remindersBetween(openedAt: string, deadline: string, reminderHours: number[]): string[] {
  const from = Date.parse(openedAt);
  const until = Date.parse(deadline);
  const all = [from + Math.floor((until - from) / 2), ...reminderHours.map((hours) => until - Math.round(hours * HOUR))];
  const within = [...new Set(all)].filter((at) => at > from && at < until).sort((a, b) => a - b);
  return within.map((at) => new Date(at).toISOString());
}
