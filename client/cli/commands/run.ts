import type { Command } from 'commander';
import type { ChangeRequest, Plan, RunResult } from '../../../policy/model.js';
import { NO_PLAN_YET } from '../../../policy/names.js';
import type { PlanAnswer } from '../../../workflows/plan-change.js';
import { askerFor, askOptions, permissionWords, signRequest, stagesFor, type AskOptions } from '../asking.js';
import { detached, detachOnInterrupt } from '../detach.js';
import { readPolicy } from '../files.js';
import { follow, headLine, printEnd } from '../follow.js';
import { findInstance, type Instance } from '../instance.js';
import { CliError, EXIT, refusal, type Io } from '../io.js';
import { signQuestion } from '../identity.js';
import { changeRequest, exceptionOptions, readDigest, readKind, type ChangeWords } from '../request.js';
import { startRun } from '../runs.js';
import { withClient } from '../temporal.js';
import { readTarget } from '../target.js';
import { voterTeller } from '../voters.js';
import { tilde } from '../words.js';
import { askForPlan, printEndPlace, printPlan } from './plan.js';
import { askForReview, refuseFrom } from './run-review.js';

export interface RunOptions extends ChangeWords, AskOptions {
  detach?: boolean;
  json?: boolean;
  /** Of an interpreter change. */
  from?: string;
  /** Without the plan in words and what comes next: the demo tells them its own way. */
  brief?: boolean;
}

/** `runbook run KIND TARGET`: shows the plan, asks, starts, follows. */
export function runCommand(program: Command, io: Io): void {
  askOptions(exceptionOptions(program.command('run <kind> <target>')))
    .option('--to <version>', 'interpreter to change to; default: the policy\'s')
    .option('--from <version>', 'interpreter-change: the version that is to be replaced')
    .option('--reason <text>', 'why; it stands in the record')
    .option('--create', 'make an environment where there is none yet')
    .option('--yes', 'agree to the plan without being asked')
    .option('--plan <digest>', 'with --yes: agree to this plan only (first 8 characters or more)')
    .option('--detach', 'start it and leave')
    .option('--json', 'the result as JSON')
    .addHelpText('after', '\nExamples:\n  runbook run change .\n  runbook run fallback /srv/pricer --reason "numpy has no wheel"\n  runbook run change . --yes --plan 9c41d2e7 --json\n  runbook run exception web-01:/srv/pricer --to 3.13.9 --hours 24 --ground security-vulnerability --reason CVE-2026-12345\n  runbook run interpreter-change web-01:/srv/pricer,web-02:/srv/pricer --from 3.12.x --to 3.13.x --reason "3.13 is ready"')
    .action(async (rawKind: string, rawTarget: string, options: RunOptions) => {
      const instance = findInstance();
      if (rawKind === 'interpreter-change') return void (process.exitCode = await askForReview(io, instance, rawTarget, options));
      const kind = readKind(rawKind);
      refuseFrom(kind, options.from);
      const env = readTarget(rawTarget, instance);
      readDigest(options.plan, `runbook plan ${kind} ${rawTarget}`);
      const { request, workflowId } = changeRequest(instance, kind, env, options);
      process.exitCode = await carryOut(io, instance, request, workflowId, options);
    });
}

/** Plans, asks, starts and follows; returns the exit code. */
export async function carryOut(io: Io, instance: Instance, given: ChangeRequest, workflowId: string, options: RunOptions): Promise<number> {
  const json = options.json ?? false;
  const stages = stagesFor(readPolicy(instance.paths).policy, given.kind, given.env);
  const asker = await askerFor(io, instance, stages, options);
  const request = asker ? { ...given, requester: asker.person } : given;
  return withClient(instance, async (client) => {
    const answer = await askForPlan(client, instance, request);
    const canStart = !answer.refused && (answer.plan !== null || canClimb(answer));
    if (!canStart || !json) {
      const code = printPlan(io, answer, json, options.brief);
      if (!canStart) return code;
      printEndPlace(io, instance, request);
    }
    const digest = answer.plan?.digest ?? NO_PLAN_YET;
    if (options.plan !== undefined && !digest.startsWith(options.plan)) throw refusal([{ what: 'the plan agreed to', expected: options.plan, got: digest.slice(0, 12), wayOut: 'look at the new plan above' }]);
    if (answer.plan && answer.alreadyThere && request.kind === 'change' && !request.rebuild) return notNeeded(io, request, answer.plan, json);
    if (!options.yes && !(await agreed(io, asker ? signQuestion('Sign and ask', asker) : question(request, digest), digest))) return EXIT.no;
    // Who said yes to whatever the plan is has no plan to be asked for again.
    const agreedTo = { ...request, planDigest: answer.plan || !options.yes ? digest : null };
    await startRun(client, request.kind, workflowId, asker ? { ...agreedTo, asked: await signRequest(io, instance, asker, agreedTo, workflowId) } : agreedTo);
    if (!json) io.talk(headLine(request, answer.plan ? `${answer.plan.present?.version ?? 'nothing'} → ${answer.plan.interpreter.version}  ${permissionWords(stages)}` : 'tries what is left; changes no environment without a plan'));
    if (options.detach) return detached(io, request.run, json);
    const stop = detachOnInterrupt(io, request.run);
    const result = await follow({ io, client, workflowId, json, withVoters: voterTeller(instance, io.now) });
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

async function agreed(io: Io, asked: string, digest: string): Promise<boolean> {
  if (!io.interactive) throw new CliError(EXIT.badInput, ['refused: nobody to ask: expected --yes where there is no terminal, got neither', `  try: the same words with --yes${digest === NO_PLAN_YET ? '' : ` --plan ${digest.slice(0, 8)}`}`, 'nothing was started']);
  if (await io.ask(asked)) return true;
  io.talk('nothing was started');
  return false;
}
