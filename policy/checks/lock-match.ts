/** What is installed against what the lock pins, for preflight and verifier alike (PF-12, VJ-11, DIS-08). */
import { freezeHash, isSeed } from '../freeze.js';
import { oneLine } from '../text.js';
import { normalizeProjectName } from '../project-name.js';
import { compareVersions } from '../pep440.js';
import type { EnvironmentFacts, Measured } from './facts.js';
import type { CheckRules } from './model.js';

interface Pinned {
  project: string;
  version: string;
}

/**
 * Sentences, by name; empty: they are the same. Names by PEP 503, versions by PEP 440, without pip, setuptools and wheel. A freeze
 * hash other than the approved one (PV-18) is a difference also where the lock can't be read.
 */
export function lockDifferences({ packages, lock }: Pick<EnvironmentFacts, 'packages' | 'lock'>, { expectedFreezeHash }: Pick<CheckRules, 'expectedFreezeHash'>): Measured<string[]> {
  if (!packages.ok) return { ok: false, problem: `the installed packages could not be listed: ${oneLine(packages.problem)}` };
  const installed = packages.value.map(({ name, version }) => ({ project: normalizeProjectName(name), version })).filter(({ project }) => !isSeed(project));
  const unapproved = hashDifference(installed, expectedFreezeHash);
  if (!lock.exists || !lock.pins.ok) {
    if (unapproved.length > 0) return { ok: true, value: unapproved };
    return { ok: false, problem: lock.exists && !lock.pins.ok ? `${lock.path} could not be read: ${oneLine(lock.pins.problem)}` : `there is no ${lock.path}` };
  }
  const pins = lock.pins.value.map(({ project, version }) => ({ project: normalizeProjectName(project), version })).filter(({ project }) => !isSeed(project));
  return { ok: true, value: [...differencesOf(installed, pins), ...unapproved] };
}

/** A project's name in normal form; what else an installed package calls itself is no word of a command. */
const NAME = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

/** Names of what is installed and not in the lock, sorted; none where either could not be read. */
export function namesOutsideLock({ packages, lock }: Pick<EnvironmentFacts, 'packages' | 'lock'>): string[] {
  if (!packages.ok || !lock.exists || !lock.pins.ok) return [];
  const pinned = new Set(lock.pins.value.map(({ project }) => normalizeProjectName(project)));
  const names = packages.value.map(({ name }) => normalizeProjectName(name)).filter((name) => !isSeed(name) && !pinned.has(name) && NAME.test(name));
  return [...new Set(names)].sort();
}

function differencesOf(installed: readonly Pinned[], pins: readonly Pinned[]): string[] {
  const [inTree, inLock] = [versionsByName(installed), versionsByName(pins)];
  const names = [...new Set([...inTree.keys(), ...inLock.keys()])].sort();
  return names.flatMap((name) => {
    const [found, wanted] = [inTree, inLock].map((versions) => [...(versions.get(name) ?? [])]) as [string[], string[]];
    if (wanted.length === 0) return [`${name}==${found.join(' and ')} is not in the lock`];
    if (found.length === 0) return [`${name}==${wanted.join(' and ')} is missing`];
    const isSame = [...wanted, ...found].every((version) => compareVersions(version, wanted[0]!) === 0);
    return isSame ? [] : [`${name}: expected ${wanted.join(' and ')}, got ${found.join(' and ')}`];
  });
}

function versionsByName(all: readonly Pinned[]): Map<string, Set<string>> {
  const versions = new Map<string, Set<string>>();
  for (const { project, version } of all) versions.set(project, (versions.get(project) ?? new Set()).add(version));
  return versions;
}

function hashDifference(installed: readonly Pinned[], approved: string | null): string[] {
  if (approved === null) return [];
  const hash = freezeHash(installed);
  return hash === approved ? [] : [`freeze hash: expected ${approved}, got ${hash}`];
}
