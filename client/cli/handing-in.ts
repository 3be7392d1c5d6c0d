/** Handing a document in to a run that waits for it: the root cause of an exception, the evidence of a review. */
import type { Client } from '@temporalio/client';
import type { UpdateDefinition } from '@temporalio/common';
import { shortIdOf } from '../../policy/ids.js';
import type { Instance } from './instance.js';
import { EXIT, couldNotTell, type Io } from './io.js';
import { recordsOf } from './known-runs.js';

/** Longest document a run takes, in bytes (workflows/lib/documents.ts). */
export const LONGEST_DOCUMENT_BYTES = 200_000;
/** A signature is verified meanwhile; a control worker that was restarted is back within seconds. */
const ANSWER_LIMIT_MS = 30_000;

/** What a run said of it. */
export interface HandedIn {
  taken: boolean;
  message: string;
}

/** Sends it; a run that has ended takes nothing, and says so. */
export async function handIn<Input>(instance: Instance, client: Client, workflowId: string, update: UpdateDefinition<HandedIn, [Input]>, input: Input): Promise<HandedIn> {
  const send = (): Promise<HandedIn> => client.workflow.getHandle(workflowId).executeUpdate(update, { args: [input] });
  try {
    return await client.withDeadline(Date.now() + ANSWER_LIMIT_MS, send);
  } catch (error) {
    const { name, message } = error as Error;
    if (name === 'WorkflowNotFoundError') return { taken: false, message: `it has ended${outcomeOf(instance, workflowId)}` };
    if (/^(ServiceError|WorkflowUpdateRPCTimeoutOrCancelledError)$/.test(name)) throw couldNotTell('the document', `an answer of the run within ${ANSWER_LIMIT_MS / 1000} s`, message, 'runbook doctor; then the same again: a document that did arrive is taken once');
    throw error;
  }
}

function outcomeOf(instance: Instance, workflowId: string): string {
  const records = recordsOf(instance);
  const outcome = records?.run(shortIdOf(workflowId) ?? '')?.outcome;
  records?.close();
  return outcome ? `: ${outcome}` : '';
}

/** Says what came of it; returns the exit code. */
export function printHandedIn(io: Io, { taken, message }: HandedIn, { run, next, json }: { run: string; next: string; json: boolean }): number {
  if (json) io.out(JSON.stringify({ run, taken, message }));
  else {
    io.out(taken ? message : `not taken: ${message}`);
    io.talk(`next: ${taken ? next : `runbook show ${run}`}`);
  }
  return taken ? EXIT.yes : EXIT.no;
}
