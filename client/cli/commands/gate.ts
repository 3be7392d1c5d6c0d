import type { Command } from 'commander';
import { gateExitCode } from '../../../policy/checks/gate.js';
import type { GateVerdict } from '../../../policy/checks/results.js';
import type { Objection } from '../../../policy/model.js';
import { oneLine } from '../../../policy/text.js';
import { verificationLines } from '../check-output.js';
import { checkOptions, policyWords, readCheckTarget, type CheckOptions, type CheckTarget } from '../checking.js';
import { runDeployment } from '../deployment.js';
import { judgeGate, type GateResult } from '../gating.js';
import { findInstance, type Instance } from '../instance.js';
import { EXIT, refusal, type Io } from '../io.js';
import { placeOf } from '../words.js';
import { gateAcceptCommand } from './gate-accept.js';
import { preflightLines } from './preflight.js';

interface GateOptions extends CheckOptions {
  json?: boolean;
}

/** `runbook gate [PATH] [-- CMD…]`: may this be deployed? Then CMD, and only then (CI-10, CI-11, DIS-05). */
export function gateCommand(program: Command, io: Io): void {
  const gate = checkOptions(program.command('gate [path] [command...]'));
  // Only now is it known what was typed: after `--` it is a command, whatever its name.
  program.hook('preSubcommand', (_program, sub) => {
    if (sub === gate && (!typedWords(program).includes('--') || beforeDashes(program).includes('accept'))) gateAcceptCommand(gate, io);
  });
  gate
    .option('--json', 'both reports and the verdict as JSON')
    .addHelpText('after', '\nExit code: 0 it may go on; 1 blocked; 3 waits for a person who accepts the warnings; 64, 69 as ever. With a command that was run: the command\'s own.\n\nExamples:\n  runbook gate /srv/pricer\n  runbook gate /srv/pricer -- /usr/local/bin/deploy pricer\n  runbook gate accept /srv/pricer --digest 4be1… --reason "known since Monday"')
    .action(async (first: string | undefined, rest: string[], options: GateOptions) => {
      const { path, command } = gateWords(program, [...(first === undefined ? [] : [first]), ...rest]);
      const instance = findInstance();
      process.exitCode = await carryOut(io, instance, { target: readCheckTarget(path, instance, 'gate'), command }, options);
    });
}

/** What stands before `--` is the path, what stands after it the command. */
function gateWords(program: Command, words: string[]): { path: string; command: string[] } {
  const command = typedWords(program).slice(beforeDashes(program).length + 1);
  const before = words.slice(0, words.length - command.length);
  if (before.length > 1) throw refusal([{ what: 'gate', expected: 'one path, and a command after --', got: before.join(' '), wayOut: `runbook gate ${before[0]} -- ${before.slice(1).join(' ')}` }]);
  return { path: before[0] ?? '.', command };
}

const typedWords = (program: Command): string[] => (program as unknown as { rawArgs: string[] }).rawArgs;

function beforeDashes(program: Command): string[] {
  const typed = typedWords(program);
  const at = typed.indexOf('--');
  return at === -1 ? typed : typed.slice(0, at);
}

async function carryOut(io: Io, instance: Instance, { target, command }: { target: CheckTarget; command: string[] }, options: GateOptions): Promise<number> {
  const { env, ...result } = await judgeGate(instance, target, options);
  const say = options.json ? io.talk : io.out;
  if (!options.json) for (const line of gateLines(result)) io.out(line);
  tellVerdict({ ...io, out: say }, result.gate, `runbook gate accept ${placeOf(env, instance.host)} --digest`, policyWords(options));
  const code = gateExitCode(result.gate);
  const ran = code === EXIT.yes && command.length > 0 ? await runDeployment(command, options.json === true) : null;
  if (options.json) io.out(JSON.stringify({ ...result, exitCode: ran ?? code, command: ran === null ? null : { argv: command, exitCode: ran } }, null, 2));
  if (ran !== null) say(ran === 0 ? 'deployment completed' : `deployment failed: ${command[0]} ended with ${ran}`);
  return ran ?? code;
}

const gateLines = ({ preflight: report, verification }: Omit<GateResult, 'env'>): string[] => ['preflight', ...preflightLines(report), '', 'verification', ...verificationLines(verification), ''];

function tellVerdict(io: Io, gate: GateVerdict, accept: string, policy: string): void {
  if (gate.verdict === 'pass') {
    io.out(`gate passed${gate.notice === null ? '' : `: ${oneLine(gate.notice, 1000)}`}`);
    return;
  }
  if (gate.verdict === 'block') {
    io.out(`deployment blocked by ${gate.objections.map(({ what }) => what).join(', ')}`);
    for (const line of verifierWays(gate.objections)) io.out(line);
    return;
  }
  io.out(`waits for a person: ${oneLine(gate.notice, 1000)}`);
  io.out(`  ${accept} ${gate.warningsDigest} --reason …${policy}`);
}

/** The checks of preflight have theirs below their own lines. */
function verifierWays(objections: readonly Objection[]): string[] {
  const ways = new Set(objections.filter(({ what }) => what.startsWith('verification')).map(({ wayOut }) => wayOut));
  return [...ways].flatMap((wayOut) => wayOut.split('\n').map((line, at) => `  ${at === 0 ? 'try: ' : '     '}${line}`));
}
