/** What each environment of this host looks like, cheaply enough to ask every second. */
import { lstatSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { HostContext } from './context.js';
import type { HostEvent } from './contract.js';
import { asOwner } from './owner.js';
import { readLink, resolvePlace, type LinkView, type Place } from './paths.js';

export interface Snapshot {
  environment: HostEvent['environments'][number];
  /** Differs when link, tree or lease changed; null: it can't be looked at now, which says nothing. */
  fingerprint: string | null;
}

/** Every environment that the agent file names or that ever had a holder. */
export function snapshots(ctx: HostContext): Snapshot[] {
  const links = new Set([...ctx.agentFile.environments.map((e) => e.link), ...ctx.store.leases.all().map((lease) => lease.link)]);
  return [...links].sort().map((link) => snapshotOf(ctx, link));
}

function snapshotOf(ctx: HostContext, link: string): Snapshot {
  try {
    const place = resolvePlace(ctx, { host: ctx.host, link });
    const { state } = ctx.store.leases.get(place.link);
    const view = readLink(place);
    const environment = { link, tree: view.treeId ?? view.state, version: versionOf(place, view), state };
    return { environment, fingerprint: JSON.stringify([view.state, view.target, state, stampOf(place, view)]) };
  } catch (error) {
    return { environment: { link, tree: (error as Error).message, version: null, state: ctx.store.leases.get(link).state }, fingerprint: null };
  }
}

/** Version by `pyvenv.cfg`, without starting anything. */
export function versionOf({ owner }: Place, { treePath }: LinkView): string | null {
  if (treePath === null) return null;
  try {
    const text = asOwner(owner, () => readFileSync(join(treePath, 'pyvenv.cfg'), 'utf8'));
    // venv and uv write one of these; virtualenv adds the release level (`3.11.7.final.0`).
    return /^version(?:_info)?\s*=\s*(\d+\.\d+\.\d+)/m.exec(text)?.[1] ?? null;
  } catch {
    return null;
  }
}

/** Times of what an installer must touch: configuration, scripts, package folders. */
function stampOf({ owner }: Place, { treePath }: LinkView): number[] {
  if (treePath === null) return [];
  return asOwner(owner, () => {
    const lib = join(treePath, 'lib');
    const packages = namesIn(lib).filter((name) => /^(python|pypy)/.test(name) && !lstatSync(join(lib, name)).isSymbolicLink()).map((name) => join(lib, name, 'site-packages'));
    return ['pyvenv.cfg', 'bin'].map((name) => join(treePath, name)).concat(packages).flatMap((path) => {
      const stat = statSync(path, { throwIfNoEntry: false });
      return stat ? [stat.ino, stat.mtimeMs] : [0, 0];
    });
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
