import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import { CONTROL_QUEUE } from '../../../policy/names.js';
import type { ChangeRequest } from '../../../policy/model.js';
import type { PlanAnswer } from '../../../workflows/plan-change.js';
import { endLines } from '../end-placed.js';
import { readPolicy } from '../files.js';
import { findInstance, type Instance } from '../instance.js';
import { couldNotTell, EXIT, refusal, type Io } from '../io.js';
import { changeRequest, exceptionOptions, readKind, type ChangeWords } from '../request.js';
import { printLitter } from '../litter.js';
import { requireAgent, requireControlWorker, withClient } from '../temporal.js';
import { readTarget } from '../target.js';
import { showReview } from '../review.js';
import { tilde } from '../words.js';

/** `runbook plan KIND TARGET`: what would be done, and nothing more. */
export function planCommand(program: Command, io: Io): void {
  exceptionOptions(program.command('plan <kind> <target>'))
    .option('--to <version>', 'interpreter to change to (3.12, 3.11.13); default: the policy\'s')
    .option('--from <version>', 'interpreter-change: the version that is to be replaced')
    .option('--reason <text>', 'why; an exception needs it')
    .option('--create', 'plan an environment where there is none yet')
    .option('--json', 'the whole plan as JSON')
    .addHelpText('after', '\nExamples:\n  runbook plan change .\n  runbook plan fallback web-01:/srv/pricer')
    .action(async (kind: string, target: string, options: ChangeWords & { from?: string; json?: boolean }) => {
      const instance = findInstance();
      if (kind === 'interpreter-change') return showReview(io, instance, target, options);
      const env = readTarget(target, instance);
      const { request } = changeRequest(instance, readKind(kind), env, options);
      const answer = await withClient(instance, (client) => askForPlan(client, instance, request));
      process.exitCode = printPlan(io, answer, options.json ?? false);
      if (!options.json) printEndPlace(io, instance, request);
      if (!answer.refused && answer.alreadyThere) io.talk('the environment already is what this plan makes: a run would end as not-needed');
    });
}

/** How long a plan may take, in milliseconds: the index may be slow, a person waits. */
const PLAN_LIMIT_MS = 120_000;

/** Asks the host for a plan. Nothing is changed by it. */
export async function askForPlan(client: Client, instance: Instance, request: ChangeRequest): Promise<PlanAnswer> {
  await Promise.all([requireControlWorker(client, instance.namespace, CONTROL_QUEUE), requireAgent(client, instance.namespace, request.env.host)]);
  const planning = client.workflow.execute('planChange', {
    workflowId: `plan/${request.env.host}/${encodeURIComponent(request.env.link)}/${request.run}-${Date.now()}`,
    taskQueue: CONTROL_QUEUE,
    args: [request],
    workflowExecutionTimeout: PLAN_LIMIT_MS,
    staticSummary: `plan of ${request.kind} for ${request.requester}`,
  }) as Promise<PlanAnswer>;
  return planning.catch((error: unknown) => {
    throw planFailure(error, request);
  });
}

interface FailureLike {
  message: string;
  type?: string;
  details?: unknown[];
  cause?: FailureLike;
}

/** The host's own refusal, in its words; anything else is "could not tell". */
function planFailure(error: unknown, request: ChangeRequest): Error {
  let cause = error as FailureLike;
  while (cause.cause) cause = cause.cause;
  const objections = cause.details?.[0];
  if (Array.isArray(objections)) return refusal(objections as never);
  return couldNotTell(`the plan of ${request.env.link}`, `an answer of ${request.env.host}`, cause.message, 'runbook doctor');
}

/** Of an exception: where its end would fall. */
export function printEndPlace(io: Io, instance: Instance, { kind, hours }: ChangeRequest): void {
  if (kind !== 'exception' || hours === undefined) return;
  for (const line of endLines(readPolicy(instance.paths).policy, hours, io.now())) io.out(line);
}

/** Prints the plan or why there is none; returns the exit code. */
export function printPlan(io: Io, answer: PlanAnswer, json: boolean, brief = false): number {
  if (json) io.out(JSON.stringify(answer, null, 2));
  if (answer.refused) {
    if (!json) throw refusal(answer.refused);
    return EXIT.badInput;
  }
  if (json) return answer.plan || answer.decision?.decision === 'not-needed' ? EXIT.yes : EXIT.no;
  printVerdicts(io, answer);
  if (!brief) for (const line of answer.lines) io.out(tilde(line));
  for (const { rung, why } of answer.ladder?.rungs ?? []) io.out(`  ${rung}: ${why}`);
  if (answer.litter) printLitter(io, answer.litter);
  const undecided = !answer.plan && answer.decision?.decision !== 'not-needed';
  return undecided ? EXIT.no : EXIT.yes;
}

function printVerdicts(io: Io, answer: Exclude<PlanAnswer, { refused: object[] }>): void {
  for (const verdict of answer.verdicts) {
    const words = verdict.error ? `could not tell: ${verdict.error.class}` : verdict.missing.length === 0 ? `has all ${verdict.pins.length}` : `${verdict.missing.length} of ${verdict.pins.length} have no wheel: ${verdict.missing.join(' ')}`;
    io.out(`${verdict.version}: ${words}`);
  }
}
