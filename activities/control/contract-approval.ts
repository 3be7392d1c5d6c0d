/** What the control worker can be asked to do about approvals and exceptions. Workflows see only this type. */
import type { FallbackDocument } from '../../policy/documents.js';
import type { ApprovalRules, ExceptionClock, ExceptionTerms, PlacedEnd, Refusable, ReviewStep, SignatureVerdict, SignedText, Warrant } from '../../policy/model-approval.js';
import type { ChangeRequest, Outcome, Plan, ReviewRequest } from '../../policy/model.js';
import type { Notification } from '../../policy/notification.js';

export interface ApprovalActivities {
  /**
   * Judges the signature of a vote or statement with the people, keys and revocations of this moment, as of `t`
   * (decision 4). `SignaturesUnavailable` (retryable) is not "invalid".
   */
  verifySignature(input: SignedText & { namespace: 'runbook.approval' | 'runbook.statement'; t: string }): Promise<SignatureVerdict>;
  /**
   * Whether the requester asked for this: signature over `requestText` of these facts by a key of theirs, not older than
   * `REQUEST_VALID_MINUTES`, and no other run started by it (replay). `roles`: of which the requester must have one; empty: any person.
   * `t`: the run's start.
   */
  admitRequest(input: { request: ChangeRequest | ReviewRequest; workflowId: string; chain: string; roles: string[]; t: string }): Promise<Refusable<{ person: string }>>;
  /** EE-01 to EE-06, from the policy by its digest: rules, times, roles; refuses grounds, hours, versions and repeats that no CAB may grant. */
  exceptionTerms(input: { request: ChangeRequest; t: string }): Promise<Refusable<{ terms: ExceptionTerms }>>;
  /** Steps of an interpreter change by the policy, with rules for each; refuses what can't reach a quorum. */
  reviewTerms(input: { request: ReviewRequest }): Promise<Refusable<{ steps: (ReviewStep & { rules: ApprovalRules })[]; decideHours: number; useWithinHours: number; reminderHours: number[]; escalateTo: string[] }>>;
  /** All signatures of a warrant again, with today's keys, by the one function that counts votes; for a plan that is about to be begun, or switched to. */
  checkWarrant(input: { plan: Plan; warrant: Warrant; t: string }): Promise<Refusable<{ by: string[] }>>;
  /** For a kind the policy itself approves, to a host that checks signatures: the policy as it was signed. */
  policyWarrant(input: { plan: Plan; run: string; t: string }): Promise<Refusable<{ warrant: Warrant }>>;
  /** Where the end of an exception falls in the policy's calendar. */
  placeEnd(input: { policyDigest: string; from: string; hours: number }): Promise<PlacedEnd>;
  /** What today's policy says about an interpreter; for rehearsing the way back. */
  standingOf(input: { version: string; host: string }): Promise<{ role: 'primary' | 'fallback' | 'prohibited'; text: string; revision: string }>;
  /** AP-07: the policy in force is another, newer, signed revision than `policyDigest`, and approves `to`. */
  checkRevision(input: { policyDigest: string; to: string; host: string }): Promise<{ ok: boolean; problem: string; revision: string; digest: string }>;
  /** A verification as its host signed it, against the key that was accepted for the host. A host without an accepted key is believed, and `known` is false. */
  checkVerdict(input: { host: string; chain: string; tree: string; planDigest: string; manifestDigest: string; ok: boolean; signed: SignedText | null }): Promise<Refusable<{ known: boolean }>>;
  /** Incident report and logs of an exception, from its record; rendered here so that histories hold what was written (EE-13). */
  renderException(input: { run: string; clock: ExceptionClock; terms: ExceptionTerms | null; outcome: Outcome; message: string; from: string | null; to: string | null; at: string }): Promise<{ documents: FallbackDocument[] }>;
  /** Delivers to the role's channels; throws `NotDelivered` when none took it. */
  notify(input: { notification: Notification; role: string }): Promise<{ delivered: string[]; failed: { channel: string; problem: string }[] }>;
}
