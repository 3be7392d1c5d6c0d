/** A real change of the example, with and without an approval to wait for, and its undo: when it was entitled to begin, and when it began. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { openRecordsReadOnly } from '../records/store.js';
import type { PlanAnswer } from '../workflows/plan-change.js';
import { statusQuery } from '../workflows/messages.js';
import type { Board } from './board.js';
import { eventsOf } from './histories.js';
import type { Stack } from './stack.js';
import { beginOf, lastVote, type Begin, type VoteTimes } from './vote-times.js';

export interface ChangeInput {
  stack: Stack;
  client: Client;
  board: Board;
  project: string;
  /** Version to change to. */
  to: string;
}

const approvals = (change: number): object => ({ defaultClass: { approvals: { change }, publicIndex: true } });

/** Exit code of a run that goes on without the command. */
const WAITING = 3;

/** The plan of such a change, as it stands. */
export async function planned({ stack, project, to }: ChangeInput): Promise<Extract<PlanAnswer, { refused: null }>> {
  const { stdout } = await stack.cli(['plan', 'change', project, '--to', to, '--json']);
  const answer = JSON.parse(stdout) as PlanAnswer;
  if (answer.refused || !answer.plan) throw new Error(`the plan of ${project}: expected one, got ${stdout.slice(0, 500)}`);
  return answer;
}

/** A class of hosts that asks nobody. */
export async function changeUnasked(input: ChangeInput): Promise<Begin> {
  const { stack, client, project, to } = input;
  stack.setPolicy(approvals(0));
  const { stdout } = await stack.cli(['run', 'change', project, '--to', to, '--reason', 'benchmark', '--yes', '--json']);
  const { run } = JSON.parse(stdout) as { run: string };
  const begin = beginOf(await eventsOf(client.workflow.getHandle(workflowIdOf(stack, run))));
  await stack.cli(['undo', project, '--reason', 'benchmark', '--json']);
  return begin;
}

/** A class of hosts that asks one of the CAB, who votes as soon as the question is there. */
export async function changeAsked(input: ChangeInput): Promise<Begin & VoteTimes> {
  const { stack, client, board, project, to } = input;
  stack.setPolicy(approvals(1));
  const digest = (await planned(input)).plan!.digest.slice(0, 12);
  const agreed = ['--yes', '--plan', digest, '--json'];
  const { stdout } = await stack.cli(['run', 'change', project, '--to', to, '--reason', 'benchmark', ...agreed, '--key', board.keyFile('bob'), '--detach'], [WAITING]);
  const { run } = JSON.parse(stdout) as { run: string };
  const decision = await decisionOf(stack, client, run);
  await stack.cli(['approve', run, ...agreed, '--key', board.keyFile('alice')]);
  await stack.cli(['watch', run]);
  const times = { ...beginOf(await eventsOf(client.workflow.getHandle(workflowIdOf(stack, run)))), ...lastVote(await eventsOf(client.workflow.getHandle(decision))) };
  await stack.cli(['undo', project, '--reason', 'benchmark', '--json']);
  return times;
}

function workflowIdOf(stack: Stack, run: string): string {
  const records = openRecordsReadOnly(stack.paths.recordsDb);
  try {
    const found = records.run(run);
    if (!found) throw new Error(`run ${run}: expected it on record, it is not`);
    return found.workflowId;
  } finally {
    records.close();
  }
}

/** Workflow id of the decision a run waits for, once it does. */
async function decisionOf(stack: Stack, client: Client, run: string): Promise<string> {
  for (let tries = 0; tries < 600; tries++) {
    const workflowId = await Promise.resolve().then(() => workflowIdOf(stack, run)).catch(() => null);
    const state = workflowId && (await client.workflow.getHandle(workflowId).query(statusQuery));
    if (state && state.decision) return state.decision.workflowId;
    if (state && state.outcome) throw new Error(`run ${run}: expected it to ask, got ${state.outcome}: ${state.message}`);
    await pause(50);
  }
  throw new Error(`run ${run}: expected it to ask within 30 s, it did not`);
}
