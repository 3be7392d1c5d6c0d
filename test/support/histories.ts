/** What the histories of a test's workflows must not hold. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import proto, { type temporal } from '@temporalio/proto';

/** One execution to look at. */
export interface Execution {
  workflowId: string;
  /** Missing: the latest. */
  runId?: string | undefined;
}

/** What was found in a workflow and everything it started. */
export interface Findings {
  /** Workflow tasks that failed or timed out, in words. */
  taskProblems: string[];
  /** Ids of workflows that still run. */
  open: string[];
}

type Event = temporal.api.history.v1.IHistoryEvent;

const { WorkflowTaskFailedCause } = proto.temporal.api.enums.v1;
/** No mistakes of a workflow's: a terminate took the task that was in hand with it; or something came in as it ended, and the server asked again with that. */
const HARMLESS = [WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND, WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND];

function taskProblem({ workflowId }: Execution, event: Event): string | null {
  const { workflowTaskFailedEventAttributes: failed, workflowTaskTimedOutEventAttributes: timedOut } = event;
  if (failed?.cause && HARMLESS.includes(failed.cause)) return null;
  if (failed) return `${workflowId}, event ${event.eventId}: workflow task failed: ${failed.failure?.message || WorkflowTaskFailedCause[failed.cause ?? 0]}\n${failed.failure?.stackTrace ?? ''}`;
  if (timedOut) return `${workflowId}, event ${event.eventId}: workflow task timed out (${timedOut.timeoutType})`;
  return null;
}

function startedBy(event: Event): Execution | null {
  const { childWorkflowExecutionStartedEventAttributes: child, workflowExecutionContinuedAsNewEventAttributes: next } = event;
  if (child?.workflowExecution?.workflowId) return { workflowId: child.workflowExecution.workflowId, runId: child.workflowExecution.runId ?? undefined };
  return next?.newExecutionRunId ? { workflowId: '', runId: next.newExecutionRunId } : null;
}

function isEnd(event: Event | undefined): boolean {
  const { workflowExecutionCompletedEventAttributes: completed, workflowExecutionFailedEventAttributes: failed, workflowExecutionTimedOutEventAttributes: timedOut } = event ?? {};
  const { workflowExecutionCanceledEventAttributes: canceled, workflowExecutionTerminatedEventAttributes: terminated, workflowExecutionContinuedAsNewEventAttributes: continued } = event ?? {};
  return Boolean(completed ?? failed ?? timedOut ?? canceled ?? terminated ?? continued);
}

/** Reads the histories of these executions, their children and their continuations. An execution the server has no word of is passed over. */
export async function inspectHistories(client: Client, executions: Execution[]): Promise<Findings> {
  const findings: Findings = { taskProblems: [], open: [] };
  const seen = new Set<string>();
  for (let queue = [...executions]; queue.length > 0; ) {
    const execution = queue.shift()!;
    const handle = client.workflow.getHandle(execution.workflowId, execution.runId);
    const history = await handle.fetchHistory().catch((error: unknown) => (error instanceof WorkflowNotFoundError ? null : Promise.reject(error as Error)));
    const events = history?.events ?? [];
    const key = `${execution.workflowId}/${events[0]?.workflowExecutionStartedEventAttributes?.originalExecutionRunId ?? execution.runId}`;
    if (events.length === 0 || seen.has(key)) continue;
    seen.add(key);
    findings.taskProblems.push(...events.map((event) => taskProblem(execution, event)).filter((problem) => problem !== null));
    queue = queue.concat(events.map(startedBy).filter((next) => next !== null).map((next) => ({ ...next, workflowId: next.workflowId || execution.workflowId })));
    if (!isEnd(events.at(-1))) findings.open.push(execution.workflowId);
  }
  return findings;
}
