/** The policy's rules of approval: who decides what, within which time, and when a change may end. */
import { z } from 'zod';
import { personName, roleName, signersShape, stages } from './people.js';

const text = z.string().trim().min(1);
const day = z.enum(['MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN']);
const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected a time of day like 09:00');
export const date = z.iso.date();

/** What a class of hosts asks for: none (0), so many of the CAB, or stages of its own. */
export const approvalRule = z.union([z.int().min(0).max(20), stages]);

const reviewStep = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]*$/),
  stages,
  /** Documents that must be there before it is decided. */
  evidence: z.array(z.string().regex(/^[a-z][a-z0-9-]*$/)).default([]),
  policyRevision: z.boolean().default(false),
});

/** AP-04 to AP-10: the documents' five steps and the security review, in this order; CAB is last. */
const REVIEW_STEPS: z.input<typeof reviewStep>[] = [
  { name: 'technical-review', stages: [{ role: 'engineering', quorum: 1 }], evidence: ['technical-review'] },
  { name: 'ci-validation', stages: [{ role: 'ci', quorum: 1 }], evidence: ['ci-validation'] },
  { name: 'integration', stages: [{ role: 'operations', quorum: 1 }], evidence: ['integration'] },
  { name: 'security-review', stages: [{ role: 'security', quorum: 1 }], evidence: ['security-review'] },
  { name: 'document-update', stages: [{ role: 'project-owner', quorum: 1 }], evidence: ['document-update'], policyRevision: true },
  { name: 'cab', stages: [{ role: 'cab', quorum: 2 }], evidence: [] },
];

const REQUIRED = REVIEW_STEPS.map(({ name }) => name);
const NONE_SKIPPED = `expected the steps ${REQUIRED.join(', ')} in this order, each once, and cab last; others may stand between them (AP-09)`;

/** AP-09: none skipped, CAB last. */
function isWhole(steps: z.output<typeof reviewStep>[]): boolean {
  const documented = steps.map(({ name }) => name).filter((name) => REQUIRED.includes(name));
  const last = steps.at(-1);
  return documented.join() === REQUIRED.join() && last?.name === 'cab' && last.stages.some(({ role }) => role === 'cab');
}

export const approvalsShape = {
  ...signersShape,
  approval: z
    .strictObject({
      /** Stages take votes one after the other. */
      inOrder: z.boolean().default(true),
      /** Roles of which one rejection denies. */
      veto: z.array(roleName).default([]),
      /** Told, in this order, when time grows short or nobody could be reached. */
      escalateTo: z.array(roleName).default(['operations', 'project-owner']),
      /** Hours before a deadline at which who has not voted is reminded; half time comes by itself. */
      reminderHours: z.array(z.number().positive()).default([4, 1]),
      /** Hours within which what was approved must begin. */
      useWithinHours: z.number().positive().default(24),
    })
    .prefault({}),
  /** EE-01 to EE-13. Times are under `timers`. */
  exception: z
    .strictObject({
      /** EE-03. */
      declaredBy: z.array(roleName).min(1).default(['security']),
      /** EE-05: who grants; the first role is the one that convenes (EE-04). */
      grantedBy: stages.default([{ role: 'cab', quorum: 2 }]),
      /** EE-07. */
      rootCauseBy: roleName.default('engineering'),
      watchers: z.array(roleName).default(['security', 'engineering', 'operations']),
      /** Grants of one environment less than this many days apart add up (EE-06). */
      restDays: z.number().min(0).default(7),
    })
    .prefault({}),
  interpreterChange: z
    .strictObject({
      steps: z.array(reviewStep).default(() => z.array(reviewStep).parse(REVIEW_STEPS)).refine(isWhole, NONE_SKIPPED),
      /** Projects whose CI lanes don't block a merge may change their versions without an approval of their own (DIS-35). */
      standingLanes: z.array(text).default([]),
    })
    .prefault({}),
  /** AP-11: who signs a revision of this policy. `signed`: an unsigned one is not taken. */
  policyRevision: z
    .strictObject({
      stages: stages.default([{ role: 'architecture-board', quorum: 1 }, { role: 'cab', quorum: 1 }]),
      signed: z.boolean().default(false),
    })
    .prefault({}),
  /** Where the end of an exception is better not placed. */
  calendar: z
    .strictObject({
      timeZone: text.refine(isTimeZone, 'expected a time zone like Europe/Berlin').default('UTC'),
      tradingHours: z.array(z.strictObject({ days: z.array(day).min(1), from: clock, to: clock })).default([]),
      freezes: z.array(z.strictObject({ from: z.iso.datetime(), until: z.iso.datetime(), what: text })).default([]),
    })
    .prefault({}),
  /** PV-08 to PV-10: lines the company plans for. Dates; months count from them. */
  timeline: z
    .record(z.string().regex(/^\d+\.\d+$/, 'expected a line like 3.13'), z.strictObject({
      /** General availability. */
      ga: date.optional(),
      /** End of life. */
      eol: date.optional(),
      /** PV-08: support is meant this many months after GA. */
      supportAfterMonths: z.int().min(0).optional(),
      /** PV-09: planning starts this many months before GA. */
      planningBeforeMonths: z.int().min(0).optional(),
      /** PV-10. */
      eolNoticeMonths: z.int().min(0).default(18),
    }))
    .default({
      '3.11': { eol: '2027-10-31', eolNoticeMonths: 18 },
      '3.12': { ga: '2023-10-02', eol: '2028-10-31', eolNoticeMonths: 18 },
      '3.13': { ga: '2024-10-07', eol: '2029-10-31', supportAfterMonths: 6, eolNoticeMonths: 18 },
      '3.14': { ga: '2025-10-07', eol: '2030-10-31', planningBeforeMonths: 12, eolNoticeMonths: 18 },
    }),
};

export { personName };

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== null;
  } catch {
    return false;
  }
}
