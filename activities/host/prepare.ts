/** Building the new environment beside the old one: in its final place, a fresh directory for every attempt. */
import { lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import type { Warrant } from '../../policy/model-approval.js';
import type { Plan } from '../../policy/model.js';
import type { CommandFailure } from '../../policy/names.js';
import { anchorTree } from './anchor.js';
import { commandFailed, throwIfFailed } from './command-failed.js';
import { runCommand } from './command.js';
import type { CommandResult } from './command.js';
import type { Guard, HostContext, StepScope } from './context.js';
import type { Order, Prepared } from './contract.js';
import { hashedLock } from './hashed-lock.js';
import type { Installer, InstallInput } from './installers/installer.js';
import { pipInstaller } from './installers/pip.js';
import { uvInstaller } from './installers/uv.js';
import { treeInterpreter } from './interpreters.js';
import { perform } from './order.js';
import { asOwner } from './owner.js';
import { dropOwnerCache, ownerCache } from './owner-cache.js';
import { readLink, resolveEnvironment } from './paths.js';
import type { ResolvedEnvironment } from './paths.js';
import { pythonText } from './python-text.js';
import { removeTree } from './remove-tree.js';
import { runFolder, writeRunFile } from './run-files.js';
import { readSeal } from './seal.js';
import { findUv } from './tools.js';
import { requireWarrant } from './warrants.js';

interface Build {
  ctx: HostContext;
  step: StepScope;
  order: Order;
  plan: Plan;
  guard: Guard;
  resolved: ResolvedEnvironment;
  /** Tree id. */
  id: string;
  tree: string;
}

/**
 * Builds `.venvs/RUN-ATTEMPT` with exactly the plan's files, and returns once the interpreter in it reports the planned
 * version and its bytecode is compiled; before that it demands a warrant where this host checks signatures itself (`NotApproved`).
 * Fails with `CommandFailed`; what was half built is removed. A rerun of an
 * installer where it once failed can report success on a broken tree, hence a new directory for every attempt.
 */
export async function prepare(ctx: HostContext, step: StepScope, order: Order, plan: Plan, warrant?: Warrant): Promise<Prepared> {
  const started = performance.now();
  const resolved = resolveEnvironment(ctx, order.env);
  const id = `${order.run}-${step.attempt}`;
  const tree = join(resolved.venvsDir, id);
  const lock = hashedLock(plan.files);
  return perform(ctx, step, order, {
    intent: { tree: id, installer: plan.facts.installer, packages: plan.files.length },
    holds: async (receipt: Prepared) => (await treeInterpreter(ctx, receipt.path, resolved.owner)).version === plan.interpreter.version,
    async act(guard) {
      await requireWarrant(ctx, step, order, plan, warrant);
      await ctx.barrier('prepare:started');
      const build: Build = { ctx, step, order, plan, guard, resolved, id, tree };
      await clearTheWay(build);
      try {
        const installer = await buildTree(build, lock).catch((error: unknown) => buildAfresh(build, lock, error));
        await ctx.barrier('prepare:installed');
        return { id, path: tree, installer, packages: plan.files.length, asUser: resolved.owner.name, workMs: performance.now() - started };
      } catch (error) {
        await removeTree(ctx, tree, resolved.owner);
        throw error;
      }
    },
  });
}

/**
 * WF-67: a file that is damaged in the owner's cache would fail every attempt. The cache is dropped, what was half built too,
 * and all is fetched once more; any other failure is thrown as it is.
 */
async function buildAfresh(build: Build, lock: string, error: unknown): Promise<'uv' | 'pip'> {
  const { ctx, resolved, tree } = build;
  if (!(error instanceof ApplicationFailure) || (error.details?.[0] as CommandFailure | undefined)?.class !== 'WHEEL_CORRUPT') throw error;
  build.guard.commit(() => {});
  await removeTree(ctx, tree, resolved.owner);
  await dropOwnerCache(ctx, resolved.owner, resolved.project);
  return buildTree(build, lock);
}

/** Makes `.venvs`, refuses to build over anything that is complete or live, and removes what earlier attempts left half built. */
async function clearTheWay({ ctx, order, guard, resolved, id, tree }: Build): Promise<void> {
  const { owner, venvsDir } = resolved;
  const names = guard.commit(() => asOwner(owner, () => {
    mkdirSync(venvsDir, { recursive: true, mode: 0o755 });
    if (!lstatSync(venvsDir).isDirectory()) throw exists(venvsDir, 'a folder for environments', 'something else');
    return readdirSync(venvsDir);
  }));
  const ofThisRun = names.filter((name) => name.startsWith(`${order.run}-`) && /^\d+$/.test(name.slice(order.run.length + 1)));
  const live = readLink(resolved).treeId;
  for (const name of ofThisRun) {
    const path = join(venvsDir, name);
    const isKept = name === live || asOwner(owner, () => readSeal(path)) !== null;
    if (!isKept) {
      guard.commit(() => {});
      await removeTree(ctx, path, owner);
    }
    if (isKept && name === id) throw exists(tree, 'nothing, because each attempt builds in a fresh directory', name === live ? 'the live environment' : 'a complete environment');
  }
}

function exists(path: string, expected: string, got: string): Error {
  return commandFailed(path, { command: '', class: 'VENV_EXISTS', exitCode: null, timedOut: false, tail: '', remedy: `expected ${expected}, got ${got}; start the run anew` });
}

async function buildTree(build: Build, lock: string): Promise<'uv' | 'pip'> {
  const { ctx, step, order, plan, resolved, id, tree } = build;
  const { owner, project } = resolved;
  const outputPath = join(runFolder(ctx, order.run), `prepare-${step.attempt}.log`);
  const start = (command: Parameters<InstallInput['start']>[0]): Promise<CommandResult> => {
    // The token is compared again right before each child that will change the disk.
    build.guard.commit(() => {});
    return runCommand({ ...command, cwd: project, owner, timeoutMs: ctx.agentFile.limits.buildSeconds * 1000, outputPath, nice: ctx.agentFile.limits.nice, guard: build.guard, scope: step });
  };
  const installer = await chooseInstaller(build);
  const lockFile = writeRunFile(ctx, order.run, `${id}.txt`, lock);
  const input: InstallInput = { ctx, step, plan, owner, project, tree, lockFile, run: id, cacheDir: ownerCache(ctx, owner, project), start };
  await installer.createEnvironment(input);
  await assertVersion(build);
  if (plan.files.length > 0) await installer.install(input);
  // uv leaves its lock file there, writable for everybody.
  build.guard.commit(() => asOwner(owner, () => {
    rmSync(join(tree, '.lock'), { force: true });
    anchorTree(tree, plan.interpreter.version);
  }));
  await compileBytecode(input);
  return installer.name;
}

async function chooseInstaller({ ctx, plan, resolved }: Build): Promise<Installer> {
  const uv = plan.facts.installer === 'pip' ? null : await findUv(ctx, resolved.owner);
  return uv ? uvInstaller(uv) : pipInstaller;
}

/** WF-26: the version itself is what counts, not the name by which the interpreter was found. */
async function assertVersion({ ctx, plan, resolved, tree }: Build): Promise<void> {
  const { version, problem } = await treeInterpreter(ctx, tree, resolved.owner);
  const expected = plan.interpreter.version;
  if (version === expected) return;
  const got = version ?? problem;
  throw commandFailed(`interpreter of ${tree}`, { command: join(tree, 'bin/python'), class: 'INTERPRETER_MISSING', exitCode: null, timedOut: false, tail: got, remedy: `expected it to report ${expected}, got ${got}; the interpreter was changed since it was planned: plan again` });
}

/** Folders that no service imports; compiling them is half of the work. */
const NOT_COMPILED = ['test', 'tests'];

/** Compiled here, because nothing can be written once the tree is read-only. */
async function compileBytecode({ tree, cacheDir, start, step }: InstallInput): Promise<void> {
  const wish = { tree, cache: cacheDir, skip: NOT_COMPILED, jobs: availableParallelism() };
  const result = await start({ file: join(tree, 'bin/python'), args: ['-I', '-S', '-c', pythonText('bytecode.py'), JSON.stringify(wish)] });
  throwIfFailed('compiling bytecode', 'python', result, step);
}
