/** Decisions: the open one of a run, and whether it is about what was named. */
import type { Client } from '@temporalio/client';
import { factsProblem } from '../../policy/approval-text.js';
import { formatEnvironment, parseWorkflowId, shortIdOf } from '../../policy/ids.js';
import type { DecisionState } from '../../policy/model-approval.js';
import type { Objection } from '../../policy/model.js';
import { decisionQuery, statusQuery } from '../../workflows/messages.js';
import type { Instance } from './instance.js';
import { couldNotTell, refusal } from './io.js';
import { findWorkflowId } from './runs.js';

/** Workflow id of a decision by its request. */
export const decisionId = (request: string): string => `decision/${request}`;

/** A control worker answers in milliseconds, after a restart in a second or two. */
const ANSWER_LIMIT_MS = 5_000;

export interface KnownDecision {
  run: string;
  workflowId: string;
  state: DecisionState;
}

/** The decision a run waits for, or the last it had. Refuses one that is not about this run. */
export async function decisionOf(instance: Instance, client: Client, named: string): Promise<KnownDecision> {
  const runWorkflowId = await findWorkflowId(instance, client, named);
  const run = shortIdOf(runWorkflowId) ?? named;
  const status = await answerOf(run, client.withDeadline(Date.now() + ANSWER_LIMIT_MS, () => client.workflow.getHandle(runWorkflowId).query(statusQuery)));
  if (!status.decision) throw refusal([{ what: `run ${run}`, expected: 'one that waits for a decision', got: status.outcome ? `${status.outcome}: ${status.message}` : 'one that asks nobody now', wayOut: 'runbook inbox lists what waits' }]);
  const { workflowId } = status.decision;
  const state = await decisionState(client, workflowId);
  const objections = mismatches(state, { run, runWorkflowId, workflowId, namespace: instance.namespace });
  if (objections.length > 0) throw refusal(objections);
  return { run, workflowId, state };
}

/** Where a decision stands, also one that has ended. */
export const decisionState = (client: Client, workflowId: string): Promise<DecisionState> =>
  answerOf(workflowId, client.withDeadline(Date.now() + ANSWER_LIMIT_MS, () => client.workflow.getHandle(workflowId).query(decisionQuery)));

function answerOf<T>(what: string, asked: Promise<T>): Promise<T> {
  return asked.catch((error: Error) => {
    if (error.name === 'WorkflowNotFoundError') throw refusal([{ what, expected: 'one that the server knows', got: 'none of that name there', wayOut: 'runbook inbox lists what waits; runbook list what was' }]);
    throw couldNotTell(what, 'an answer of the control worker', error.message, 'runbook doctor; the same again when it is back');
  });
}

/**
 * Whether the facts that would be signed are of the run that was named: the server's answer is no reason to sign for another
 * host, and lines of another plan are none to sign this one.
 */
export function mismatches({ request: { facts, lines } }: DecisionState, named: { run: string; runWorkflowId: string; workflowId: string; namespace: string }): Objection[] {
  const of = parseWorkflowId(named.runWorkflowId);
  const unclear = factsProblem(facts);
  const pairs: [string, string, string][] = [
    ['run', named.run, facts.run],
    ['request', named.workflowId, decisionId(facts.request)],
    ['namespace', named.namespace, facts.namespace],
    ...(of ? [['environment', formatEnvironment(of.env), formatEnvironment(facts.env)] as [string, string, string]] : []),
    ...planPairs(facts.planDigest, facts.to, lines),
  ];
  if (unclear !== null) pairs.push(['text', 'one that can be read in one way', unclear]);
  return pairs.filter(([, expected, got]) => expected !== got).map(([what, expected, got]) => ({ what: `${what} of the decision of ${named.run}`, expected, got, wayOut: 'sign nothing; tell whoever runs the control worker' }));
}

/** The first line of a plan names its digest, the second its versions; see `planText`. */
function planPairs(digest: string | null, to: string, lines: string[]): [string, string, string][] {
  if (digest === null || lines.length === 0) return [];
  const shown = /^plan ([0-9a-f]{8}) /.exec(lines[0]!)?.[1] ?? 'none';
  const version = / → (\S+)/.exec(lines[1] ?? '')?.[1] ?? 'none';
  return [['plan shown', digest.slice(0, 8), shown], ['version shown', to, version]];
}
