/** Small files that somebody else may have written, and when they are the same as last time. */
import { lstatSync, statSync, type BigIntStats, type Stats } from 'node:fs';
import { stampOf } from '../../activities/plain-file.js';

export { readPlain, stampOf, type PlainText } from '../../activities/plain-file.js';

/**
 * What was changed less than this long ago may change again without another time stamp (the coarsest are of 2 s): it is read
 * every time.
 */
const SETTLES_MS = 2_000;

/** Stamp of what stands at a path, links followed; null where nothing does. Throws the system's error for anything else. */
export function stampAt(path: string): string | null {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat ? stampOf(stat) : null;
}

/** What stands at a path, links followed; undefined where nothing does. Throws `refuse` where this user can't tell: a closed folder, a circle of links. */
export function statOrRefuse(path: string, refuse: (got: string) => Error): Stats | undefined {
  return orRefuse(() => statSync(path, { throwIfNoEntry: false }), refuse);
}

/** The same of a link itself. */
export function lstatOrRefuse(path: string, refuse: (got: string) => Error): Stats | undefined {
  return orRefuse(() => lstatSync(path, { throwIfNoEntry: false }), refuse);
}

function orRefuse<T>(look: () => T, refuse: (got: string) => Error): T {
  try {
    return look();
  } catch (error) {
    throw refuse(problemOf(error));
  }
}

/** Whether its stamp can be trusted to change with its next change. `now`: Unix milliseconds. */
export function isSettled({ ctimeMs }: BigIntStats, now: number): boolean {
  return Number(ctimeMs) < now - SETTLES_MS;
}

/** What a failed read says, for people. */
export const problemOf = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException;
  const words: Record<string, string> = { EACCES: 'one that this user may not read', ELOOP: 'links in a circle', EISDIR: 'a folder', ENOTDIR: 'a path through a file', ENXIO: 'something that is no file' };
  return (code && words[code]) ?? message;
};
