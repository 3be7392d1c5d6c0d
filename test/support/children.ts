/** Runs that a run leaves behind to end by themselves: on the time-skipping server one activity that nobody polls for stops time for all. */
import type { Client } from '@temporalio/client';

/** Returns when every run that this one started, and every run those started, has ended. */
export async function childrenEnded(client: Client, workflowId: string): Promise<void> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const children = (events ?? []).flatMap(({ childWorkflowExecutionStartedEventAttributes: child }) => child?.workflowExecution?.workflowId ?? []);
  for (const child of children) {
    await client.workflow.getHandle(child).result().catch(() => undefined);
    await childrenEnded(client, child);
  }
}
