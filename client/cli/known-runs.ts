/** Runs that are known: on record, or open in Temporal. Loads nothing of Temporal. */
import type { Client } from '@temporalio/client';
import { openRecordsReadOnly, type RecordsReader } from '../../records/store.js';
import type { Instance } from './instance.js';

/** The records of this instance for reading, or null before the first run. */
export function recordsOf(instance: Instance): RecordsReader | null {
  try {
    return openRecordsReadOnly(instance.paths.recordsDb);
  } catch (error) {
    if ((error as { code?: string }).code === 'missing') return null;
    throw error;
  }
}

/** Ids of open runs that people started; changes ordered by another run are left to it. */
export async function openWorkflowIds(client: Client): Promise<string[]> {
  const ids: string[] = [];
  const query = `ExecutionStatus='Running' AND (WorkflowType='environmentChange' OR WorkflowType='wheelFallback' OR WorkflowType='environmentUndo' OR WorkflowType='environmentTidy' OR WorkflowType='emergencyException' OR WorkflowType='interpreterChange')`;
  for await (const { workflowId, parentExecution } of client.workflow.list({ query })) if (!parentExecution) ids.push(workflowId);
  return ids;
}

