/** Queues, search attributes, failure types: no string of these is written twice. */

/** Task queue of the control worker. */
export const CONTROL_QUEUE = 'runbooks';
/** Task queue of a host's agent. */
export const hostQueue = (host: string): string => `host.${host}`;
/** Queue of the agent's one pending `nextEvent`. */
export const hostEventsQueue = (host: string): string => `host.${host}.events`;

/** Search attributes, final (adding one is a design change), with the type Temporal registers. */
export const SEARCH_ATTRIBUTES = {
  RunbookKind: 'KEYWORD',
  RunbookHost: 'KEYWORD',
  RunbookEnvironment: 'KEYWORD',
  RunbookPhase: 'KEYWORD',
  RunbookOutcome: 'KEYWORD',
  RunbookRequester: 'KEYWORD',
  RunbookCampaign: 'KEYWORD',
  RunbookInterpreter: 'KEYWORD',
  RunbookWaitsFor: 'KEYWORD_LIST',
  RunbookDeadline: 'DATETIME',
} as const;

/** Types of `ApplicationFailure`: a small closed set, decided where the cause is known. */
export const FAILURE = {
  /** Somebody else holds the lease; retryable, details `LeaseBusyDetails`. */
  LeaseBusy: 'LeaseBusy',
  /** The lease was taken or a newer order came: this order must do nothing more. Final. */
  Fenced: 'Fenced',
  /** The host forbids it; details: `Objection[]`. Final. */
  HostRefused: 'HostRefused',
  /** What stands on the host is not what the plan covers. Final; details: `Objection[]`. */
  PlanChanged: 'PlanChanged',
  /** The way back could not be proven. Final. */
  UndoNotProven: 'UndoNotProven',
  /** A command failed; details: `CommandFailure`. Final or retryable by its class. */
  CommandFailed: 'CommandFailed',
  /** Verification said no; details: `Verification`. Final. */
  VerificationFailed: 'VerificationFailed',
  /** Riders could not be settled. Final. */
  RidersFailed: 'RidersFailed',
  /** The policy's digest is not known here. Final. */
  PolicyUnknown: 'PolicyUnknown',
  /** Bad input that an edge should have refused. Final. */
  BadInput: 'BadInput',
  /** Records can't be written now; retryable: forward steps wait, undo goes on. Details: `Objection`. */
  RecordsUnavailable: 'RecordsUnavailable',
  /** No signature, a wrong one, or too few; details: `Objection[]`. Final. */
  NotApproved: 'NotApproved',
  /** No channel took a notification; retryable unless there is none. */
  NotDelivered: 'NotDelivered',
  /** A signature could not be judged now (no signers, no ssh-keygen); retryable: it is not "invalid". */
  SignaturesUnavailable: 'SignaturesUnavailable',
  /** Undo did not get to a verified state. */
  RollbackIncomplete: 'RollbackIncomplete',
} as const;

/** Details of `CommandFailed`. */
export interface CommandFailure {
  command: string;
  class: import('./model.js').FailureClass;
  exitCode: number | null;
  timedOut: boolean;
  /** Last lines of output, capped. */
  tail: string;
  outputPath: string;
  remedy: string;
}

/** `ChangeRequest.planDigest` of a run that was agreed to before a plan could be made: it builds, and then asks again. */
export const NO_PLAN_YET = 'none-yet';
