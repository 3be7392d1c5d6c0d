/** Where an owner's downloads are kept: one cache for each user, so that nobody builds from another's files. */
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, lstatSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Owner } from '../../policy/model.js';
import { homeOf } from './command-env.js';
import type { HostContext } from './context.js';
import { asOwner } from './owner.js';
import { removeTree } from './remove-tree.js';
import { passage } from './run-files.js';

/**
 * The cache of `owner`, mode 700. Hard links need it on the file system of `project`: where the agent's folder lies on
 * another one and the owner's home does not, it is in that home.
 */
export function ownerCache(ctx: HostContext, owner: Owner, project: string): string {
  const folder = passage(ctx, 'cache');
  const home = homeOf(owner);
  const wanted = statSync(project).dev;
  if (statSync(folder).dev !== wanted && statSync(home, { throwIfNoEntry: false })?.dev === wanted) return inHome(home, owner);
  const path = join(folder, `uid-${owner.uid}`);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (process.getuid?.() === 0) chownSync(path, owner.uid, owner.gid);
  const { uid } = lstatSync(path);
  if (uid !== owner.uid) throw new Error(`cache ${path}: expected user ${owner.uid} to own it, got user ${uid}; remove it`);
  return path;
}

function inHome(home: string, owner: Owner): string {
  const path = join(home, '.cache/interpreter-runbooks');
  asOwner(owner, () => mkdirSync(path, { recursive: true, mode: 0o700 }));
  return path;
}

/**
 * Throws away what installers keep for the owner. Files of a tree may be hard links into this cache: what was changed in
 * one of them is in every tree built later, until the files are fetched again.
 */
export async function dropOwnerCache(ctx: HostContext, owner: Owner, project: string): Promise<void> {
  const cache = ownerCache(ctx, owner, project);
  for (const name of ['uv', 'pip']) {
    const dropped = join(cache, `.dropped-${name}-${randomBytes(4).toString('hex')}`);
    const isThere = asOwner(owner, () => {
      if (!existsSync(join(cache, name))) return false;
      renameSync(join(cache, name), dropped);
      return true;
    });
    if (isThere) await removeTree(ctx, dropped, owner);
  }
}
