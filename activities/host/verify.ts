/** Verifying a tree where it was built, before anything points at it: files, packages, imports and tests, kept apart. */
import { chmodSync, closeSync, constants, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import type { Plan, Verification } from '../../policy/model.js';
import { FAILURE } from '../../policy/names.js';
import { signVerdict } from './agent-key.js';
import type { Guard, HostContext, StepScope } from './context.js';
import type { Order } from './contract.js';
import { treeInterpreter } from './interpreters.js';
import { takeManifest } from './manifest.js';
import { perform } from './order.js';
import { allOf } from './parallel.js';
import { asOwner } from './owner.js';
import { dropOwnerCache } from './owner-cache.js';
import { resolveEnvironment, TREE_ID } from './paths.js';
import type { ResolvedEnvironment } from './paths.js';
import { runFolder } from './run-files.js';
import { readSeal, SEAL_FILE } from './seal.js';
import type { Seal } from './seal.js';
import { hostPlatform } from './store-locks.js';
import { importModules, installedPackages, judgeInstalled, modulesToImport, runProjectTests, starter } from './tree-checks.js';
import { requireKeptPlan } from './warrant-kept.js';

/** What `.complete` says beyond the seal itself; for people. */
interface CompleteFile extends Seal {
  build: string;
  base: string;
  freezeHash: string;
  sealedAt: string;
}

/** Absolute path of a tree by its id. Throws `BadInput` for what is no id. */
export function treePath(resolved: Pick<ResolvedEnvironment, 'venvsDir'>, tree: string): string {
  if (TREE_ID.test(tree)) return join(resolved.venvsDir, tree);
  throw ApplicationFailure.nonRetryable(`tree: expected its name below .venvs, got ${JSON.stringify(tree.slice(0, 80))}`, FAILURE.BadInput);
}

/**
 * Judges a tree. A verdict of no is a result, not a failure. With `seal`, and only when all verdicts are yes, the tree is
 * made read-only and `.complete` is written and synced; the manifest is of that state.
 */
export async function verifyTree(ctx: HostContext, step: StepScope, order: Order, input: { plan: Plan; tree: string; seal: boolean }): Promise<Verification> {
  const started = performance.now();
  const resolved = resolveEnvironment(ctx, order.env);
  const tree = treePath(resolved, input.tree);
  return perform(ctx, step, order, {
    intent: { tree: input.tree, seal: input.seal },
    finish(receipt) {
      const { files, lock, interpreter } = input.plan;
      if (!receipt.ok || !input.seal || files.length === 0) return;
      ctx.store.locks.put({ sha256: lock.sha256, python: interpreter.version, platform: hostPlatform(), pins: files.map(({ project, version }) => ({ project, version })), run: order.run, at: ctx.now().toISOString() });
    },
    holds: (receipt: Verification) => receipt.ok && input.seal && asOwner(resolved.owner, () => readSeal(tree))?.manifestDigest === receipt.manifestDigest,
    async act(guard) {
      // The plan names what is run there, as the owner.
      requireKeptPlan(ctx, order, input.plan);
      const verdicts = await judge(ctx, step, guard, resolved, order, input.plan, tree);
      const ok = verdicts.interpreter.ok && verdicts.lock.ok && verdicts.imports.ok && verdicts.tests.ok;
      const seal = ok && input.seal;
      if (seal) guard.commit(() => {});
      // After everything that ran in the tree: what a test did to it shows here, and the seal finds it finished.
      const manifest = await takeManifest(ctx, { tree, owner: resolved.owner, scope: 'all', record: true, seal, step, guard });
      const { checked, bad } = manifest.record!;
      const files = { ok: bad.length === 0 && (checked > 0 || input.plan.files.length === 0), checked, bad };
      if (seal && files.ok) complete(guard, resolved, tree, { ...sealOf(order, input.plan), manifestDigest: manifest.digest, freezeHash: verdicts.freezeHash, sealedAt: ctx.now().toISOString() });
      if (!files.ok) await dropOwnerCache(ctx, resolved.owner, resolved.project);
      await ctx.barrier('verify:sealed');
      const verdict = { ok: ok && files.ok, manifestDigest: manifest.digest };
      const signed = await signVerdict(ctx, order, input.plan, input.tree, verdict);
      return { ...verdict, files, ...verdicts, manifestFiles: manifest.files, durationMs: performance.now() - started, ...(signed ? { signed } : {}) };
    },
  });
}

async function judge(ctx: HostContext, step: StepScope, guard: Guard, resolved: ResolvedEnvironment, order: Order, plan: Plan, tree: string): Promise<Pick<Verification, 'interpreter' | 'lock' | 'imports' | 'tests' | 'freezeHash'>> {
  const { owner, project } = resolved;
  const start = starter(ctx, owner, { guard, scope: step });
  const packages = await installedPackages(ctx, start, tree, owner);
  const [interpreter, imports, tests] = await allOf([
    treeInterpreter(ctx, tree, owner),
    importModules(ctx, start, join(tree, 'bin/python'), modulesToImport(plan.settings, packages, project)),
    runProjectTests(ctx, start, tree, project, plan.settings, join(runFolder(ctx, order.run), `tests-${order.seq}-${step.attempt}.log`)),
  ]);
  const expected = plan.interpreter.version;
  return { interpreter: { ok: interpreter.version === expected, expected, got: interpreter.version ?? interpreter.problem }, imports, tests, ...judgeInstalled(packages, plan) };
}

const sealOf = (order: Order, plan: Plan): Pick<CompleteFile, 'run' | 'version' | 'lockSha256' | 'build' | 'base'> => ({
  run: order.run,
  version: plan.interpreter.version,
  lockSha256: plan.lock.sha256,
  build: plan.interpreter.build,
  base: plan.interpreter.realpath,
});

/** Writes `.complete`, syncs it and its folder, and closes the folder: the last moment at which the tree changes. */
function complete(guard: Guard, resolved: ResolvedEnvironment, tree: string, text: CompleteFile): void {
  guard.commit(() =>
    asOwner(resolved.owner, () => {
      // Left by a process that was killed right here: whole, or cut short before the folder was closed.
      if (readSeal(tree)?.manifestDigest === text.manifestDigest) return chmodSync(tree, 0o555);
      rmSync(join(tree, SEAL_FILE), { force: true });
      const file = openSync(join(tree, SEAL_FILE), constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o444);
      writeSync(file, `${JSON.stringify(text, null, 2)}\n`);
      fsyncSync(file);
      closeSync(file);
      chmodSync(tree, 0o555);
      const folder = openSync(tree, constants.O_RDONLY);
      fsyncSync(folder);
      closeSync(folder);
    }),
  );
}
