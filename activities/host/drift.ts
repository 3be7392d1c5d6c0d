/**
 * Drift: what hands did to an environment since its run verified it. The agent keeps the manifest of every verified tree in
 * its own folder, so that what differs has names.
 */
import { join } from 'node:path';
import type { HostContext } from './context.js';
import { listed, manifestDifferences, readExpected } from './manifest-compare.js';
import { asOwner } from './owner.js';
import { standingText, type LinkView, type Place } from './paths.js';
import { readSeal, SEAL_FILE, type Seal } from './seal.js';

/** What a tree was when its run verified it. */
export interface Verified {
  run: string;
  manifestDigest: string;
}

/**
 * By the agent's own journal, which no hand in the project can change; by the tree's seal where the journal knows nothing of
 * it (the store was lost). Null: it was never verified.
 */
export function verifiedTree(ctx: HostContext, place: Place, treeId: string | null): Verified | null {
  if (treeId === null) return null;
  for (const { kind, op, run, body } of ctx.store.journal.entries(place.link).reverse()) {
    const intent = body as { tree?: string; seal?: boolean } | null;
    if (kind !== 'intent' || intent?.seal !== true || intent.tree !== treeId) continue;
    const receipt = ctx.store.journal.receipt(op)?.body as { ok?: boolean; manifestDigest?: string } | undefined;
    if (receipt?.ok && receipt.manifestDigest) return { run, manifestDigest: receipt.manifestDigest };
  }
  const seal = asOwner(place.owner, () => readSeal(join(place.venvsDir, treeId)));
  return seal && { run: seal.run, manifestDigest: seal.manifestDigest };
}

/** A change of the link by a run of ours: to a tree, or to none. `isDone`: it has a receipt; without one it may have got there or not. */
interface Turn {
  run: string;
  to: string | null;
  isDone: boolean;
}

/** Our own changes of the link, newest first, down to the last one that is known to be done. */
function lastTurns(ctx: HostContext, place: Place): Turn[] {
  const turns: Turn[] = [];
  for (const { kind, op, run, body } of ctx.store.journal.entries(place.link).reverse()) {
    if (kind !== 'intent') continue;
    const { switch: switched, adopt, undo } = (body ?? {}) as { switch?: string; adopt?: string; undo?: { to: string | null } | null };
    const tree = switched ?? adopt;
    if (tree === undefined && !undo) continue;
    const receipt = ctx.store.journal.receipt(op)?.body as { outcome?: string } | undefined;
    if (receipt?.outcome === 'superseded') continue;
    turns.push({ run, to: tree ?? undo!.to, isDone: receipt !== undefined });
    if (receipt) break;
  }
  return turns;
}

/** Whether the link is where a run of ours set it. */
export const isLeftByUs = (ctx: HostContext, place: Place, view: LinkView): boolean => lastTurns(ctx, place).some(({ to }) => isAt(ctx, place, view, to));

/** Where a directory was to be adopted and was not, it is itself what the way back leads to. */
function isAt(ctx: HostContext, { link }: Place, view: LinkView, to: string | null): boolean {
  if (to === null) return view.state === 'missing';
  return view.treeId === to || (view.state === 'directory' && to.startsWith('adopted-') && !ctx.store.armed.adopted(link).includes(to));
}

/** The link is not where a run of ours left it. Empty where it is, or where none is known to have changed it. */
export function linkDrift(ctx: HostContext, place: Place, view: LinkView): string[] {
  const turns = lastTurns(ctx, place);
  const last = turns.at(-1);
  if (!last?.isDone || turns.some(({ to }) => isAt(ctx, place, view, to))) return [];
  return [`${standingText(view)} stands where ${last.run} left ${last.to === null ? 'nothing' : `a link to .venvs/${last.to}`}`];
}

/** What a look by hash found: the tree's manifest now, against the verified one. Empty: as verified, or never verified. */
export function hashedDrift(ctx: HostContext, verified: Verified | null, seal: Pick<Seal, 'manifestDigest'> | null, digest: string): string[] {
  if (!verified) return [];
  const words = sealDrift(verified, seal);
  if (digest === verified.manifestDigest) return words;
  return [...words, ...(manifestDifferences(ctx, verified.manifestDigest, digest) ?? [`manifest ${digest.slice(0, 12)} where it was ${verified.manifestDigest.slice(0, 12)}`])];
}

/** The same question by names, sizes and times alone; what can't be read is said. */
export function statDrift(ctx: HostContext, place: Place, view: LinkView): string[] {
  const verified = verifiedTree(ctx, place, view.treeId);
  const { treePath } = view;
  if (!verified || treePath === null) return [];
  const look = readExpected(ctx, verified.manifestDigest);
  try {
    return asOwner(place.owner, () => [...sealDrift(verified, readSeal(treePath)), ...(look?.(treePath) ?? [])]);
  } catch (error) {
    return [`it could not be read: ${(error as Error).message}`];
  }
}

function sealDrift(verified: Verified, seal: Pick<Seal, 'manifestDigest'> | null): string[] {
  if (seal === null) return [`${SEAL_FILE} is gone`];
  return seal.manifestDigest === verified.manifestDigest ? [] : [`${SEAL_FILE} was changed`];
}

/** For plan and people: what differs, from what, and the way out. Null: nothing does. */
export function driftText(place: Place, verified: Verified | null, words: string[]): string | null {
  if (words.length === 0) return null;
  return `differs from what ${verified?.run ?? 'our last run'} verified: ${listed(words)}; runbook run change ${place.project} rebuilds it`;
}

/** Where somebody removed our link: the command that puts it back. Null: its tree is not there, or no run of ours made one. */
export function wayBackToTree(ctx: HostContext, place: Place): string | null {
  const to = lastTurns(ctx, place).at(-1)?.to ?? null;
  return to !== null && asOwner(place.owner, () => readSeal(join(place.venvsDir, to))) ? `ln -s .venvs/${to} ${place.link}` : null;
}
