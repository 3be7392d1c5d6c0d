/** By which run an environment stands, and until when (EE-11): from the agent's store, else from what the agent left beside the trees. */
import { lstatSync, readlinkSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { StandingFacts } from '../../../policy/checks/facts.js';
import { readPlain } from '../../plain-file.js';
import { asOwner } from '../owner.js';
import type { Measuring } from './context.js';
import type { CheckPlace } from './place.js';

/** Written by the agent beside `.venvs/README`. */
interface StateFile {
  version?: number;
  environments?: Record<string, { tree?: string; run?: string | null; end?: string | null }>;
}

/** Name of the tree of ours that the link leads to; null: none. */
export function treeOf({ project, link, owner }: Pick<CheckPlace, 'project' | 'link' | 'owner'>): string | null {
  return asOwner(owner, () => {
    if (!lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink()) return null;
    const target = resolve(dirname(link), readlinkSync(link));
    return dirname(target) === join(project, '.venvs') && lstatSync(target, { throwIfNoEntry: false })?.isDirectory() ? basename(target) : null;
  });
}

/** Null: no run of ours made what stands there, or none that anybody here knows of. */
export function standingFacts({ ctx, place }: Measuring): StandingFacts | null {
  const tree = treeOf(place);
  if (tree === null) return null;
  const rows = ctx.standsAlone ? [] : ctx.store.armed.of(place.link);
  // Whoever owns the project can write the file: where the store knows the environment, it alone counts.
  if (rows.length === 0) return fromFile(place, tree);
  const row = rows.find((one) => !one.undone && one.switchingTo === tree);
  return row ? { run: row.run, end: row.end } : null;
}

function fromFile({ project, link, owner }: CheckPlace, tree: string): StandingFacts | null {
  try {
    const read = asOwner(owner, () => readPlain(join(project, '.venvs/state.json')));
    if (read === null) return null;
    const { version, environments } = JSON.parse(read.text) as StateFile;
    const name = basename(link);
    const own = version === 1 && environments && Object.hasOwn(environments, name) ? environments[name] : undefined;
    return own?.tree === tree && typeof own.run === 'string' ? { run: own.run, end: own.end ?? null } : null;
  } catch {
    return null;
  }
}
