/** What the policy says about exceptions and interpreter changes: terms, steps, where an end falls, and how a version stands today. */
import { ApplicationFailure } from '@temporalio/common';
import { rulesFor } from '../../policy/approval-rules.js';
import { conflictOf, fewerHours } from '../../policy/end-place.js';
import { exceptionObjections, repeatObjections, rowOfGrants } from '../../policy/exception.js';
import { classOf } from '../../policy/files/load.js';
import type { PolicyFile } from '../../policy/files/policy-file.js';
import type { ApprovalRules, ExceptionTerms, ReviewStep } from '../../policy/model-approval.js';
import type { ChangeRequest, Objection } from '../../policy/model.js';
import { localInstant, localText } from '../../policy/local-time.js';
import { FAILURE } from '../../policy/names.js';
import { reviewObjections } from '../../policy/review-request.js';
import { behindText } from '../../policy/security-patch.js';
import { classifyInterpreter } from '../../policy/versions.js';
import type { ApprovalActivities } from './contract-approval.js';
import { grantsOn, type GrantRecords } from './grants.js';
import { judgeRevision, type RevisionStore } from './revision.js';

export type ExceptionActivities = Pick<ApprovalActivities, 'exceptionTerms' | 'reviewTerms' | 'placeEnd' | 'standingOf' | 'checkRevision'>;

export interface ExceptionDeps {
  policies: RevisionStore;
  records: GrantRecords;
  /** Milliseconds. */
  now?: () => number;
}

const HOUR_MS = 3_600_000;

/** The activities over this worker's policy store and records; what they promise stands in the contract. */
export function createExceptionActivities({ policies, records, now = Date.now }: ExceptionDeps): ExceptionActivities {
  return {
    async exceptionTerms({ request, t }) {
      const policy = policies.pinned(request.policyDigest);
      const objections = exceptionObjections(request, policy);
      const grants = grantsOn(records, request.env, t);
      if (objections.length === 0) objections.push(...repeatObjections(grants, request.hours!, t, policy));
      const asked = rulesFor(policy, policy.exception.grantedBy, request.requester, t);
      if ('objection' in asked) objections.push(asked.objection);
      if (objections.length > 0 || 'objection' in asked) return { refused: objections };
      const usedHours = rowOfGrants(grants, t, policy.exception.restDays).hours;
      return { refused: null, terms: termsOf(request, policy, asked.rules, usedHours) };
    },
    async reviewTerms({ request }) {
      const policy = policies.pinned(request.policyDigest);
      const { steps, objections } = reviewSteps(policy, request.requester, new Date(now()).toISOString());
      objections.unshift(...reviewObjections(request, policy));
      return objections.length > 0 ? { refused: objections } : { refused: null, steps, ...waitingOf(policy) };
    },
    async placeEnd({ policyDigest, from, hours }) {
      return placed(policies.pinned(policyDigest).calendar, from, hours);
    },
    async standingOf({ version, host }) {
      const { policy } = policies.current();
      const { role, text } = classifyInterpreter(version, policy, classOf(policy, host).rules.allowPreReleases);
      const behind = behindText(version, policy);
      return { role, text: behind === null ? text : `${text}; ${behind}`, revision: policy.header.version };
    },
    checkRevision: (input) => judgeRevision(policies, input, new Date(now()).toISOString()),
  };
}

/** How long people are waited for, and who is told meanwhile. */
const waitingOf = ({ timers, approval }: PolicyFile): Pick<ExceptionTerms, 'decideHours' | 'useWithinHours' | 'reminderHours' | 'escalateTo'> => ({
  decideHours: timers.cabApprovalHours,
  useWithinHours: approval.useWithinHours,
  reminderHours: approval.reminderHours,
  escalateTo: approval.escalateTo,
});

function termsOf(request: ChangeRequest, policy: PolicyFile, rules: ApprovalRules, usedHours: number): ExceptionTerms {
  const { exception, timers, approval, interpreterChange } = policy;
  return {
    hours: request.hours!,
    declaredBy: exception.declaredBy,
    rules,
    conveneRole: exception.grantedBy[0]!.role,
    conveneHours: timers.emergencyConveneHours,
    ...waitingOf(policy),
    watchers: exception.watchers,
    rootCauseRole: exception.rootCauseBy,
    reviewSteps: interpreterChange.steps,
    reviewEscalateTo: approval.escalateTo,
    usedHours,
  };
}

/** AP-09: the policy's steps in their order, each with its rules; a step that nobody can decide refuses the whole. */
function reviewSteps(policy: PolicyFile, requester: string, t: string): { steps: (ReviewStep & { rules: ApprovalRules })[]; objections: Objection[] } {
  const judged = policy.interpreterChange.steps.map((step) => ({ step, asked: rulesFor(policy, step.stages, requester, t) }));
  return {
    steps: judged.flatMap(({ step, asked }) => ('rules' in asked ? [{ ...step, rules: asked.rules }] : [])),
    objections: judged.flatMap(({ step, asked }) => ('objection' in asked ? [{ ...asked.objection, what: `step ${step.name}: ${asked.objection.what}` }] : [])),
  };
}

function placed(calendar: PolicyFile['calendar'], from: string, hours: number): Awaited<ReturnType<ApprovalActivities['placeEnd']>> {
  const begin = Date.parse(from);
  if (Number.isNaN(begin) || !Number.isFinite(hours) || hours <= 0) throw ApplicationFailure.nonRetryable(`the end of an exception: expected an instant and hours above 0, got ${from} and ${hours}`, FAILURE.BadInput);
  const endAfter = (length: number): string => new Date(begin + Math.round(length * HOUR_MS)).toISOString();
  const conflictAfter = (length: number): string | null => conflictOf(calendar, localInstant(endAfter(length), calendar.timeZone));
  const conflict = conflictAfter(hours);
  return { local: localText(endAfter(hours), calendar.timeZone), conflict, proposedHours: conflict === null ? null : fewerHours(hours, conflictAfter) };
}
