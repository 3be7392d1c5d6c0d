/** What each environment of this host looks like, cheaply enough to ask every second. */
import { join } from 'node:path';
import { readPlain } from '../plain-file.js';
import type { HostContext } from './context.js';
import type { HostEvent } from './contract.js';
import { driftText, linkDrift, statDrift, verifiedTree } from './drift.js';
import { digestOfStamps, stampFolders, stampTree, type Fingerprint } from './fingerprint.js';
import { asOwner } from './owner.js';
import { readLink, resolvePlace, type LinkView, type Place } from './paths.js';

export interface Snapshot {
  environment: HostEvent['environments'][number];
  /** Null: it can't be looked at now, which says nothing. */
  seen: { place: Place; view: LinkView; fingerprint: Omit<Fingerprint, 'drift'>; digest: string } | null;
}

/** Every environment that the agent file names or that ever had a holder. */
export function snapshots(ctx: HostContext): Snapshot[] {
  const links = new Set([...ctx.agentFile.environments.map((e) => e.link), ...ctx.store.leases.all().map((lease) => lease.link)]);
  return [...links].sort().map((link) => snapshotOf(ctx, link));
}

function snapshotOf(ctx: HostContext, link: string): Snapshot {
  try {
    const place = resolvePlace(ctx, { host: ctx.host, link });
    const { state: lease } = ctx.store.leases.get(place.link);
    const view = readLink(place);
    const { state, target, treePath } = view;
    const { stamps, digest } = treePath === null ? NO_TREE : stampsOf(ctx, place, treePath, state === 'managed');
    const environment = { link, tree: view.treeId ?? state, version: versionOf(place, view), state: lease };
    return { environment, seen: { place, view, fingerprint: { state, target, tree: treePath, lease, ...stamps }, digest: JSON.stringify([state, target, treePath, lease, digest]) } };
  } catch (error) {
    return { environment: { link, tree: (error as Error).message, version: null, state: ctx.store.leases.get(link).state }, seen: null };
  }
}

interface Stamps {
  stamps: ReturnType<typeof stampTree>;
  /** Of them: taken once, compared every second. */
  digest: string;
}

const NO_TREE: Stamps = { stamps: { seal: null, base: null, files: {} }, digest: '' };

/** File by file at least this often: an edit in place shows in no folder. */
const STAMPS_HOLD_MS = 30_000;
type Known = Map<string, Stamps & { tree: string; folders: string; at: number }>;
const known = new WeakMap<HostContext, Known>();

/** Hundreds of files only where a folder of them changed, or after a while. */
function stampsOf(ctx: HostContext, { link, owner }: Place, tree: string, isSealed: boolean): Stamps {
  const memory = known.get(ctx) ?? (new Map() as Known);
  known.set(ctx, memory);
  return asOwner(owner, () => {
    const folders = stampFolders(tree);
    const last = memory.get(link);
    if (last?.tree === tree && last.folders === folders && performance.now() - last.at < STAMPS_HOLD_MS) return last;
    const stamps = stampTree(tree, isSealed);
    const now = { stamps, digest: digestOfStamps(stamps), tree, folders, at: performance.now() };
    memory.set(link, now);
    return now;
  });
}

/** What stands there now against what our last run left: sentences for people, by a walk over the whole tree. Empty: as it was left. */
export function driftNow(ctx: HostContext, place: Place, view: LinkView): string[] {
  const words = driftText(place, verifiedTree(ctx, place, view.treeId), statDrift(ctx, place, view));
  return [...linkDrift(ctx, place, view), ...(words === null ? [] : [words])];
}

/** Version by `pyvenv.cfg`, without starting anything. */
export function versionOf({ owner }: Place, { treePath }: LinkView): string | null {
  if (treePath === null) return null;
  try {
    const text = asOwner(owner, () => readPlain(join(treePath, 'pyvenv.cfg')))?.text ?? '';
    // venv and uv write one of these; virtualenv adds the release level (`3.11.7.final.0`).
    return /^version(?:_info)?\s*=\s*(\d+\.\d+\.\d+)/m.exec(text)?.[1] ?? null;
  } catch {
    return null;
  }
}
