/** A poller that is nobody's agent and nobody's control worker: it takes tasks from a queue and answers by task token, as anybody can. */
import { setMaxListeners } from 'node:events';
import type { Client } from '@temporalio/client';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';

/** Makes an answer out of the arguments of an order. */
export type Lies = Record<string, (...args: never[]) => unknown>;

export interface ForeignPoller {
  /** Activities it answered, in order. */
  told: string[];
  stop(): Promise<void>;
}

/** Polls at once this often; the real worker has five. */
const POLLS = 40;
const POLL_MS = 60_000;

/** Answers the activities it has lies for; every other is given back as a failure that is tried again. */
export function startForeignPoller({ workflowService, connection }: Client, queue: string, lies: Lies): ForeignPoller {
  const told: string[] = [];
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  const namespace = 'default';
  const identity = 'mallory';
  const answer = async (taskToken: Uint8Array, name: string, args: unknown[]): Promise<void> => {
    const lie = lies[name];
    if (!lie) return void (await workflowService.respondActivityTaskFailed({ namespace, taskToken, identity, failure: { message: 'somebody else may', applicationFailureInfo: { type: 'Foreign' } } }));
    told.push(name);
    await workflowService.respondActivityTaskCompleted({ namespace, taskToken, identity, result: { payloads: [defaultPayloadConverter.toPayload(lie(...(args as never[])))!] } });
  };
  const poll = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const { taskToken, activityType, input } = await connection.withDeadline(Date.now() + POLL_MS, () => connection.withAbortSignal(stopping.signal, () => workflowService.pollActivityTaskQueue({ namespace, taskQueue: { name: queue }, identity })));
        if (taskToken && taskToken.length > 0) await answer(taskToken, activityType!.name!, (input?.payloads ?? []).map((payload) => defaultPayloadConverter.fromPayload(payload as Payload)));
      } catch (error) {
        // The end of a long poll, or of a task that was over before it was answered.
        if (!/aborted|CANCELLED|DEADLINE|NOT_FOUND|not found/i.test(String(error))) throw error;
      }
    }
  };
  const polling = Array.from({ length: POLLS }, poll);
  return { told, stop: async () => (stopping.abort(), void (await Promise.all(polling))) };
}
