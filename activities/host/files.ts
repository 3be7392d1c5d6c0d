/** Changing files of a project as its owner: whole or not at all, and never outside the project. */
import { closeSync, constants, fchmodSync, fchownSync, fsyncSync, openSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { syncFolder } from './link.js';
import { asOwner } from './owner.js';
import type { Place } from './paths.js';
import { hostRefused } from './refuse.js';

const MODE = 0o644;

/**
 * The real path of a file of the project; it need not exist. Throws `HostRefused` when a link on the way leads out.
 * @param path relative to the project
 */
export function projectFile({ project, owner }: Place, path: string): string {
  const refuse = (got: string) => hostRefused(`${path} in ${project}`, 'a file inside the project', got, 'name a file below the project folder in runbook.yaml');
  if (path === '' || path.startsWith('/') || /[\0-\x1f\x7f]/.test(path) || path.split('/').some((part) => part === '..' || part === '')) throw refuse(JSON.stringify(path));
  const real = asOwner(owner, () => realPathOf(join(project, path)));
  if (real === null) throw refuse('a path whose folder is not there');
  if (!real.startsWith(`${project}/`)) throw refuse(`a path that leads to ${real}`);
  return real;
}

function realPathOf(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    try {
      return join(realpathSync(dirname(path)), basename(path));
    } catch {
      return null;
    }
  }
}

/** Bytes of a file, or null where there is none. */
export function readBytes({ owner }: Pick<Place, 'owner'>, path: string): Buffer | null {
  return asOwner(owner, () => {
    try {
      return readFileSync(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  });
}

/** Text of a file, or null where there is none. */
export const readText = (place: Pick<Place, 'owner'>, path: string): string | null => readBytes(place, path)?.toString('utf8') ?? null;

/** Whether a file's user and group can be given to the one that replaces it: root can, others only what is theirs. */
export function keepsOwner({ owner }: Pick<Place, 'owner'>, path: string): boolean {
  return asOwner(owner, () => {
    const was = statSync(path, { throwIfNoEntry: false });
    const uid = process.geteuid!();
    return !was || uid === 0 || (was.uid === uid && (was.gid === process.getegid!() || process.getgroups!().includes(was.gid)));
  });
}

/** Replaces a file in one rename, synced, keeping its mode, and user and group where {@link keepsOwner} says so; readers find the old bytes or the new ones. */
export function replaceText(place: Pick<Place, 'owner'>, path: string, text: string | Buffer): void {
  const keeps = keepsOwner(place, path);
  asOwner(place.owner, () => {
    const beside = join(dirname(path), `.${basename(path)}.runbook-next`);
    rmSync(beside, { force: true });
    // Closed until it has its mode: what it replaces may hold secrets.
    const file = openSync(beside, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
    try {
      const was = statSync(path, { throwIfNoEntry: false });
      writeAll(file, text);
      if (was && keeps) fchownSync(file, was.uid, was.gid);
      fchmodSync(file, (was?.mode ?? MODE) & 0o7777);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(beside, path);
    syncFolder(dirname(path));
  });
}

/** Appends in one write, synced, so that lines of other writers stay whole. */
export function appendText({ owner }: Pick<Place, 'owner'>, path: string, text: string): void {
  asOwner(owner, () => {
    const file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW, MODE);
    try {
      writeAll(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  });
}

function writeAll(file: number, text: string | Buffer): void {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}
