/** Changing files of a project as its owner: whole or not at all, and never outside the project. */
import { closeSync, constants, fchmodSync, fsyncSync, openSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
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

/** Text of a file, or null where there is none. */
export function readText({ owner }: Pick<Place, 'owner'>, path: string): string | null {
  return asOwner(owner, () => {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  });
}

/** Replaces a file in one rename, synced, keeping its mode; readers find the old text or the new one. */
export function replaceText({ owner }: Pick<Place, 'owner'>, path: string, text: string): void {
  asOwner(owner, () => {
    const beside = join(dirname(path), `.${basename(path)}.runbook-next`);
    rmSync(beside, { force: true });
    const file = openSync(beside, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, MODE);
    try {
      fchmodSync(file, (statSync(path, { throwIfNoEntry: false })?.mode ?? MODE) & 0o7777);
      writeAll(file, text);
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

function writeAll(file: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}
