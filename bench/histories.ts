/** What Temporal itself costs a step, read from finished histories. */
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';

export type Event = temporal.api.history.v1.IHistoryEvent;

/** One activity of a history, in milliseconds. */
export interface StepCost {
  activity: string;
  /** From its completion back to the command that started it: the work, as Temporal saw it. */
  workMs: number;
  /** Scheduled to started, plus completed to the end of the workflow task that reacts. */
  overheadMs: number;
}

/** When it happened, in milliseconds since 1970. */
export const ms = (event: Event): number => Number(event.eventTime?.seconds ?? 0) * 1000 + (event.eventTime?.nanos ?? 0) / 1e6;

/** Every completed activity with what lay around its work. Activities that were retried are left out: their wait is not overhead. */
export function stepCosts(events: Event[]): StepCost[] {
  const byId = new Map(events.map((event) => [Number(event.eventId), event]));
  return events.flatMap((completed, index) => {
    const attributes = completed.activityTaskCompletedEventAttributes;
    if (!attributes) return [];
    const scheduled = byId.get(Number(attributes.scheduledEventId));
    const started = byId.get(Number(attributes.startedEventId));
    const reacted = events.slice(index).find((event) => event.workflowTaskCompletedEventAttributes);
    if (!scheduled || !started || !reacted || (started.activityTaskStartedEventAttributes?.attempt ?? 1) > 1) return [];
    const activity = scheduled.activityTaskScheduledEventAttributes?.activityType?.name ?? '';
    return [{ activity, workMs: ms(completed) - ms(started), overheadMs: ms(started) - ms(scheduled) + ms(reacted) - ms(completed) }];
  });
}

/** Step costs of every closed run in the namespace that began after `since`, the watch of the host left out. */
export async function readStepCosts(address: string, namespace: string, since = new Date(0)): Promise<StepCost[]> {
  const connection = await Connection.connect({ address });
  try {
    const client = new Client({ connection, namespace });
    const costs: StepCost[] = [];
    for await (const { workflowId, runId, type } of client.workflow.list({ query: `ExecutionStatus = 'Completed' AND StartTime > '${since.toISOString()}'` })) {
      if (type === 'hostWatch') continue;
      costs.push(...stepCosts(await eventsOf(client.workflow.getHandle(workflowId, runId))));
    }
    return costs;
  } finally {
    await connection.close();
  }
}

/** The whole history of a run. */
export async function eventsOf(handle: WorkflowHandle): Promise<Event[]> {
  return (await handle.fetchHistory()).events ?? [];
}
