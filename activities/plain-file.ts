/** Small files that somebody else may have written: never waited for, never too large, and known again by their stamp. */
import { closeSync, constants, fstatSync, openSync, readSync, type BigIntStats } from 'node:fs';

/** What is larger is something else, where the caller knows no better. */
const LARGEST_BYTES = 1024 * 1024;

export interface PlainBytes {
  bytes: Buffer;
  stat: BigIntStats;
}

export interface PlainText {
  text: string;
  stat: BigIntStats;
}

/** Identity and state of a file: any write, swap or change of rights makes another one. */
export function stampOf({ dev, ino, mode, uid, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, mode, uid, size, mtimeNs, ctimeNs].join(':');
}

/**
 * A plain file's content with the state it was read in; null where there is none. A pipe is not waited for, a device not read.
 * Links are followed unless `flags` says otherwise; `limit` in bytes. Throws the system's error, or one in words for what is no
 * plain file, too large, or was written to meanwhile.
 */
export function readPlainBytes(path: string, limit = LARGEST_BYTES, flags = 0): PlainBytes | null {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY | flags);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    const stat = fstatSync(file, { bigint: true });
    if (!stat.isFile()) throw new Error('something that is no file');
    if (stat.size > limit) throw new Error(`${stat.size} bytes, more than ${limit}`);
    const bytes = Buffer.allocUnsafe(Number(stat.size) + 1);
    let length = 0;
    for (let got = -1; got !== 0 && length < bytes.length; length += got) got = readSync(file, bytes, length, bytes.length - length, null);
    if (stampOf(fstatSync(file, { bigint: true })) !== stampOf(stat) || length !== Number(stat.size)) throw new Error('a file that is being written');
    return { bytes: bytes.subarray(0, length), stat };
  } finally {
    closeSync(file);
  }
}

/** The same as text. */
export function readPlain(path: string, flags = 0, limit = LARGEST_BYTES): PlainText | null {
  const read = readPlainBytes(path, limit, flags);
  return read && { text: read.bytes.toString('utf8'), stat: read.stat };
}
