/** The freeze of an environment: what is installed, in a form whose hash two hosts and two tools agree on (PV-18). */
import { clean } from '@renovatebot/pep440';
import { sha256Hex } from './canonical.js';
import { normalizeProjectName } from './project-name.js';

/** Seed packages: tools put them in or leave them out as they like. */
const SEEDS = new Set(['pip', 'setuptools', 'wheel']);

/** Whether a package is of those that freezes leave out. */
export const isSeed = (project: string): boolean => SEEDS.has(normalizeProjectName(project));

/**
 * `name==version` lines: names by PEP 503, versions in PEP 440 normal form, without pip, setuptools and wheel, each once,
 * sorted by code unit (`LC_ALL=C sort`).
 */
export function freezeLines(pins: readonly { project: string; version: string }[]): string[] {
  const lines = pins
    .map(({ project, version }) => ({ name: normalizeProjectName(project), version: clean(version) ?? version }))
    .filter(({ name }) => !isSeed(name))
    .map(({ name, version }) => `${name}==${version}`);
  return [...new Set(lines)].sort();
}

/** sha256 of the lines, each ended by a newline: what `sha256sum` says of the same file. */
export function freezeHash(pins: readonly { project: string; version: string }[]): string {
  return sha256Hex(freezeLines(pins).map((line) => `${line}\n`).join(''));
}
