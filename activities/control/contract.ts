/** What the control worker can be asked to do beside the workflows. Workflows see only this type. */
import type { FallbackDocument } from '../../policy/documents.js';
import type { FallbackRecord } from '../../policy/fallback-record.js';
import type { BuildPin } from '../../policy/ladder.js';
import type { PolicyFile } from '../../policy/files/policy-file.js';
import type { AuditEntry } from '../../policy/records.js';
import type { ChangeRequest, HostLook, Interpreter, LockVerdict, Objection, PerformanceProbe, Plan, Rung, Verification, WheelFailureCause } from '../../policy/model.js';
import type { ApprovalRules } from '../../policy/model-approval.js';
import type { LeaseHolder } from '../host/contract.js';
import type { ApprovalActivities } from './contract-approval.js';
import type { DueActivities } from './due.js';
import type { HealthActivities } from './health.js';

/** What a change needs before it may begin; absent: the policy pre-approves it. */
export interface ApprovalNeeds {
  rules: ApprovalRules;
  /** Until the decision, from when it is asked. */
  decideHours: number;
  useWithinHours: number;
  reminderHours: number[];
  escalateTo: string[];
}

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
  /** WF-06: the policy's table, for the advice of a diagnosis. */
  systemDependencies?: PolicyFile['systemDependencies'];
  /** Class of the host by the policy's table. */
  hostClass?: string;
  /** WF-52: roles that are told how it ended; absent: none. */
  tell?: string[];
  /** WF-48: what is timed after the change; null: nothing in the lock that the policy has a probe for. */
  probe?: PerformanceProbe | null;
}

/** What is left to try when no interpreter has all wheels, in order, and with what. */
export interface Ladder {
  rungs: { rung: Rung; why: string }[];
  /** Host that builds from source; null: none that the policy allows. */
  builder: string | null;
  /** Pins without a wheel for the fallback interpreter that have a source release. */
  pins: BuildPin[];
  /** Projects without a wheel for it. */
  missing: string[];
  knownGood: Record<string, string>;
}

export interface ControlActivities extends ApprovalActivities, DueActivities, HealthActivities {
  /**
   * Chooses the interpreters a request means: for a change the wanted one, for a fallback primary and fallback. Refuses
   * what the policy forbids, unknown policy digests, and classes whose approvals were not given.
   */
  chooseInterpreters(input: { request: ChangeRequest; look: HostLook }): Promise<OrRefusal<{ interpreters: Interpreter[]; words: string; approval?: ApprovalNeeds }>>;
  makePlan(input: { request: ChangeRequest; look: HostLook; interpreter: Interpreter; verdict: LockVerdict }): Promise<OrRefusal<{ plan: Plan; lines: string[] }>>;
  decideFallback(input: { request: ChangeRequest; look: HostLook; verdicts: LockVerdict[]; imports: Verification['imports'] | null }): Promise<FallbackDecision>;
  /** The rungs above wheels, for pins that have none for the fallback interpreter either. */
  planLadder(input: { request: ChangeRequest; look: HostLook; verdicts: LockVerdict[] }): Promise<Ladder>;
  /** Logs and report of a fallback, from its record; rendered here so that histories hold what was written. */
  renderDocuments(input: FallbackRecord): Promise<FallbackDocument[]>;
  appendRecords(input: { entries: AuditEntry[]; evidence?: string[] }): Promise<{ head: { seq: number; hash: string } }>;
  /** Asks Temporal whether the holder's chain of executions is closed. */
  isChainClosed(input: LeaseHolder): Promise<boolean>;
}
