/** The second look, through the link, as everybody will use the environment. */
import { join } from 'node:path';
import type { Plan } from '../../policy/model.js';
import type { Guard, HostContext, StepScope } from './context.js';
import type { HostActivities, Order } from './contract.js';
import { treeInterpreter } from './interpreters.js';
import { namedDifferences } from './manifest-compare.js';
import { takeManifest } from './manifest.js';
import { perform } from './order.js';
import { allOf } from './parallel.js';
import { readLink, resolveEnvironment, standingText } from './paths.js';
import type { ResolvedEnvironment } from './paths.js';
import { importModules, starter } from './tree-checks.js';
import type { ImportWish } from './tree-checks.js';
import { treePath } from './verify.js';

type LinkVerdict = Awaited<ReturnType<HostActivities['verifyLink']>>;

/** WF-45: imported through the link where the lock has them and the project names no modules of its own. */
const CRITICAL = ['pandas', 'numpy', 'fastapi', 'sqlalchemy'];
/** All were imported before the switch; through the link a few are enough. */
const A_FEW = 5;

/** The link leads to the tree, its Python runs, a few modules import, and the files are those that were verified. */
export async function verifyLink(ctx: HostContext, step: StepScope, order: Order, input: { plan: Plan; tree: string; manifestDigest: string }): Promise<LinkVerdict> {
  const started = performance.now();
  const resolved = resolveEnvironment(ctx, order.env);
  return perform(ctx, step, order, {
    intent: { tree: input.tree },
    // What was true is asked again: nothing is changed by asking.
    holds: () => false,
    async act(guard) {
      const { version, problem } = await judgeLink(ctx, step, guard, resolved, input);
      return { ok: problem === '', version, problem, workMs: performance.now() - started };
    },
  });
}

async function judgeLink(ctx: HostContext, step: StepScope, guard: Guard, resolved: ResolvedEnvironment, input: { plan: Plan; tree: string; manifestDigest: string }): Promise<{ version: string | null; problem: string }> {
  const { owner, project, link } = resolved;
  const { settings, files, interpreter } = input.plan;
  const expected = treePath(resolved, input.tree);
  const view = readLink(resolved);
  if (view.treePath !== expected) return { version: null, problem: `${link}: expected it to lead to ${expected}, got ${view.treePath ?? standingText(view)}` };
  const start = starter(ctx, owner, { guard, scope: step });
  const [seen, imports, manifest] = await allOf([
    treeInterpreter(ctx, link, owner),
    importModules(ctx, start, join(link, 'bin/python'), criticalModules(settings, files, project)),
    takeManifest(ctx, { tree: expected, owner, scope: 'all', record: false, step, guard }),
  ]);
  if (!seen.runs) return { version: null, problem: seen.problem };
  if (seen.version !== interpreter.version) return { version: seen.version, problem: `${link}/bin/python: expected version ${interpreter.version}, got ${seen.version}` };
  const failure = imports.failures[0];
  if (failure) return { version: seen.version, problem: `import ${failure.module} through ${link}: ${failure.error}` };
  if (manifest.digest !== input.manifestDigest) return { version: seen.version, problem: `files of ${expected} changed since they were verified: expected manifest ${input.manifestDigest.slice(0, 12)}, got ${manifest.digest.slice(0, 12)}${namedDifferences(ctx, input.manifestDigest, manifest.digest)}` };
  return { version: seen.version, problem: '' };
}

function criticalModules(settings: Plan['settings'], files: Plan['files'], project: string): ImportWish[] {
  const names = settings.imports.length > 0 ? settings.imports.slice(0, A_FEW) : CRITICAL.filter((name) => files.some((file) => file.project === name));
  const own = settings.importModule;
  return [...names.filter((name) => name !== own).map((name) => ({ name })), ...(own === null ? [] : [{ name: own, folder: project }])];
}
