import type { Command } from 'commander';
import type { ChangeRequest, Plan, RunResult } from '../../../policy/model.js';
import { NO_PLAN_YET } from '../../../policy/names.js';
import type { PlanAnswer } from '../../../workflows/plan-change.js';
import { follow, headLine, printEnd } from '../follow.js';
import { findInstance, type Instance } from '../instance.js';
import { CliError, EXIT, refusal, type Io } from '../io.js';
import { changeRequest, readDigest, readKind } from '../request.js';
import { startRun } from '../runs.js';
import { withClient } from '../temporal.js';
import { readTarget } from '../target.js';
import { tilde } from '../words.js';
import { askForPlan, printPlan } from './plan.js';

export interface RunOptions {
  to?: string;
  reason?: string;
  create?: boolean;
  yes?: boolean;
  plan?: string;
  detach?: boolean;
  json?: boolean;
  /** Without the plan in words and what comes next: the demo tells them its own way. */
  brief?: boolean;
}

/** `runbook run KIND TARGET`: shows the plan, asks, starts, follows. */
export function runCommand(program: Command, io: Io): void {
  program
    .command('run <kind> <target>')
    .option('--to <version>', 'interpreter to change to; default: the policy\'s')
    .option('--reason <text>', 'why; it stands in the record')
    .option('--create', 'make an environment where there is none yet')
    .option('--yes', 'agree to the plan without being asked')
    .option('--plan <digest>', 'with --yes: agree to this plan only (first 8 characters or more)')
    .option('--detach', 'start it and leave')
    .option('--json', 'the result as JSON')
    .addHelpText('after', '\nExamples:\n  runbook run change .\n  runbook run fallback /srv/pricer --reason "numpy has no wheel"\n  runbook run change . --yes --plan 9c41d2e7 --json')
    .action(async (rawKind: string, rawTarget: string, options: RunOptions) => {
      const instance = findInstance();
      const kind = readKind(rawKind);
      const env = readTarget(rawTarget, instance);
      readDigest(options.plan, `runbook plan ${kind} ${rawTarget}`);
      const { request, workflowId } = changeRequest(instance, kind, env, options);
      process.exitCode = await carryOut(io, instance, request, workflowId, options);
    });
}

/** Plans, asks, starts and follows; returns the exit code. */
export function carryOut(io: Io, instance: Instance, request: ChangeRequest, workflowId: string, options: RunOptions): Promise<number> {
  const json = options.json ?? false;
  return withClient(instance, async (client) => {
    const answer = await askForPlan(client, instance, request);
    const canStart = !answer.refused && (answer.plan !== null || canClimb(answer));
    if (!canStart || !json) {
      const code = printPlan(io, answer, json, options.brief);
      if (!canStart) return code;
    }
    const digest = answer.plan?.digest ?? NO_PLAN_YET;
    if (options.plan !== undefined && !digest.startsWith(options.plan)) throw refusal([{ what: 'the plan agreed to', expected: options.plan, got: digest.slice(0, 12), wayOut: 'look at the new plan above' }]);
    if (answer.plan && answer.alreadyThere && request.kind === 'change' && !request.rebuild) return notNeeded(io, request, answer.plan, json);
    if (!options.yes && !(await agreed(io, request, digest))) return EXIT.no;
    // Who said yes to whatever the plan is has no plan to be asked for again.
    await startRun(client, request.kind, workflowId, { ...request, planDigest: answer.plan || !options.yes ? digest : null });
    if (!json) io.talk(headLine(request, answer.plan ? `${answer.plan.present?.version ?? 'nothing'} → ${answer.plan.interpreter.version}  (policy: pre-approved)` : 'tries what is left; changes no environment without a plan'));
    if (options.detach) return detached(io, request.run, json);
    const stop = detachOnInterrupt(io, request.run);
    const result = await follow({ io, client, workflowId, json });
    stop();
    return printEnd(io, result, { instance, workflowId, json, brief: options.brief ?? false });
  });
}

/** What stands is what the plan would make, by its seal and its manifest: nothing is asked and nothing started. */
function notNeeded(io: Io, { kind, env }: ChangeRequest, plan: Plan, json: boolean): number {
  const { version } = plan.interpreter;
  const message = `${env.link} already is ${version} with this lock, as sealed; nothing was started`;
  // As a run's result, but that there was none.
  const result: Omit<RunResult, 'run'> & { run: null } = { run: null, kind, env, outcome: 'not-needed', message, from: version, to: version, planDigest: plan.digest, steps: [], objections: [] };
  io.out(json ? JSON.stringify(result, null, 2) : tilde(`${result.outcome}: ${message}`));
  return EXIT.yes;
}

/** No interpreter has all wheels, and something is left to try beyond saying which part installs. */
const canClimb = ({ ladder }: Extract<PlanAnswer, { refused: null }>): boolean => ladder?.rungs.some(({ rung }) => rung !== 'subset') ?? false;

/** What is asked, by what is at stake. */
function question({ rebuild, requester }: ChangeRequest, digest: string): string {
  if (digest === NO_PLAN_YET) return `Try these as ${requester}? No environment is changed;`;
  return `${rebuild ? 'Build it anew' : 'Start'} as ${requester}?`;
}

async function agreed(io: Io, request: ChangeRequest, digest: string): Promise<boolean> {
  if (!io.interactive) throw new CliError(EXIT.badInput, ['refused: nobody to ask: expected --yes where there is no terminal, got neither', `  try: the same words with --yes${digest === NO_PLAN_YET ? '' : ` --plan ${digest.slice(0, 8)}`}`, 'nothing was started']);
  if (await io.ask(question(request, digest))) return true;
  io.talk('nothing was started');
  return false;
}

function detached(io: Io, run: string, json: boolean): number {
  io.out(json ? JSON.stringify({ run }) : run);
  return EXIT.waiting;
}

/** Ctrl-C leaves the run alone, and says so. */
export function detachOnInterrupt(io: Io, run: string): () => void {
  const leave = () => {
    io.talk(`\ndetached; ${run} goes on`);
    io.talk(`next: runbook watch ${run} · runbook abort ${run} --reason …`);
    process.exit(EXIT.waiting);
  };
  process.once('SIGINT', leave);
  return () => void process.removeListener('SIGINT', leave);
}
