/** Reading failures of activities: the facts were decided where the cause was known. */
import { ActivityFailure, ApplicationFailure, CancelledFailure, ChildWorkflowFailure, TemporalFailure, TimeoutFailure } from '@temporalio/workflow';
import { FAILURE } from '../../policy/names.js';
import type { Objection } from '../../policy/model.js';
import type { LeaseBusyDetails } from '../../activities/host/contract.js';

/** The failure that an activity's or child's failure stands for. */
export function causeOf(error: unknown): unknown {
  let cause = error;
  while ((cause instanceof ActivityFailure || cause instanceof ChildWorkflowFailure) && cause.cause) cause = cause.cause;
  return cause;
}

/**
 * Lets a mistake in workflow code fail its task, so that it is seen and mended by a deploy while the run waits; taken for
 * a failure of the run it would look like an ordinary rollback.
 */
export function rethrowMistake(error: unknown): void {
  if (!(error instanceof TemporalFailure)) throw error;
}

/** Type of the failure: one of `FAILURE`, or the framework's word for it. */
export function failureType(error: unknown): string {
  const cause = causeOf(error);
  if (cause instanceof ApplicationFailure) return cause.type ?? 'ApplicationFailure';
  if (cause instanceof TimeoutFailure) return `Timeout ${cause.timeoutType}`;
  if (cause instanceof CancelledFailure) return 'Cancelled';
  return 'Unknown';
}

/** The message people get. */
export function failureText(error: unknown): string {
  const cause = causeOf(error);
  if (cause instanceof TimeoutFailure) return `no answer in time (${cause.timeoutType})`;
  return cause instanceof Error ? cause.message : String(cause);
}

/** True when the host did not take the order within its permit. */
export function isHostSilent(error: unknown): boolean {
  const cause = causeOf(error);
  return cause instanceof TimeoutFailure && cause.timeoutType === 'SCHEDULE_TO_START';
}

/** Who holds the lease, when that is why an order was refused. */
export function leaseBusy(error: unknown): LeaseBusyDetails | null {
  let cause = error;
  // At the end of its time an acquisition fails as a timeout whose cause is the last refusal.
  while (cause instanceof Error) {
    if (cause instanceof ApplicationFailure && cause.type === FAILURE.LeaseBusy) return (cause.details?.[0] as LeaseBusyDetails | undefined) ?? null;
    cause = cause.cause;
  }
  return null;
}

/** The four-part reasons of a refusal, where the failure carries them. */
export function objectionsOf(error: unknown): Objection[] {
  const cause = causeOf(error);
  const details = cause instanceof ApplicationFailure ? cause.details?.[0] : undefined;
  return Array.isArray(details) ? (details as Objection[]) : [];
}

/** True for failures that mean: refused before anything changed. */
export function isRefusal(error: unknown): boolean {
  const type = failureType(error);
  return type === FAILURE.HostRefused || type === FAILURE.PlanChanged || type === FAILURE.UndoNotProven || type === FAILURE.PolicyUnknown || type === FAILURE.BadInput || type === FAILURE.NotApproved;
}
