/** Files of a project as its owner reads them. */
import { lstatSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { readPlainBytes } from '../../plain-file.js';
import { asOwner } from '../owner.js';
import type { CheckPlace } from './place.js';

/** Bytes; what is larger is something else. One file must not hold up the agent, which reads it between two heartbeats. */
export const LARGEST = { settings: 64 * 1024, lock: 2 * 1024 * 1024, pylock: 4 * 1024 * 1024, report: 1024 * 1024 } as const;

export interface ProjectFile {
  /** Of the file itself, links followed. */
  stat: Stats;
  /** Throws where it can't be read, is something else than a file, or has more than `limit` bytes. */
  read(limit: number): Buffer;
}

/** A file relative to the project; null: there is none. Throws where a folder on the way is closed. */
export function projectFile({ project, owner }: Pick<CheckPlace, 'project' | 'owner'>, path: string): ProjectFile | null {
  const file = join(project, path);
  const stat = asOwner(owner, () => statOf(file));
  if (stat === null) return null;
  return {
    stat,
    read(limit) {
      if (!stat.isFile()) throw new Error(`${path} is no regular file`);
      if (stat.size > limit) throw new Error(`${path} has ${stat.size} bytes: expected at most ${limit}`);
      // By now it may be another one, which must not keep us waiting.
      const read = asOwner(owner, () => readPlainBytes(file, limit));
      if (read === null) throw new Error(`${path} is gone`);
      return read.bytes;
    },
  };
}

/** Null where nothing is there, a link leads nowhere, or a folder on the way is none. */
function statOf(path: string): Stats | null {
  try {
    return statSync(path, { throwIfNoEntry: false }) ?? null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return null;
    throw error;
  }
}

/** Permission bits as they are (DEF-01), of the file and not of a link to it, whose own say nothing; null: there is no file. */
export function modesOf({ project, owner }: Pick<CheckPlace, 'project' | 'owner'>, paths: readonly string[]): { path: string; mode: number | null }[] {
  return paths.map((path) => {
    const stat = asOwner(owner, () => {
      try {
        const own = lstatSync(join(project, path), { throwIfNoEntry: false });
        return own?.isSymbolicLink() ? statOf(join(project, path)) : own;
      } catch {
        return null; // A closed folder on the way: whoever can't look in can't write there.
      }
    });
    return { path, mode: stat ? stat.mode & 0o7777 : null };
  });
}
