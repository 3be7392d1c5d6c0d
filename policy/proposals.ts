/** Which other locks are worth trying, as requirement lines for a resolver: nothing is chosen here by hand that a resolver does not confirm. */
import { normalizeProjectName } from './project-name.js';
import { compareVersions } from './pep440.js';
import { lockDiff, type NamedPin } from './ladder.js';
import type { Pin } from './lock.js';

const line = (project: string, operator: '==' | '>=', version: string): string => `${project}${operator}${version}`;

/** Minimal relock: every pin a lower bound; resolved to the lowest, all stay where they can. */
export const relockLines = (pins: readonly NamedPin[], floors: ReadonlyMap<string, string> = new Map()): string[] => pins.map(({ project, version }) => line(project, '>=', floors.get(project) ?? version));

/**
 * WF-40: the policy's known-good pins in this lock; `loose` lets the others move up too. Null when they have nothing to do with
 * what is missing, or are what the lock has.
 */
export function knownGoodLines(pins: readonly NamedPin[], missing: readonly string[], knownGood: Readonly<Record<string, string>>, loose: boolean): string[] | null {
  const good = new Map(Object.entries(knownGood).map(([project, version]) => [normalizeProjectName(project), version]));
  const isOther = (pin: NamedPin): boolean => good.has(pin.project) && compareVersions(good.get(pin.project)!, pin.version) !== 0;
  if (!pins.some((pin) => missing.includes(pin.project) && isOther(pin))) return null;
  return pins.map(({ project, version }) => {
    const pinned = good.get(project);
    return pinned === undefined ? line(project, loose || missing.includes(project) ? '>=' : '==', version) : line(project, '==', pinned);
  });
}

/**
 * Verified locks that hold every project of this one and another version of each missing one: the versions of this lock's
 * projects, least different first. What else those locks hold is none of this project's.
 */
export function verifiedCandidates(pins: readonly NamedPin[], missing: readonly string[], verified: readonly { pins: NamedPin[] }[]): NamedPin[][] {
  const found = verified.flatMap((lock) => {
    const versions = new Map(lock.pins.map((pin) => [normalizeProjectName(pin.project), pin.version]));
    if (!pins.every((pin) => versions.has(pin.project))) return [];
    const taken = pins.map(({ project }) => ({ project, version: versions.get(project)! }));
    const { changes } = lockDiff(pins, taken);
    const changed = new Set(changes.map((one) => one.project));
    return missing.length > 0 && missing.every((project) => changed.has(project)) ? [{ taken, distance: changes.length }] : [];
  });
  // A stable sort: of equals, the newest verified stays first.
  const sorted = found.sort((a, b) => a.distance - b.distance).map(({ taken }) => taken);
  return sorted.filter((one, at) => sorted.findIndex((other) => lockDiff(one, other).changes.length === 0) === at);
}

/** Exact pins as lines. */
export const exactLines = (pins: readonly NamedPin[]): string[] => pins.map(({ project, version }) => line(project, '==', version));

/**
 * The text of a proposed lock: resolved pins with their hashes, the markers this lock had, and the pins whose marker leaves
 * them out here, as they were.
 */
export function lockText(resolved: readonly Pin[], before: readonly Pin[], elsewhere: readonly Pin[]): string {
  const markers = new Map(before.map((pin) => [pin.project, pin.marker]));
  const all = [...resolved.map((pin) => ({ ...pin, marker: markers.get(pin.project) ?? null })), ...elsewhere];
  const sorted = all.sort((a, b) => (a.project < b.project ? -1 : a.project > b.project ? 1 : 0));
  return sorted.map((pin) => [`${pin.project}==${pin.version}${pin.marker === null ? '' : ` ; ${pin.marker}`}`, ...[...pin.hashes].sort().map((hash) => `    --hash=${hash}`)].join(' \\\n') + '\n').join('');
}

/** A search for the first release that works among ascending ones, at most `most` questions; null when none of those asked did. */
export async function firstGood<T>(ascending: readonly T[], most: number, isGood: (one: T) => Promise<boolean>): Promise<T | null> {
  let [low, high, best] = [0, ascending.length - 1, -1];
  for (let asked = 0; low <= high && asked < most; asked += 1) {
    const middle = (low + high) >> 1;
    if (await isGood(ascending[middle]!)) [best, high] = [middle, middle - 1];
    else low = middle + 1;
  }
  return best === -1 ? null : ascending[best]!;
}
