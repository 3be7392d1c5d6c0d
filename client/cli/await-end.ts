/** Asking a run where it stands and how it ended, while server and control worker come and go. */
import type { Client } from '@temporalio/client';
import type { RunState } from '../../policy/describe.js';
import { shortIdOf } from '../../policy/ids.js';
import type { RunResult } from '../../policy/model.js';
import { statusQuery } from '../../workflows/messages.js';
import { CliError, EXIT, type Io } from './io.js';

/** Whom to ask: a run of a server. */
export interface Asked {
  io: Io;
  client: Client;
  workflowId: string;
}

/** A control worker answers in milliseconds, after a restart in a second or two. */
const STATUS_LIMIT_MS = 5_000;
/** Silence shorter than this is not worth a word. */
const WORTH_A_WORD_MS = 3_000;
/** A server that was restarted is back within seconds; after this nobody knows whether it comes back at all. */
const SERVER_PATIENCE_MS = 120_000;
/** Ten attempts of the client, 100 ms apart at first and 1.7 times longer each, end within this. */
const CLIENT_RETRIES_MS = 30_000;
const ASK_AGAIN_MS = 500;

/** Where the run stands; null where nobody answers now, or `signal` says that nobody wants to know any more. */
export function askStatus({ client, workflowId }: Asked, signal: AbortSignal): Promise<RunState | null> {
  const handle = client.workflow.getHandle(workflowId);
  const ask = () => client.withDeadline(Date.now() + STATUS_LIMIT_MS, () => handle.query(statusQuery));
  // The client leaves a listener on the signal of each call: a run of days is asked half a million times.
  const own = new AbortController();
  const stop = (): void => own.abort();
  signal.addEventListener('abort', stop, { once: true });
  return client.withAbortSignal(own.signal, ask).catch(() => null).finally(() => signal.removeEventListener('abort', stop));
}

/**
 * The run's result. A server that is away for a while is asked again: its silence is no end of the run. Throws `CliError`
 * for a run that was ended from outside, one the server does not know, and a server that stays away.
 */
export async function awaitEnd(asked: Asked): Promise<RunResult> {
  const handle = asked.client.workflow.getHandle(asked.workflowId);
  for (let silentSince = Infinity; ; ) {
    const began = Date.now();
    try {
      return (await handle.result()) as RunResult;
    } catch (error) {
      if (!isSilence(error)) throw endedOtherwise(asked.workflowId, error as Error);
      // What lasted longer than the client's own retries was answered for a while: the silence begins anew.
      if (silentSince === Infinity || Date.now() - began > CLIENT_RETRIES_MS) silentSince = Date.now();
      if (Date.now() - silentSince > SERVER_PATIENCE_MS) throw gone(asked.workflowId, error as Error);
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
  }
}

/** The transport failed; what the server itself says of a run has other names. */
const isSilence = (error: unknown): boolean => (error as Error).name === 'ServiceError';

function endedOtherwise(workflowId: string, error: Error): Error {
  const run = shortIdOf(workflowId) ?? workflowId;
  if (/^(Workflow|Namespace)NotFoundError$/.test(error.name)) return new CliError(EXIT.couldNotTell, [`${run}: the server does not know it any more`, `  try: runbook show ${run}, which reads the records`]);
  if (error.name !== 'WorkflowFailedError') return error;
  const why = (error.cause as Error | undefined)?.message ?? error.message;
  return new CliError(EXIT.incomplete, [`${run}: ended from outside, without an outcome: ${why}`, `  try: runbook show ${run}; where it had switched, runbook settle ${run} --keep or --undo`]);
}

function gone(workflowId: string, error: Error): CliError {
  const run = shortIdOf(workflowId) ?? workflowId;
  return new CliError(EXIT.couldNotTell, [`${run}: no answer from the server for ${SERVER_PATIENCE_MS / 60_000} minutes: ${error.message}`, `  try: runbook watch ${run} when it is back; the run goes on with it`]);
}

/** Says once, for every time nobody answers, that it is waited for. */
export function silenceTeller(io: Io): (state: RunState | null) => void {
  let lastAnswer = Date.now();
  let told = false;
  return (state) => {
    if (state) [lastAnswer, told] = [Date.now(), false];
    else if (!told && Date.now() - lastAnswer > WORTH_A_WORD_MS) {
      told = true;
      io.talk('no answer from the run: its control worker or its server is away. It goes on where it stopped when they are back; still following, Ctrl-C detaches');
    }
  };
}
