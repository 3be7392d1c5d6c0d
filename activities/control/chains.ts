/** Whether a lease's holder is still alive, asked of Temporal (decision 13). */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { LeaseHolder } from '../host/contract.js';

/** True when the holder's chain of executions is closed or unknown; throws when Temporal does not answer. */
export async function isChainClosed(client: Client, { workflowId, chain }: LeaseHolder): Promise<boolean> {
  try {
    const description = await client.withDeadline(Date.now() + 10_000, () => client.workflow.getHandle(workflowId).describe());
    // A later run under the same id is another chain: this one is closed.
    const firstRunId = description.raw.workflowExecutionInfo?.firstRunId ?? description.runId;
    return description.status.name !== 'RUNNING' || firstRunId !== chain;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return true;
    throw error;
  }
}
