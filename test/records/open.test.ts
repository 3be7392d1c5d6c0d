import assert from 'node:assert/strict';
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import Database from 'libsql';
import { openForWriting, pragma } from '../../records/database.js';
import { RecordsError } from '../../records/errors.js';
import type { RecordsErrorCode } from '../../records/errors.js';
import { openRecords, openRecordsReadOnly } from '../../records/store.js';
import { entry, recordsFile, wholeRun } from '../support/record-entries.js';

/** Every refusal has its four parts and names the file. */
const refused = (code: RecordsErrorCode, got: RegExp, named: string) => (error: unknown) => {
  assert.ok(error instanceof RecordsError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.objection.got, got);
  assert.ok(error.objection.what.includes(named) && error.objection.expected !== '' && error.objection.wayOut !== '', error.message);
  return true;
};

/** SQLite's number for it. */
const FULL = 2;

const mode = (file: string): string => (statSync(file).mode & 0o777).toString(8);

test('file and side files are the owner\'s alone, whatever the umask', (t) => {
  const umask = process.umask(0);
  t.after(() => void process.umask(umask));
  const file = path.join(path.dirname(recordsFile(t)), 'deep', 'er', 'records.db');
  const records = openRecords(file);
  records.append([entry(1)]);
  assert.deepEqual(readdirSync(path.dirname(file)).map((name) => [name, mode(path.join(path.dirname(file), name))]), [['records.db', '600'], ['records.db-shm', '600'], ['records.db-wal', '600']]);
  assert.equal(mode(path.dirname(file)), '700');
  records.close();
});

test('a file that others could read is closed to them at the next start', (t) => {
  const file = recordsFile(t);
  openRecords(file).close();
  chmodSync(file, 0o644);
  openRecords(file).close();
  assert.equal(mode(file), '600');
});

test('every commit is synced and readers do not block writers', (t) => {
  const db = openForWriting(recordsFile(t));
  assert.deepEqual([pragma(db, 'journal_mode'), pragma(db, 'synchronous')], ['wal', FULL]);
  db.close();
});

test('a lock held longer than the wait is told as busy, and the batch goes in afterwards', (t) => {
  const file = recordsFile(t);
  const records = openRecords(file, { waitMs: 50 });
  const db = new Database(file);
  db.exec('BEGIN IMMEDIATE');
  assert.throws(() => records.append(wholeRun()), refused('busy', /SQLITE_BUSY/, file));
  assert.equal(records.head().seq, 0, 'reading goes on');
  db.exec('COMMIT');
  db.close();
  assert.equal(records.append(wholeRun()).seq, 5);
  records.close();
});

test('a path with characters that an address would read otherwise works for writer and reader', (t) => {
  const folder = path.join(path.dirname(recordsFile(t)), 'odd dir?#%41&mode=memory');
  const file = path.join(folder, 'a b?.db');
  const records = openRecords(file);
  const head = records.append(wholeRun());
  const reader = openRecordsReadOnly(file);
  assert.deepEqual(reader.head(), head);
  assert.deepEqual(readdirSync(folder)[0], 'a b?.db');
  reader.close();
  records.close();
});

test('reading before the first run says that there are none yet and makes no file', (t) => {
  const file = recordsFile(t);
  assert.throws(() => openRecordsReadOnly(file), refused('missing', /none yet/, file));
  assert.equal(existsSync(file), false);
  writeFileSync(file, '');
  assert.throws(() => openRecordsReadOnly(file), refused('missing', /none yet/, file));
});

test('what is no database is refused and left as it is', (t) => {
  const file = recordsFile(t);
  const text = 'This is not a database at all.\n'.repeat(200);
  writeFileSync(file, text);
  for (const open of [openRecords, openRecordsReadOnly]) assert.throws(() => open(file), refused('not-records', /6200 bytes of something else/, file));
  assert.equal(readFileSync(file, 'utf8'), text);
  const folder = path.dirname(file);
  for (const open of [openRecords, openRecordsReadOnly]) assert.throws(() => open(folder), (error) => error instanceof RecordsError && /folder|EISDIR/.test(error.objection.got));
});

test('another program\'s database is refused and left as it is', (t) => {
  const file = recordsFile(t);
  const db = new Database(file);
  db.exec('CREATE TABLE executions (id INTEGER); PRAGMA user_version = 1');
  db.close();
  for (const open of [openRecords, openRecordsReadOnly]) assert.throws(() => open(file), refused('not-records', /another program/, file));
});

test('a file of a later release is refused with its version', (t) => {
  const file = recordsFile(t);
  openRecords(file).close();
  const db = new Database(file);
  db.exec('PRAGMA user_version = 9');
  db.close();
  for (const open of [openRecords, openRecordsReadOnly]) assert.throws(() => open(file), refused('newer-schema', /version 9/, file));
});

test('damage inside the file is told as damage', (t) => {
  const file = recordsFile(t);
  const records = openRecords(file);
  records.append(Array.from({ length: 400 }, (_, n) => entry(n + 1, { data: { text: 'x'.repeat(500) } })));
  records.close();
  const db = new Database(file);
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
  const { size } = statSync(file);
  const handle = openSync(file, 'r+');
  for (let page = 4096 * 2; page < size; page += 4096) writeSync(handle, Buffer.alloc(4096, 0xa5), 0, 4096, page);
  closeSync(handle);
  const reader = openRecordsReadOnly(file);
  assert.throws(() => reader.verify(), refused('corrupt', /malformed|CORRUPT/, file));
  reader.close();
});

test('a file cut short is never told as a whole trail', (t) => {
  const file = recordsFile(t);
  const records = openRecords(file);
  records.append(Array.from({ length: 400 }, (_, n) => entry(n + 1)));
  records.close();
  const db = new Database(file);
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
  truncateSync(file, 4096 * 3);
  const verdict = (): boolean => {
    const reader = openRecordsReadOnly(file);
    try {
      return reader.verify().ok;
    } finally {
      reader.close();
    }
  };
  assert.throws(verdict, refused('corrupt', /malformed|CORRUPT/, file));
});

test('a folder that can\'t be made or written is told, with the way out', (t) => {
  const folder = path.dirname(recordsFile(t));
  writeFileSync(path.join(folder, 'plain'), 'file');
  assert.throws(() => openRecords(path.join(folder, 'plain', 'records.db')), refused('unwritable', /ENOTDIR|EEXIST/, 'plain'));
  symlinkSync('loop', path.join(folder, 'loop'));
  assert.throws(() => openRecords(path.join(folder, 'loop')), refused('unwritable', /ELOOP/, 'loop'));
  const closed = path.join(folder, 'closed');
  mkdirSync(closed, { mode: 0o555 });
  chmodSync(folder, 0o755);
  asNobody(() => assert.throws(() => openRecords(path.join(closed, 'records.db')), refused('unwritable', /EACCES/, 'closed')));
});

test('records of another user are not taken over', { skip: process.getuid?.() === 0 ? false : 'needs root to make a file of another user' }, (t) => {
  const file = recordsFile(t);
  openRecords(file).close();
  chmodSync(path.dirname(file), 0o755);
  asNobody(() => {
    assert.throws(() => openRecords(file), refused('unwritable', /EACCES/, file));
    assert.throws(() => openRecordsReadOnly(file), refused('unwritable', /EACCES/, file));
  });
});

/** Root may write anywhere; so that a refusal can happen at all, its rights are put down for the moment. */
function asNobody(act: () => void): void {
  const root = process.getuid?.() === 0;
  if (root) process.seteuid!(65534);
  try {
    act();
  } finally {
    if (root) process.seteuid!(0);
  }
}
