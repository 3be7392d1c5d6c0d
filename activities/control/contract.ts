/** What the control worker can be asked to do beside the workflows. Workflows see only this type. */
import type { FallbackDocument } from '../../policy/documents.js';
import type { FallbackRecord } from '../../policy/fallback-record.js';
import type { AuditEntry } from '../../policy/records.js';
import type { ChangeRequest, HostLook, Interpreter, LockVerdict, Objection, Plan, Verification, WheelFailureCause } from '../../policy/model.js';
import type { LeaseHolder } from '../host/contract.js';

export type OrRefusal<T> = ({ refused: null } & T) | { refused: Objection[] };

/** What an assessment came to: design of the wheel fallback, steps 1 and 2. */
export interface FallbackDecision {
  decision: 'not-needed' | 'fallback' | 'impossible' | 'could-not-tell';
  text: string;
  affected: string[];
  /** WF-01: cause by package. */
  causes: Record<string, WheelFailureCause>;
  /** Version spec to change to; the fallback interpreter's full version. */
  to: string;
  /** DIS-14: the fallback replaces what the link leads to, or stands beside it at `LINK_fallback`. */
  mode: 'replace' | 'side-by-side';
}

export interface ControlActivities {
  /**
   * Chooses the interpreters a request means: for a change the wanted one, for a fallback primary and fallback. Refuses
   * what the policy forbids, unknown policy digests, and classes whose approvals were not given.
   */
  chooseInterpreters(input: { request: ChangeRequest; look: HostLook }): Promise<OrRefusal<{ interpreters: Interpreter[]; words: string }>>;
  makePlan(input: { request: ChangeRequest; look: HostLook; interpreter: Interpreter; verdict: LockVerdict }): Promise<OrRefusal<{ plan: Plan; lines: string[] }>>;
  decideFallback(input: { request: ChangeRequest; verdicts: LockVerdict[]; imports: Verification['imports'] }): Promise<FallbackDecision>;
  /** Logs and report of a fallback, from its record; rendered here so that histories hold what was written. */
  renderDocuments(input: FallbackRecord): Promise<FallbackDocument[]>;
  appendRecords(input: { entries: AuditEntry[]; evidence?: string[] }): Promise<{ head: { seq: number; hash: string } }>;
  /** Asks Temporal whether the holder's chain of executions is closed. */
  isChainClosed(input: LeaseHolder): Promise<boolean>;
}
