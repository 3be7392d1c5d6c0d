/** Closing a change: what nothing needs goes, the README is written, the lease is given back. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { HostContext, StepScope } from './context.js';
import type { Closed, Order } from './contract.js';
import { perform } from './order.js';
import { isStanding } from './ends.js';
import { asOwner } from './owner.js';
import { readLink, resolvePlace, type Place } from './paths.js';
import { writeReadme } from './readme.js';
import { findRiders, processesIn } from './riders.js';
import { readSeal } from './seal.js';
import { emptyTrash, isAttemptOf, neighbours, protectedTrees, pruneTree, treeIds } from './trees.js';

/**
 * Prunes, writes `.venvs/README` and releases lease and pin. The pin stays with `keepPin`, and for a change that ends by itself.
 * Older orders' children are dead before this begins. Given again after the lease was released it answers from the journal; so
 * it does where the host took the lease at the end of a change and went back: then nothing is left to close.
 */
export async function closeChange(ctx: HostContext, step: StepScope, order: Order, { keepPin }: { keepPin: boolean }): Promise<Closed> {
  const place = resolvePlace(ctx, order.env);
  if (isClosedByItsEnd(ctx, place, order)) return { pruned: [], kept: treeIds(place), workMs: 0 };
  return perform<Closed>(ctx, step, order, {
    intent: { close: order.run, keepPin },
    afterEnd: 'taken-when-undone',
    holds: () => ctx.store.leases.get(place.link).holder?.chain !== order.chain,
    async act() {
      const began = performance.now();
      ctx.store.exclusive(() => settlePins(ctx, place, order.chain, keepPin));
      const { pruned, kept } = await prune(ctx, place);
      writeReadme(ctx, place);
      return { pruned, kept, workMs: performance.now() - began };
    },
    finish: () => release(ctx, place),
  });
}

/** The host took the lease from this order's run at an end, and went back. */
function isClosedByItsEnd({ store }: HostContext, { link }: Place, { chain, epoch }: Order): boolean {
  if (store.leases.get(link).holder?.chain === chain) return false;
  return store.ends.records(link).some((record) => record.outcome === 'restored' && record.epoch > epoch);
}

/** Only the holder has an open change here, so every other pin is of a run that ended; those kept on purpose stay. */
function settlePins(ctx: HostContext, place: Place, chain: string, keepPin: boolean): void {
  const { armed } = ctx.store;
  const own = armed.get(chain);
  if (own && keepPin) armed.update({ ...own, keepPin: true });
  // What never got to the link has no end to wait for.
  for (const row of armed.of(place.link)) if (row.end !== null && !row.switched && !isStanding(place, row)) armed.update({ ...row, keepPin: keepPin && row.chain === chain });
  for (const row of armed.pinned(place.link)) if (!armed.get(row.chain)!.keepPin) armed.unpin(row.chain);
}

function release(ctx: HostContext, place: Place): void {
  const { armed, leases } = ctx.store;
  const trees = new Set(treeIds(place));
  for (const row of armed.of(place.link)) {
    // A way back stays for as long as it leads somewhere and its change still stands.
    const isUseless = row.undone || !row.switched || (row.undoTarget !== null && !trees.has(row.undoTarget));
    if (isUseless && !row.keepPin) armed.remove(row.chain);
  }
  leases.put({ ...leases.get(place.link), state: 'free', holder: null, priority: 'forward', switched: false });
}

/**
 * Removes attempts of ended runs, and sealed or adopted trees beyond `limits.keepTrees`, oldest first. Never one that
 * is protected, that something runs from or names, that can't be inspected, or that this product did not make.
 */
export async function prune(ctx: HostContext, place: Place): Promise<{ pruned: string[]; kept: string[] }> {
  await emptyTrash(ctx, place);
  const kept = protectedTrees(ctx, place);
  const free = treeIds(place).filter((tree) => !kept.has(tree)).map((tree) => ({ tree, ...judge(ctx, place, tree) }));
  const whole = free.filter(({ is }) => is === 'whole').sort((a, b) => b.mtimeMs - a.mtimeMs);
  const surplus = [...free.filter(({ is }) => is === 'attempt'), ...whole.slice(ctx.agentFile.limits.keepTrees)];
  const pruned: string[] = [];
  for (const { tree } of surplus) if (!isRidden(ctx, place, tree) && (await pruneTree(ctx, place, tree))) pruned.push(tree);
  return { pruned, kept: treeIds(place) };
}

/** `whole`: sealed or adopted. `attempt`: unfinished, of a run that ended. `foreign`: anything else, never removed. */
function judge(ctx: HostContext, place: Place, tree: string): { is: 'whole' | 'attempt' | 'foreign'; mtimeMs: number } {
  const path = join(place.venvsDir, tree);
  const links = neighbours(ctx, place).map((each) => each.link);
  try {
    const { mtimeMs } = asOwner(place.owner, () => statSync(existsSync(join(path, '.complete')) ? join(path, '.complete') : path));
    if (links.some((link) => ctx.store.armed.adopted(link).includes(tree))) return { is: 'whole', mtimeMs };
    const run = /^(.+)-\d+$/.exec(tree)?.[1];
    const isOurs = run !== undefined && links.some((link) => ctx.store.journal.knowsRun(link, run));
    if (!isOurs) return { is: 'foreign', mtimeMs };
    if (asOwner(place.owner, () => readSeal(path))) return { is: 'whole', mtimeMs };
    // Of this environment's own runs only the closing one is open; a neighbour's holder may be building.
    const isOpen = links.some((link) => link !== place.link && isAttemptOf(tree, ctx.store.leases.get(link).holder?.run ?? ''));
    return { is: isOpen ? 'foreign' : 'attempt', mtimeMs };
  } catch {
    return { is: 'foreign', mtimeMs: 0 };
  }
}

function isRidden(ctx: HostContext, place: Place, tree: string): boolean {
  const path = join(place.venvsDir, tree);
  if (readLink(place).treePath === path) return true;
  // The link's own riders run from the current tree; here only those that name or use this one count.
  return findRiders(ctx, { ...place, link: path }, null).some((rider) => rider.kind !== 'unknown') || processesIn(ctx, path);
}
