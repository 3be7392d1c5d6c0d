/** What runs are started with: intent only. Types. */
import type { EnvironmentRef, RunKind } from './model.js';
import type { ExceptionGround, SignedText, Warrant } from './model-approval.js';

/** What a change asks for: intent only. */
export interface ChangeRequest {
  /** Short id people use: `ch-7k2m`. */
  run: string;
  kind: RunKind;
  env: EnvironmentRef;
  /** Version spec of the wanted interpreter: `3.12`, `3.11.13`, or null for the policy's primary. */
  to: string | null;
  /** Why, in the requester's words; required, on record. */
  reason: string;
  requester: string;
  /** sha256 of the policy the requester saw. */
  policyDigest: string;
  /**
   * The plan the requester agreed to; null plans and goes on (only where the policy pre-approves); `NO_PLAN_YET` of names.ts: agreed
   * to what comes before a plan (source builds), and asks again for the plan itself.
   */
  planDigest: string | null;
  /** True when there is no environment yet and one shall be made. */
  create: boolean;
  /** WF-71: built anew although what stands already is what the plan makes. Without `to`: on the interpreter that stands. */
  rebuild?: true;
  /** WF-71: once the change is done, what Python left beside the project's sources is removed. */
  cleanProject?: true;
  /** Modules probed in the live environment at assessment (WF-10); the policy's list. */
  assessImports?: string[];
  /** Of an exception: its life from the grant (EE-05). */
  hours?: number;
  /** EE-01. */
  ground?: ExceptionGround;
  /** The requester's own words, signed (decision 8). Absent: nobody asked for a signature. */
  asked?: SignedText;
  /** `to` as the signed request has it, where the run that ordered this change chose for it. */
  askedTo?: string | null;
  /** Given by the run that ordered this change: what it was granted, and until when. */
  granted?: { warrant: Warrant; end: string };
  /** How long steps may take; absent: the defaults of `workflows/lib/host.ts`. */
  tuning?: Tuning;
}

/** Asks for an interpreter change: the review of versions and environments, which touches no host (AP-04 to AP-10). */
export interface ReviewRequest {
  run: string;
  kind: 'interpreter-change';
  /** First of `environments`. */
  env: EnvironmentRef;
  /** `HOST:LINK` of all it is for (AP-13). */
  environments: string[];
  from: string | null;
  /** Exact version or line. */
  to: string;
  reason: string;
  requester: string;
  policyDigest: string;
  asked?: SignedText;
  /** The exception it is the final review of (EE-08). */
  exception?: { run: string; end: string };
  tuning?: Tuning;
}

/** Intervals that tests shorten. Milliseconds. */
export interface Tuning {
  heartbeatMs: number;
  scheduleToStartMs: number;
  leaseRetryMs: number;
}

/** Asks for the way back of an environment's last change, or for the end of an unsettled one. */
export interface UndoRequest {
  run: string;
  env: EnvironmentRef;
  reason: string;
  requester: string;
  /** `undo` returns to what was armed; `keep` settles what an ended run left behind as it stands. */
  mode: 'undo' | 'keep';
  tuning?: Tuning;
}
