/** Why the records could not do what was asked: a closed set, each with what, expected, got, way out. */
import type { Objection } from '../policy/model.js';

/**
 * `missing` no file yet · `not-records` another file stands there · `corrupt` the file is damaged · `newer-schema`
 * a later release wrote it · `older-schema` no release that writes has opened it yet · `unwritable` folder or file can't be
 * written · `busy` another process held the lock too long · `disk` the disk said no · `broken-trail` the trail was changed
 * · `bad-entry`, `key-conflict`, `bad-evidence` the caller's mistake, final.
 */
export type RecordsErrorCode =
  | 'missing' | 'not-records' | 'corrupt' | 'newer-schema' | 'older-schema' | 'unwritable' | 'busy' | 'disk' | 'broken-trail'
  | 'bad-entry' | 'key-conflict' | 'bad-evidence';

export class RecordsError extends Error {
  readonly code: RecordsErrorCode;
  readonly objection: Objection;

  constructor(code: RecordsErrorCode, objection: Objection, cause?: unknown) {
    super(`${objection.what}: expected ${objection.expected}, got ${objection.got}. ${objection.wayOut}`, { cause });
    this.name = 'RecordsError';
    this.code = code;
    this.objection = objection;
  }

  /** Whether asking again with the same input can't help. */
  get isFinal(): boolean {
    return this.code === 'bad-entry' || this.code === 'key-conflict' || this.code === 'bad-evidence';
  }
}

/** Turns what SQLite or the file system threw into our words; errors of ours pass unchanged. */
export function recordsError(error: unknown, file: string): RecordsError {
  if (error instanceof RecordsError) return error;
  const { code = '', message } = error as { code?: string; message: string };
  const told = (kind: RecordsErrorCode, expected: string, wayOut: string) => new RecordsError(kind, { what: `records ${file}`, expected, got: `${code} ${message}`.trim(), wayOut }, error);
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) return told('busy', 'the lock within the time limit', 'see which process holds the file open; the call may be repeated');
  if (code === 'SQLITE_NOTADB') return told('not-records', 'a SQLite database of the records', 'name another file, or move this one away');
  if (code.startsWith('SQLITE_CORRUPT') || message.includes('malformed')) return told('corrupt', 'an undamaged database', 'restore the file from a backup; keep the damaged one for `runbook audit verify`');
  if (code.startsWith('SQLITE_READONLY') || code.startsWith('SQLITE_PERM') || code.startsWith('SQLITE_CANTOPEN') || message.includes('ConnectionFailed')) {
    return told('unwritable', 'a file and folder this user may write', 'check owner and mode of the file and of its folder');
  }
  return told('disk', 'the write to be kept', 'check free space, quota and the disk itself; the call may be repeated');
}
