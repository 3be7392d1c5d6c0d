/** Facts of a transcript: what a workflow asked for, from its commands and from a recorded history, in one form. */
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import type { coresdk, google, temporal } from '@temporalio/proto';

type Command = coresdk.workflow_commands.IWorkflowCommand;
type HistoryEvent = temporal.api.history.v1.IHistoryEvent;
type Failure = temporal.api.failure.v1.IFailure;
type Duration = google.protobuf.IDuration | null | undefined;

/** One thing a workflow asked for or answered. `key` is what pairs the two sides, `says` what must be equal. */
export interface Fact {
  kind: 'activity' | 'timer' | 'child' | 'signal' | 'update' | 'end';
  /** For people: activity type, update id … */
  key: string;
  says: unknown;
}

const values = (payloads: readonly Payload[] | null | undefined): unknown[] => (payloads ?? []).map((payload) => defaultPayloadConverter.fromPayload(payload));
const failureOf = (failure: Failure | null | undefined): unknown => ({ message: failure?.message ?? '', type: failure?.applicationFailureInfo?.type ?? null });
/** Milliseconds; null for none and for zero, which mean the same. Seconds come as Long, string or number, by where they were read. */
const ms = (duration: Duration): number | null => Number(duration?.seconds ?? 0) * 1_000 + Number(duration?.nanos ?? 0) / 1e6 || null;

interface Limits {
  scheduleToStartTimeout?: Duration;
  startToCloseTimeout?: Duration;
  scheduleToCloseTimeout?: Duration;
  heartbeatTimeout?: Duration;
  retryPolicy?: { maximumAttempts?: number | null } | null;
}

/**
 * Time limits of an activity as the server keeps them: it cuts the parts down to the whole, so a command is read the
 * same way. `permitMs`: start within; `wholeMs`: with all attempts; `workMs`: one attempt; `attempts`: 0 for no limit.
 */
function limitsOf(activity: Limits): Record<string, number | null> {
  const whole = ms(activity.scheduleToCloseTimeout);
  const within = (part: number | null, outer: number | null): number | null => (outer === null ? part : Math.min(part ?? outer, outer));
  const work = within(ms(activity.startToCloseTimeout), whole);
  const beat = ms(activity.heartbeatTimeout);
  return {
    permitMs: within(ms(activity.scheduleToStartTimeout), whole), wholeMs: whole, workMs: work,
    heartbeatMs: beat === null ? null : within(beat, work), attempts: activity.retryPolicy?.maximumAttempts ?? 0,
  };
}

/** What becomes of a child when its parent ends: the server keeps "terminate" (1) where nothing was said. */
const policyOf = (child: { parentClosePolicy?: number | null }): number => child.parentClosePolicy || 1;

function factOf(command: Command): Fact | null {
  const { scheduleActivity: activity, startTimer: timer, startChildWorkflowExecution: child, signalExternalWorkflowExecution: signal, updateResponse: update } = command;
  if (activity) return { kind: 'activity', key: activity.activityType!, says: { queue: activity.taskQueue, ...limitsOf(activity), args: values(activity.arguments) } };
  if (timer) return { kind: 'timer', key: 'timer', says: { ms: ms(timer.startToFireTimeout) } };
  if (child) return { kind: 'child', key: child.workflowType!, says: { id: child.workflowId, whenParentEnds: policyOf(child), args: values(child.input) } };
  if (signal) return { kind: 'signal', key: signal.signalName!, says: { to: signal.workflowExecution?.workflowId ?? signal.childWorkflowId, args: values(signal.args) } };
  if (update?.completed) return { kind: 'update', key: update.protocolInstanceId!, says: { answer: values([update.completed])[0] ?? null } };
  // A refused update leaves nothing in history; one whose handler failed does, and it was accepted before.
  if (update?.rejected) return { kind: 'update', key: update.protocolInstanceId!, says: failureOf(update.rejected) };
  return endOf(command);
}

function endOf(command: Command): Fact | null {
  const { completeWorkflowExecution: done, failWorkflowExecution: failed, continueAsNewWorkflowExecution: again, cancelWorkflowExecution: cancelled } = command;
  if (done) return { kind: 'end', key: 'result', says: values(done.result ? [done.result] : [])[0] ?? null };
  if (failed) return { kind: 'end', key: 'failure', says: failureOf(failed.failure) };
  if (again) return { kind: 'end', key: 'continue-as-new', says: { type: again.workflowType, args: values(again.arguments) } };
  return cancelled ? { kind: 'end', key: 'cancelled', says: null } : null;
}

/** Facts of one activation's commands. What is begun and cancelled within one activation never reaches the server. */
export function factsOfCommands(commands: readonly Command[]): Fact[] {
  const timers = new Set(commands.map((c) => c.cancelTimer?.seq).filter((seq) => seq != null));
  const activities = new Set(commands.map((c) => c.requestCancelActivity?.seq).filter((seq) => seq != null));
  const isSent = (c: Command): boolean => !(c.startTimer && timers.has(c.startTimer.seq!)) && !(c.scheduleActivity && activities.has(c.scheduleActivity.seq!));
  return commands.filter(isSent).map(factOf).filter((fact) => fact !== null);
}

/** The same facts from one event of a recorded history, or null. */
export function factOfEvent(event: HistoryEvent): Fact | null {
  const { activityTaskScheduledEventAttributes: activity, timerStartedEventAttributes: timer, startChildWorkflowExecutionInitiatedEventAttributes: child } = event;
  const { signalExternalWorkflowExecutionInitiatedEventAttributes: signal, workflowExecutionUpdateCompletedEventAttributes: update } = event;
  if (activity) return { kind: 'activity', key: activity.activityType!.name!, says: { queue: activity.taskQueue!.name, ...limitsOf(activity), args: values(activity.input?.payloads) } };
  if (timer) return { kind: 'timer', key: 'timer', says: { ms: ms(timer.startToFireTimeout) } };
  if (child) return { kind: 'child', key: child.workflowType!.name!, says: { id: child.workflowId, whenParentEnds: policyOf(child), args: values(child.input?.payloads) } };
  if (signal) return { kind: 'signal', key: signal.signalName!, says: { to: signal.workflowExecution?.workflowId, args: values(signal.input?.payloads) } };
  if (update) return { kind: 'update', key: update.meta!.updateId!, says: update.outcome?.success ? { answer: values(update.outcome.success.payloads)[0] ?? null } : failureOf(update.outcome?.failure) };
  return endOfEvent(event);
}

function endOfEvent(event: HistoryEvent): Fact | null {
  const { workflowExecutionCompletedEventAttributes: done, workflowExecutionFailedEventAttributes: failed } = event;
  const { workflowExecutionContinuedAsNewEventAttributes: again, workflowExecutionCanceledEventAttributes: cancelled } = event;
  if (done) return { kind: 'end', key: 'result', says: values(done.result?.payloads)[0] ?? null };
  if (failed) return { kind: 'end', key: 'failure', says: failureOf(failed.failure) };
  if (again) return { kind: 'end', key: 'continue-as-new', says: { type: again.workflowType?.name, args: values(again.input?.payloads) } };
  return cancelled ? { kind: 'end', key: 'cancelled', says: null } : null;
}
