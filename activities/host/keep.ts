/** `settle --keep`: what an ended run left behind stays, if it is what that run sealed. */
import type { HostContext, StepScope } from './context.js';
import type { HostActivities, Order } from './contract.js';
import { treeInterpreter } from './interpreters.js';
import { namedDifferences } from './manifest-compare.js';
import { takeManifest } from './manifest.js';
import { readLink, resolveEnvironment } from './paths.js';
import { settleOn } from './riders.js';
import { readSeal } from './seal.js';

type Kept = Awaited<ReturnType<HostActivities['keep']>>;

/** Verifies the tree that stands against its seal, then settles riders on it. Changes no file. */
export async function keep(ctx: HostContext, step: StepScope, order: Order): Promise<Kept> {
  const began = performance.now();
  const resolved = resolveEnvironment(ctx, order.env);
  const { treePath, treeId } = readLink(resolved);
  const answer = (fields: Partial<Kept>): Kept => ({ ok: false, tree: treeId ?? '', version: null, problem: '', workMs: performance.now() - began, ...fields });
  const seal = treePath && readSeal(treePath);
  if (!treePath || !seal) return answer({ problem: `${order.env.link}: expected a sealed environment, got ${treePath ? 'one without .complete' : 'none'}` });
  const { runs, version, problem } = await treeInterpreter(ctx, treePath, resolved.owner);
  if (!runs) return answer({ problem });
  const { digest } = await takeManifest(ctx, { tree: treePath, owner: resolved.owner, scope: 'all', record: false, step });
  if (digest !== seal.manifestDigest) return answer({ version, problem: `${treePath} differs from what was sealed: expected manifest ${seal.manifestDigest.slice(0, 12)}, got ${digest.slice(0, 12)}${namedDifferences(ctx, seal.manifestDigest, digest)}` });
  const settled = await settleOn(ctx, step, resolved, null, treePath);
  return answer({ ok: settled.healthy, version, problem: settled.problem });
}
