/** Bringing a vote to its decision: whoever carries it, the signature says whose it is. */
import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { VoteAnswer, VoteInput } from '../../policy/model-approval.js';
import { voteUpdate } from '../../workflows/messages.js';
import { decisionState } from './decisions.js';
import { couldNotTell, EXIT, localTime, refusal, type Io } from './io.js';

/** A server or a control worker that was restarted is back within seconds. */
const PATIENCE_MS = 120_000;
/** Silence shorter than this is not worth a word. */
const WORTH_A_WORD_MS = 3_000;
const ASK_AGAIN_MS = 500;

/** What came of a vote. `refused`: the decision did not even take it, and nothing is on record. */
export type Cast = VoteAnswer & { refused: boolean };

/** One update id for one command, kept over retries of the transport only (decision 5): the same vote twice is two votes to the decision. */
export async function sendVote(io: Io, client: Client, workflowId: string, vote: VoteInput): Promise<Cast> {
  const updateId = randomUUID();
  const end = Date.now() + PATIENCE_MS;
  const silent = setTimeout(() => io.talk('no answer from the decision yet: its control worker or its server is away; still sending, it counts only if it gets there before the deadline'), WORTH_A_WORD_MS);
  try {
    for (;;) {
      try {
        const answer = await client.withDeadline(end, () => client.workflow.getHandle(workflowId).executeUpdate(voteUpdate, { args: [vote], updateId }));
        return { ...answer, refused: false };
      } catch (error) {
        const told = await refusedBecause(client, workflowId, error as Error);
        if (told !== null) return { counted: false, message: `not counted: ${told}`, outcome: null, refused: true };
        if (Date.now() + ASK_AGAIN_MS > end) throw unanswered(error as Error);
        await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
      }
    }
  } finally {
    clearTimeout(silent);
  }
}

const unanswered = (error: Error): Error =>
  couldNotTell('the vote', `an answer of the decision within ${PATIENCE_MS / 60_000} minutes`, error.message, 'send the same again: a vote that did arrive counts once');

/** The decision's own words; null where the transport failed, which is no answer. */
async function refusedBecause(client: Client, workflowId: string, error: Error): Promise<string | null> {
  if (error.name === 'WorkflowUpdateFailedError') return (error.cause as Error | undefined)?.message ?? error.message;
  if (error.name !== 'WorkflowNotFoundError') {
    if (/^(ServiceError|WorkflowUpdateRPCTimeoutOrCancelledError)$/.test(error.name)) return null;
    throw error;
  }
  const { outcome, message, decidedAt } = await decisionState(client, workflowId);
  return `the decision has ended${decidedAt ? ` ${localTime(decidedAt)}` : ''}: ${outcome ?? 'from outside'}${message ? `: ${message}` : ''}`;
}

/** Says what came of it; returns the exit code. `deadline` and `sentAt`: whether it was late only on its way. */
export function printCast(io: Io, cast: Cast, { run, deadline, sentAt }: { run: string; deadline: string; sentAt: string }): number {
  io.out(cast.message.replace(/^(?!counted|not counted)/, cast.counted ? 'counted: ' : 'not counted: '));
  const arrived = io.now().toISOString();
  if (!cast.counted && sentAt < deadline && arrived >= deadline) io.talk(`late: sent ${sentAt}, before the deadline ${deadline}, it reached the decision after it; a vote counts by when it gets there`);
  if (cast.outcome === 'approved') io.talk(`next: runbook watch ${run}`);
  return cast.counted ? EXIT.yes : EXIT.no;
}

/** The request a signed text names, and the run it is for. */
export function readVoteText(text: string, file: string): { request: string; namespace: string; run: string } {
  const named = /^request (\S+) in namespace (\S+)\r?$/m.exec(text);
  const verdict = /^I (?:approve|reject) (\S+): /m.exec(text);
  if (named && verdict && /^[A-Za-z0-9-]{1,100}$/.test(named[1]!)) return { request: named[1]!, namespace: named[2]!, run: verdict[1]! };
  throw refusal([{ what: file, expected: 'a text of runbook show RUN --to-sign, as it was signed', got: 'one that names no request', wayOut: 'runbook vote TEXT_FILE SIG_FILE: the text first, its signature second' }]);
}
