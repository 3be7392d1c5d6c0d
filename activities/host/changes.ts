/** From looks at environments to news: what changed since the last look, and what of it no run of ours did. */
import type { HostContext } from './context.js';
import type { HostEvent } from './contract.js';
import { isLeftByUs } from './drift.js';
import { stampDifferences, type Fingerprint } from './fingerprint.js';
import { listed } from './manifest-compare.js';
import { standingText } from './paths.js';
import { driftNow, type Snapshot } from './snapshot.js';

type Drift = NonNullable<HostEvent['drift']>;

/**
 * Keeps today's fingerprints. `isChanged`: one differs from an earlier one. `drift`: what hands did, by environment. A tree
 * is walked where something about it changed, and when `isFull` asks for it: an edit in place deep in a package shows only there.
 */
export function noteChanges(ctx: HostContext, seen: Snapshot[], isFull: boolean): { isChanged: boolean; drift: Drift } {
  let isChanged = false;
  const drift: Drift = [];
  const digests = ctx.store.events.digests();
  for (const { environment, seen: one } of seen) {
    if (one === null) continue;
    const { link } = environment;
    // Whole fingerprints are only read where something differs: a host has a thousand environments, and looks every second.
    if (!isFull && digests.get(link) === one.digest) continue;
    const before = readFingerprint(ctx.store.events.fingerprint(link));
    const isSame = before !== null && sameStamps(before, one.fingerprint);
    if (isSame && !isFull) continue;
    const fingerprint: Fingerprint = { ...one.fingerprint, drift: driftNow(ctx, one.place, one.view) };
    ctx.store.events.setFingerprint(link, JSON.stringify(fingerprint), one.digest);
    const what = [...fingerprint.drift, ...(before === null ? [] : unexplained(ctx, one, before, fingerprint))];
    if (what.length > 0) drift.push({ link, what: what.join('; ') });
    // The first look at an environment compares with nothing.
    if (before !== null && !(isSame && before.drift.join() === fingerprint.drift.join())) isChanged = true;
  }
  return { isChanged, drift };
}

/** What changed in the same tree, or stands instead of another, and no run of ours did; `drift` has what differs from a verified tree. */
function unexplained(ctx: HostContext, { place, view }: NonNullable<Snapshot['seen']>, before: Fingerprint, now: Fingerprint): string[] {
  if (now.drift.length > 0) return [];
  if (before.state !== now.state || before.target !== now.target) {
    return isLeftByUs(ctx, place, view) ? [] : [`${standingText(now)} stands where ${standingText(before)} was`];
  }
  const words = stampDifferences(before, now);
  return words.length > 0 ? [listed(words)] : [];
}

const sameStamps = ({ drift: _drift, ...before }: Fingerprint, now: Omit<Fingerprint, 'drift'>): boolean => JSON.stringify(before) === JSON.stringify(now);

/** Null: none, or one of an earlier version, which can't be compared. */
function readFingerprint(text: string | undefined): Fingerprint | null {
  if (text === undefined) return null;
  const raw = JSON.parse(text) as Partial<Fingerprint> | unknown[];
  return Array.isArray(raw) ? null : (raw as Fingerprint);
}
