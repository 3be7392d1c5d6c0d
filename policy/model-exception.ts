/** The words of exceptions and reviews: grounds, clocks, terms, steps. */
import type { ApprovalRules, ApprovalStage, DecisionOutcome } from './model-approval.js';

/** EE-01: the only grounds. */
export const EXCEPTION_GROUNDS = ['security-vulnerability', 'critical-compatibility', 'vendor-requirement'] as const;
export type ExceptionGround = (typeof EXCEPTION_GROUNDS)[number];

/** EE-12: the running clock. ISO instants; null: not yet. */
export interface ExceptionClock {
  ground: ExceptionGround;
  hours: number;
  declaredAt: string;
  conveneBy: string;
  convenedAt: string | null;
  grantedAt: string | null;
  expiresAt: string | null;
  /** The end in the environment's local time, with its zone. */
  expiresLocal: string | null;
  rootCause: { by: string; at: string; sha256: string } | null;
  review: { run: string; workflowId: string; outcome: string | null } | null;
  ending: ExceptionEnding | null;
}

export type ExceptionEnding = 'made-permanent' | 'reverted' | 'denied' | 'withdrawn';

/** Of an interpreter change: one step, in order (AP-09). */
export interface ReviewStep {
  /** `technical-review` … `cab`. */
  name: string;
  stages: ApprovalStage[];
  /** Names of the documents it needs before it is decided. */
  evidence: string[];
  /** AP-07: the policy in force must be a newer, signed revision that approves `to`. */
  policyRevision: boolean;
}

/** Where an interpreter change stands. */
export interface ReviewState {
  steps: { name: string; outcome: DecisionOutcome | null; by: string[]; evidence: { name: string; sha256: string; by: string }[] }[];
  /** Step that is open; null: none. */
  open: string | null;
  missing: string[];
}

/** What the policy says about an exception that is asked for. */
export interface ExceptionTerms {
  hours: number;
  /** EE-03: the requester must have one of these. */
  declaredBy: string[];
  rules: ApprovalRules;
  conveneRole: string;
  conveneHours: number;
  decideHours: number;
  useWithinHours: number;
  reminderHours: number[];
  escalateTo: string[];
  /** Who is paged about its life: reminders, end, revert. */
  watchers: string[];
  /** Role whose key signs the root cause (EE-07). */
  rootCauseRole: string;
  reviewSteps: ReviewStep[];
  reviewEscalateTo: string[];
  /** Hours of this environment's earlier grants that count against the 72. */
  usedHours: number;
}

/** Where the end of an exception falls, by the policy's calendar. */
export interface PlacedEnd {
  /** `Sun 22 Nov 11:31 CET (Europe/Berlin)`. */
  local: string;
  /** Freeze or trading hours it falls into; null: none. */
  conflict: string | null;
  /** Fewer hours that end outside; null: none are better. */
  proposedHours: number | null;
}
