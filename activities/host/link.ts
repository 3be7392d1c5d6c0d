/** Turning the link: one rename, inside the transaction that compared the token. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { bridgeTo } from './anchor.js';
import type { Guard, HostContext } from './context.js';
import { asOwner } from './owner.js';
import { readLink, type LinkView, type Place } from './paths.js';
import { bootId, passTick, ticksNow } from './proc.js';
import { ridersNow } from './riders.js';
import { refusal } from './refuse.js';

/** What the relative link says: it survives a move of the project's parents. */
export const linkText = (tree: string): string => join('.venvs', tree);

export interface TurnInput {
  /** Tree id the link must lead to right before; null: nothing may stand there. */
  from: string | null;
  /** Tree id it leads to afterwards; null: it is removed. */
  to: string | null;
  /** Start of the time in which processes on the left tree began, in ticks; 0: always. */
  since: number;
  /** Rows that become true with it, in the same transaction. */
  rows(): void;
}

/**
 * Turns the link and says how many milliseconds rename and sync took. Whoever reads it finds the old or the new tree, never
 * nothing. What starts after the answer starts in a later tick: it is never taken for somebody who was left behind.
 */
export function turnLink(ctx: HostContext, place: Place, guard: Guard, { from, to, since, rows }: TurnInput): number {
  const riders = ridersNow(ctx, place, from === null ? null : join(place.venvsDir, from));
  let turned = 0;
  const took = guard.commit(() => {
    const now = readLink(place);
    if (now.treeId !== from || (from === null && now.state !== 'missing')) throw movedMeanwhile(place, from, now);
    const ms = asOwner(place.owner, () => {
      if (from !== null) bridgeTo(place.venvsDir, from);
      return to === null ? removeLink(place) : replaceLink(place, to);
    });
    turned = ticksNow();
    ctx.store.armed.setTurn(place.link, { leftTree: from, since, ticks: turned, boot: bootId(), riders });
    rows();
    return ms;
  });
  passTick(turned);
  return took;
}

/** Synced rename of a new link over the old one. As the owner, alone. */
export function replaceLink({ project, link }: Pick<Place, 'project' | 'link'>, tree: string): number {
  const beside = join(project, `${basename(link)}.runbook-next`);
  // Left by an attempt that was killed between these two calls.
  rmSync(beside, { force: true });
  symlinkSync(linkText(tree), beside);
  const began = performance.now();
  renameSync(beside, link);
  syncFolder(project);
  return performance.now() - began;
}

function removeLink({ project, link }: Place): number {
  const began = performance.now();
  unlinkSync(link);
  syncFolder(project);
  return performance.now() - began;
}

/** A rename is on disk when its folder is. */
export function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function movedMeanwhile({ link }: Place, from: string | null, now: LinkView): Error {
  return refusal('PlanChanged', {
    what: link,
    expected: from === null ? 'nothing there' : `a link to ${linkText(from)}`,
    got: now.state === 'missing' ? 'nothing there' : now.state === 'directory' ? 'a directory' : `a link to ${now.target}`,
    wayOut: 'somebody else changed it meanwhile: look at it, then plan again',
  });
}
