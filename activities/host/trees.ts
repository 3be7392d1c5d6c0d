/** The trees below `.venvs/`: which must stay, and removing one. */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { HostContext } from './context.js';
import { asOwner } from './owner.js';
import { TREE_ID, readLink, type Place } from './paths.js';
import { removeTree } from './remove-tree.js';

const TRASH = '.trash-';

/** Names of the trees, sorted. */
export function treeIds({ venvsDir, owner }: Place): string[] {
  return asOwner(owner, () => {
    if (!existsSync(venvsDir)) return [];
    return readdirSync(venvsDir, { withFileTypes: true }).filter((entry) => entry.isDirectory() && TREE_ID.test(entry.name)).map((entry) => entry.name).sort();
  });
}

/** The places of all environments of the project: they share `.venvs/`. */
export function neighbours(ctx: HostContext, place: Place): Place[] {
  const links = asOwner(place.owner, () => readdirSync(place.project, { withFileTypes: true }).filter((entry) => entry.isSymbolicLink()).map((entry) => join(place.project, entry.name)));
  const known = ctx.store.leases.all().map((lease) => lease.link).filter((link) => dirname(link) === place.project);
  return [...new Set([place.link, ...links, ...known])].map((link) => ({ ...place, link }));
}

/** Name of the tree; null also for a link of the project into a folder that its owner may not enter, which is none of ours. */
export function treeAt(place: Place): string | null {
  try {
    return readLink(place).treeId;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    return null;
  }
}

/**
 * Trees that no pruning may take, with the reason: what a link leads to, what a change that still stands returns to,
 * and both ends of every change whose run is open.
 */
export function protectedTrees(ctx: HostContext, place: Place): Map<string, string> {
  const kept = new Map<string, string>();
  const keep = (tree: string | null, why: string): void => {
    if (tree !== null && !kept.has(tree)) kept.set(tree, why);
  };
  for (const each of neighbours(ctx, place)) {
    const current = treeAt(each);
    keep(current, 'current');
    for (const armed of ctx.store.armed.pinned(each.link)) {
      keep(armed.undoTarget, `undo target of ${armed.run}`);
      keep(armed.switchingTo, `tree of ${armed.run}`);
    }
    keep(ctx.store.armed.of(each.link).find((armed) => !armed.undone && armed.switchingTo !== null && armed.switchingTo === current)?.undoTarget ?? null, 'previous');
  }
  return kept;
}

/** Whether a tree is an attempt of the run: `RUN-1`, `RUN-2` … */
export const isAttemptOf = (tree: string, run: string): boolean => tree.startsWith(`${run}-`) && /^\d+$/.test(tree.slice(run.length + 1));

/** Removes what a run that ended before the switch had built. */
export async function removeAttempts(ctx: HostContext, place: Place, run: string): Promise<string[]> {
  const removed: string[] = [];
  for (const tree of treeIds(place).filter((id) => isAttemptOf(id, run))) if (await pruneTree(ctx, place, tree)) removed.push(tree);
  return removed;
}

/**
 * Removes one tree that is not protected; says whether it went. It leaves its name in one rename, in the transaction
 * that found it unprotected, so that nobody can switch to half a tree.
 */
export async function pruneTree(ctx: HostContext, place: Place, tree: string): Promise<boolean> {
  const isMoved = ctx.store.exclusive(() => {
    if (protectedTrees(ctx, place).has(tree)) return false;
    asOwner(place.owner, () => renameSync(join(place.venvsDir, tree), join(place.venvsDir, `${TRASH}${tree}-${randomBytes(4).toString('hex')}`)));
    return true;
  });
  if (isMoved) await emptyTrash(ctx, place);
  return isMoved;
}

/** Removes what was taken out of `.venvs/`, also by an attempt that was killed while at it. */
export async function emptyTrash(ctx: HostContext, { venvsDir, owner }: Place): Promise<void> {
  const trash = asOwner(owner, () => (existsSync(venvsDir) ? readdirSync(venvsDir).filter((name) => name.startsWith(TRASH)) : []));
  for (const name of trash) await removeTree(ctx, join(venvsDir, name), owner);
}
