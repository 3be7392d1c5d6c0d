/** One proposed lock, resolved and tried: installed into a scratch tree as the owner, and imported. The tree is thrown away. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { classifyOutput } from '../../policy/failures.js';
import { parseRequirementsLock, type Pin } from '../../policy/lock.js';
import { shown } from '../../policy/mask.js';
import type { Interpreter, LockProposal } from '../../policy/model.js';
import { normalizeProjectName } from '../../policy/project-name.js';
import { askAgainIfEnded, signalAsCode } from './command-failed.js';
import { runCommand } from './command.js';
import type { CommandResult } from './command.js';
import type { HostContext, StepScope } from './context.js';
import { uvEnvironment, uvIndexArgs } from './index-flags.js';
import { asOwner } from './owner.js';
import type { ResolvedEnvironment } from './paths.js';
import { runFolder, writeRunFile } from './run-files.js';
import { inScratch, type Scratch } from './scratch.js';
import type { UvTool } from './tools.js';
import { importModules, installedPackages, modulesToImport, starter } from './tree-checks.js';
import type { InstalledPackage } from './tree-checks.js';

/** What all attempts of one call share. */
export interface Proposing {
  ctx: HostContext;
  step: StepScope;
  run: string;
  resolved: ResolvedEnvironment;
  uv: UvTool;
  interpreter: Interpreter;
  cacheDir: string;
  /** Pins whose marker holds here. */
  pins: Pin[];
  /** The others: they stay as they are. */
  elsewhere: Pin[];
}

/** A tree to try things in, with an installer. */
export interface TrialTree {
  scratch: Scratch;
  tree: string;
  /** Exactly what is named; with `needs`, the newest of what that needs too. */
  install(args: string[], needs?: boolean): Promise<CommandResult>;
}

export interface Trial {
  tried: LockProposal['tried'];
  /** Projects whose modules did not import, in the order of the failures. */
  culprits: string[];
}

/** A resolver call is one process and mostly waits for the index. */
const RESOLVE_TIMEOUT_MS = 300_000;
const INSTALL_TIMEOUT_MS = 900_000;

/** Resolves requirement lines to the lowest releases that have wheels for this interpreter, with hashes; or says why not. */
export async function resolveLock({ ctx, step, resolved, uv, interpreter, cacheDir, run }: Proposing, name: string, lines: readonly string[]): Promise<{ pins: Pin[] } | { problem: string }> {
  const result = await runCommand({
    file: uv.file,
    args: ['pip', 'compile', '--resolution', 'lowest', '--only-binary', ':all:', '--generate-hashes', '--no-annotate', '--no-header', '-q', '--python', interpreter.realpath, ...uvIndexArgs(ctx), '-'],
    cwd: '/',
    owner: resolved.owner,
    env: uvEnvironment(ctx, join(cacheDir, 'uv')),
    stdin: lines.map((line) => `${line}\n`).join(''),
    outputPath: logOf(ctx, run, name),
    timeoutMs: RESOLVE_TIMEOUT_MS,
    scope: step,
  });
  if (result.isCanceled) throw step.signal.reason;
  askAgainIfEnded('the resolver', result, step);
  if (result.failed) return { problem: problemOf(result, 'the resolver') };
  const { pins, problems } = parseRequirementsLock(result.stdout);
  const [problem] = problems;
  return problem ? { problem: `the resolver's answer: expected ${problem.expected}, got ${problem.got}` } : { pins };
}

/** Makes an empty tree beside the owner's cache (its files are links into it), lets `act` use it, and removes it. */
export async function inTrialTree<T>(all: Proposing, name: string, act: (tree: TrialTree) => Promise<T>): Promise<T> {
  const { ctx, step, run, resolved, uv, interpreter, cacheDir } = all;
  const { owner } = resolved;
  return inScratch(ctx, { parent: cacheDir, owner, work: `${run}/${name}`, make: (path) => asOwner(owner, () => mkdirSync(path, { mode: 0o755 })) }, async (scratch) => {
    const tree = join(scratch.path, 'tree');
    const start = async (args: string[]): Promise<CommandResult> => {
      const result = await runCommand({ file: uv.file, args, cwd: '/', owner, env: uvEnvironment(ctx, join(cacheDir, 'uv')), outputPath: logOf(ctx, run, name), timeoutMs: INSTALL_TIMEOUT_MS, nice: ctx.agentFile.limits.nice, guard: scratch.guard, scope: step });
      if (result.isCanceled) throw step.signal.reason;
      askAgainIfEnded('uv in a scratch tree', result, step);
      return result;
    };
    const made = await start(['venv', '--python', interpreter.realpath, '--no-project', tree]);
    if (made.failed) throw new Error(`a scratch tree: ${problemOf(made, 'uv venv')}`);
    return act({ scratch, tree, install: (args, needs = false) => start(['pip', 'install', needs ? '--upgrade' : '--no-deps', '--only-binary', ':all:', '--python', join(tree, 'bin/python'), ...uvIndexArgs(ctx), ...args]) });
  });
}

/** Installs a lock by its hashes and imports what the project imports. */
export async function tryLock(all: Proposing, name: string, lock: string): Promise<Trial> {
  const lockFile = writeRunFile(all.ctx, all.run, `propose-${name}.txt`, lock);
  return inTrialTree(all, name, async (trial) => {
    const installed = await trial.install(['--require-hashes', '-r', lockFile]);
    if (installed.failed) return { tried: { installed: false, imports: { passed: 0, total: 0 }, problem: problemOf(installed, 'the install') }, culprits: [] };
    const { imports, packages } = await importAll(all, trial);
    const [first] = imports.failures;
    return {
      tried: { installed: true, imports: { passed: imports.passed, total: imports.total }, problem: first ? `${first.module} does not import: ${shown(first.error, 300)}` : '' },
      culprits: [...new Set(imports.failures.flatMap(({ module }) => packages.filter((one) => one.modules.includes(module)).map((one) => normalizeProjectName(one.name))))],
    };
  });
}

/** Imports what a verification would, in the tree as it is. */
export async function importAll({ ctx, step, resolved }: Proposing, { tree, scratch }: TrialTree): Promise<{ imports: Awaited<ReturnType<typeof importModules>>; packages: InstalledPackage[] }> {
  const start = starter(ctx, resolved.owner, { guard: scratch.guard, scope: step });
  const packages = await installedPackages(ctx, start, tree, resolved.owner);
  return { packages, imports: await importModules(ctx, start, join(tree, 'bin/python'), modulesToImport(resolved.settings, packages, resolved.project)) };
}

const logOf = (ctx: HostContext, run: string, name: string): string => join(runFolder(ctx, run), `propose-${name}.log`);

function problemOf(result: CommandResult, what: string): string {
  if (result.spawnError !== null || result.timedOut) return `${what} ${result.spawnError ?? 'did not end in time'}`;
  const { class: kind, evidence } = classifyOutput(result.tail, 'uv', signalAsCode(result));
  return `${what} said ${kind}: ${evidence}`;
}
