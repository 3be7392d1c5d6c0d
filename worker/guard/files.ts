/** Small files that somebody else may have written: never waited for, never too large, and known again by their stamp. */
import { closeSync, constants, fstatSync, openSync, readSync, statSync, type BigIntStats } from 'node:fs';

/** What is larger is something else. */
const LARGEST_BYTES = 1024 * 1024;
/**
 * What was changed less than this long ago may change again without another time stamp (the coarsest are of 2 s): it is read
 * every time.
 */
const SETTLES_MS = 2_000;

export interface PlainText {
  text: string;
  stat: BigIntStats;
}

/** Identity and state of a file: any write, swap or change of rights makes another one. */
export function stampOf({ dev, ino, mode, uid, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, mode, uid, size, mtimeNs, ctimeNs].join(':');
}

/** Stamp of what stands at a path, links followed; null where nothing does. Throws the system's error for anything else. */
export function stampAt(path: string): string | null {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat ? stampOf(stat) : null;
}

/** Whether its stamp can be trusted to change with its next change. `now`: Unix milliseconds. */
export function isSettled({ ctimeMs }: BigIntStats, now: number): boolean {
  return Number(ctimeMs) < now - SETTLES_MS;
}

/**
 * A plain file's text with the state it was read in; null where there is none. A pipe is not waited for. Throws the system's
 * error, or one in words for what is no plain file, too large, or was written to meanwhile.
 */
export function readPlain(path: string, flags = 0): PlainText | null {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | flags);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    const stat = fstatSync(file, { bigint: true });
    if (!stat.isFile()) throw new Error('something that is no file');
    if (stat.size > LARGEST_BYTES) throw new Error(`${stat.size} bytes, more than ${LARGEST_BYTES}`);
    const bytes = Buffer.allocUnsafe(Number(stat.size) + 1);
    let length = 0;
    for (let got = -1; got !== 0 && length < bytes.length; length += got) got = readSync(file, bytes, length, bytes.length - length, null);
    if (stampOf(fstatSync(file, { bigint: true })) !== stampOf(stat) || length !== Number(stat.size)) throw new Error('a file that is being written');
    return { text: bytes.toString('utf8', 0, length), stat };
  } finally {
    closeSync(file);
  }
}

/** What a failed read says, for people. */
export const problemOf = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException;
  const words: Record<string, string> = { EACCES: 'one that this user may not read', ELOOP: 'links in a circle', EISDIR: 'a folder', ENOTDIR: 'a path through a file', ENXIO: 'something that is no file' };
  return (code && words[code]) ?? message;
};
