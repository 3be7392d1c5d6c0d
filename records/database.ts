/** Opens the records' SQLite file, or says why it can't be. */
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readSync, statSync } from 'node:fs';
import path from 'node:path';
import Database from 'libsql';
import { RecordsError, recordsError } from './errors.js';
import { APPLICATION_ID, MIGRATIONS } from './schema.js';

export type Connection = Database.Database;

/** Milliseconds a call waits for another process's write before it says `busy`; a batch takes about one. */
export const WAIT_MS = 5_000;

/**
 * Opens for writing: folder and file are made where they are missing (0700, 0600), the schema is brought up to date, every
 * commit is synced. @throws RecordsError
 */
export function openForWriting(file: string, waitMs = WAIT_MS): Connection {
  return opening(file, () => {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    closeSync(openSync(file, 'a', 0o600));
    // The mode above counts only for a new file; SQLite gives its side files the mode of the main one.
    if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
    expectDatabase(file);
    const db = new Database(file, { timeout: waitMs });
    return closingOnError(db, () => {
      expectOurs(db, file);
      useWriteAheadLog(db, file, waitMs);
      db.exec('PRAGMA synchronous = FULL');
      migrate(db, file);
    });
  });
}

/** Opens for reading only, also while another process writes. @throws RecordsError `missing` when nothing was written yet */
export function openForReading(file: string, waitMs = WAIT_MS): Connection {
  return opening(file, () => {
    if (!existsSync(file) || statSync(file).size === 0) throw missing(file);
    expectDatabase(file);
    const address = `file:${file.split('/').map(encodeURIComponent).join('/')}?mode=ro`;
    const db = new Database(address, { timeout: waitMs });
    return closingOnError(db, () => {
      const version = expectOurs(db, file);
      if (version === 0) throw missing(file);
      if (version < MIGRATIONS.length) throw schemaError('older-schema', file, version, 'start the control worker of this release once: it brings the file up to date');
    });
  });
}

/** Runs `act` in one write transaction: all of it or nothing. */
export function immediately<T>(db: Connection, file: string, act: () => T): T {
  return inTransaction(db, file, 'BEGIN IMMEDIATE', act);
}

/** Runs `act` on one state of the file, whatever is written meanwhile. */
export function snapshot<T>(db: Connection, file: string, act: () => T): T {
  return inTransaction(db, file, 'BEGIN DEFERRED', act);
}

/** Not libsql's own wrapper: after a full disk its ROLLBACK throws too and hides the cause. */
function inTransaction<T>(db: Connection, file: string, begin: string, act: () => T): T {
  try {
    db.exec(begin);
    const result = act();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK');
    throw recordsError(error, file);
  }
}

/** First column of the first row. `.get` adds a field of its own to every row, so the name is asked for. */
export function pragma(db: Connection, name: 'user_version' | 'application_id' | 'journal_mode' | 'synchronous'): unknown {
  return (db.prepare(`PRAGMA ${name}`).get() as Record<string, unknown>)[name];
}

function opening(file: string, open: () => Connection): Connection {
  try {
    return open();
  } catch (error) {
    if (error instanceof RecordsError || !isFileError(error)) throw recordsError(error, file);
    throw new RecordsError('unwritable', { what: `records ${file}`, expected: 'a file in a folder this user may write', got: (error as Error).message, wayOut: 'check owner and mode of the folder, or name another place (RUNBOOK_HOME)' }, error);
  }
}

const isFileError = (error: unknown): boolean => typeof (error as NodeJS.ErrnoException).syscall === 'string';

function closingOnError(db: Connection, check: () => void): Connection {
  try {
    check();
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Looks before SQLite does: it would take any empty or unreadable thing for a new database. */
function expectDatabase(file: string): void {
  const found = statSync(file);
  const refuse = (got: string) => new RecordsError('not-records', { what: `records ${file}`, expected: 'a SQLite database of the records', got, wayOut: 'name another file, or move this one away' });
  if (!found.isFile()) throw refuse(found.isDirectory() ? 'a folder' : 'no regular file');
  if (found.size === 0) return;
  const start = Buffer.alloc(16);
  const handle = openSync(file, 'r');
  try {
    readSync(handle, start, 0, 16, 0);
  } finally {
    closeSync(handle);
  }
  if (start.toString('latin1') !== 'SQLite format 3\0') throw refuse(`${found.size} bytes of something else`);
}

/** The schema version of a file that is ours or still empty. */
function expectOurs(db: Connection, file: string): number {
  const version = Number(pragma(db, 'user_version'));
  const application = Number(pragma(db, 'application_id'));
  const { tables } = db.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as { tables: number };
  if (application !== APPLICATION_ID && (tables > 0 || version > 0)) {
    throw new RecordsError('not-records', { what: `records ${file}`, expected: 'a database of the records', got: `a SQLite database of another program (application id ${application})`, wayOut: 'name another file' });
  }
  if (version > MIGRATIONS.length) throw schemaError('newer-schema', file, version, 'use the release that wrote it, or a later one');
  return version;
}

/** Two processes that create the file at once contend for this switch, and SQLite does not wait there by itself. */
function useWriteAheadLog(db: Connection, file: string, waitMs: number): void {
  for (const deadline = Date.now() + waitMs; ; ) {
    try {
      db.exec('PRAGMA journal_mode = WAL');
      break;
    } catch (error) {
      if (!String((error as { code?: string }).code).startsWith('SQLITE_BUSY') || Date.now() > deadline) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
  const mode = String(pragma(db, 'journal_mode'));
  if (mode !== 'wal') throw new RecordsError('unwritable', { what: `records ${file}`, expected: 'a file system that allows a write-ahead log', got: `journal mode ${mode}`, wayOut: 'keep the records on a local disk' });
}

/** The version is read again under the lock: another process may have been faster. */
function migrate(db: Connection, file: string): void {
  immediately(db, file, () => {
    const version = expectOurs(db, file);
    if (version === MIGRATIONS.length) return;
    for (const statements of MIGRATIONS.slice(version)) db.exec(statements);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${MIGRATIONS.length}`);
  });
}

const missing = (file: string): RecordsError =>
  new RecordsError('missing', { what: `records ${file}`, expected: 'records of earlier runs', got: 'none yet', wayOut: 'they begin with the first run: runbook up, or runbook worker' });

const schemaError = (code: 'newer-schema' | 'older-schema', file: string, version: number, wayOut: string): RecordsError =>
  new RecordsError(code, { what: `records ${file}`, expected: `schema version ${MIGRATIONS.length}`, got: `version ${version}`, wayOut });
