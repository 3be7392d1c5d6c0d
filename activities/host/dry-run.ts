/** One attempt that installs nothing: exactly these requirements, from wheels alone, into nowhere (WF-08, WF-14, WF-16). */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { addedByPipLog } from '../../policy/installer-text.js';
import type { Interpreter, Owner } from '../../policy/model.js';
import { normalizeProjectName } from '../../policy/project-name.js';
import { askAgainIfEnded, signalAsCode } from './command-failed.js';
import { runCommand } from './command.js';
import type { CommandResult } from './command.js';
import type { Guard, HostContext, StepScope } from './context.js';
import { readHead } from './evidence-file.js';
import { PIP_ALWAYS, pipEnvironment, pipIndexArgs, uvEnvironment, uvIndexArgs } from './index-flags.js';
import { pipFor, takePipLog } from './installers/pip-command.js';
import { writeRunFile } from './run-files.js';
import type { UvTool } from './tools.js';

/** What every attempt of one diagnosis shares. */
export interface DryRunPlace {
  ctx: HostContext;
  step: StepScope;
  owner: Owner;
  interpreter: Interpreter;
  /** Of `ownerCache`. */
  cacheDir: string;
  /** Short id of the run. */
  run: string;
  /** Folder of the owner's own, thrown away afterwards. */
  scratch: string;
  guard: Guard;
}

export interface DryRun {
  tool: 'uv' | 'pip';
  failed: boolean;
  exitCode: number | null;
  /** What the rules read; for pip with what its log adds. */
  text: string;
  /** Whole output, with pip's log; for the evidence file. */
  output: string;
  /** What would be installed: parsed, never counted by lines (DEF-08). */
  packages: { project: string; version: string }[];
}

export interface DryRunner {
  tool: 'uv' | 'pip';
  /** @param requirements `NAME==VERSION`, with hashes; or a bare name, which asks for any version. */
  run(requirements: string[]): Promise<DryRun>;
}

/** An index that is silent is given up by the tools themselves before. */
const TIMEOUT_MS = 180_000;

/** What uv says where it may not ask the index and does not know the answer. */
const NOT_CACHED = /network was disabled|not found in the cache/i;

/**
 * uv. `--target` asks about nothing that is installed, and never about the system's Python. What the first call read of the
 * index answers the later ones (20 to 80 ms instead of 250, where the index forbids caching); what it did not is asked for.
 */
export function uvDryRunner(place: DryRunPlace, uv: UvTool): DryRunner {
  const { ctx, interpreter, cacheDir, scratch } = place;
  const flags = ['--dry-run', '--no-deps', '--only-binary', ':all:', '--target', join(scratch, 'nothing'), '--python', interpreter.realpath, ...uvIndexArgs(ctx)];
  const once = async (requirements: string[], ...more: string[]): Promise<DryRun> => {
    const { result, output } = await attempt(place, requirements, (file) => ({ file: uv.file, args: ['pip', 'install', '-v', ...more, ...flags, '-r', file], env: uvEnvironment(ctx, join(cacheDir, 'uv')) }));
    const packages = [...output.matchAll(/^ \+ ([A-Za-z0-9._-]+)==(\S+)$/gm)].map(([, name, version]) => ({ project: normalizeProjectName(name!), version: version! }));
    return dryRun('uv', result, output, output, packages);
  };
  let isFirst = true;
  return {
    tool: 'uv',
    async run(requirements) {
      const known = isFirst ? null : await once(requirements, '--offline');
      isFirst = false;
      return known && !NOT_CACHED.test(known.text) ? known : once(requirements);
    },
  };
}

/** pip: half a second and more a call, and it fetches what it would install. Its log holds what it leaves out of its output. */
export async function pipDryRunner(place: DryRunPlace): Promise<DryRunner> {
  const { ctx, owner, interpreter, cacheDir, scratch } = place;
  const pip = await pipFor(ctx, owner, interpreter.realpath, interpreter.realpath);
  return {
    tool: 'pip',
    async run(requirements) {
      const log = join(scratch, `pip-${randomBytes(8).toString('hex')}.log`);
      const report = join(scratch, `report-${randomBytes(8).toString('hex')}.json`);
      const flags = ['--dry-run', '--ignore-installed', '--no-deps', '--only-binary=:all:', '--report', report, '--cache-dir', join(cacheDir, 'pip'), '--log', log, ...pipIndexArgs(ctx)];
      const { result, output } = await attempt(place, requirements, (file) => ({ file: pip.file, args: [...pip.args, 'install', ...PIP_ALWAYS, ...flags, '-r', file], env: pipEnvironment(ctx) }));
      const logged = takePipLog(log, owner);
      const packages = result.failed ? [] : reported(takePipLog(report, owner));
      return dryRun('pip', result, `${addedByPipLog(logged)}\n${output}`, `${output}\n${logged}`, packages);
    },
  };
}

interface Command {
  file: string;
  args: string[];
  env: Record<string, string>;
}

/** Requirements go in by a file: no name is ever an argument. Throws what canceled the step, and for an installer that others ended. */
async function attempt(place: DryRunPlace, requirements: string[], command: (requirements: string) => Command): Promise<{ result: CommandResult; output: string }> {
  const { ctx, step, owner, guard, run, scratch } = place;
  const id = randomBytes(6).toString('hex');
  const file = writeRunFile(ctx, run, `dry-run-${id}.txt`, requirements.map((line) => `${line}\n`).join(''));
  const outputPath = `${file}.log`;
  try {
    const result = await runCommand({ ...command(file), cwd: scratch, owner, timeoutMs: TIMEOUT_MS, outputPath, nice: ctx.agentFile.limits.nice, guard, scope: step });
    if (result.isCanceled) throw step.signal.reason;
    askAgainIfEnded('an attempt that installs nothing', result, step);
    return { result, output: readHead(outputPath) };
  } finally {
    rmSync(file, { force: true });
    rmSync(outputPath, { force: true });
  }
}

function dryRun(tool: 'uv' | 'pip', result: CommandResult, said: string, output: string, packages: DryRun['packages']): DryRun {
  const late = result.timedOut ? `\noperation timed out: no answer within ${TIMEOUT_MS / 1000} s\nERROR: Read timed out. No matching distribution found` : '';
  const notStarted = result.spawnError === null ? '' : `\n${result.spawnError}`;
  return { tool, failed: result.failed, exitCode: result.failed ? (signalAsCode(result) ?? 1) : 0, text: `${withoutFrame(said)}${late}${notStarted}`, output, packages };
}

/** The command line and how it ended, which the output file has around the output, are no words of the tool's. */
const withoutFrame = (text: string): string => text.replace(/^\$ .*\n/gm, '').replace(/^\[(?:exit|canceled|time limit|SIG).*\]\n?/gm, '');

/** pip's JSON report (DEF-07). */
function reported(text: string): DryRun['packages'] {
  const { install } = JSON.parse(text) as { install: { metadata: { name: string; version: string } }[] };
  return install.map(({ metadata }) => ({ project: normalizeProjectName(metadata.name), version: metadata.version }));
}
