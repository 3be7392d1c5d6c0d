import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import Database from 'libsql';
import fc from 'fast-check';
import type { ChainFault } from '../../policy/chain.js';
import { sha256Hex } from '../../policy/canonical.js';
import { EMPTY_HEAD, nextLink } from '../../policy/records.js';
import type { Head } from '../../policy/records.js';
import { RecordsError } from '../../records/errors.js';
import { openRecords, openRecordsReadOnly } from '../../records/store.js';
import { entry, recordsFile, wholeRun } from '../support/record-entries.js';

/** Somebody with the file in hand: another connection, without the triggers that only stop accidents. */
function tamper(file: string, act: (db: Database.Database) => void): void {
  const db = new Database(file, { timeout: 5_000 });
  try {
    db.exec('DROP TRIGGER IF EXISTS entries_no_update; DROP TRIGGER IF EXISTS entries_no_delete');
    act(db);
  } finally {
    db.close();
  }
}

/** A file with two runs and one piece of evidence, closed; and its head. */
function recorded(t: TestContext): { file: string; head: Head; sha256: string } {
  const file = recordsFile(t);
  const records = openRecords(file);
  records.append(wholeRun());
  const sha256 = sha256Hex('12 passed');
  const evidence = [{ name: 'tests', sha256, bytes: 9, kept: true, where: 'records' }];
  const head = records.append(wholeRun({ chain: 'chain-2', run: 'ch-0002' }).map((each) => (each.event === 'outcome' ? { ...each, data: { ...each.data, evidence } } : each)), ['12 passed']);
  assert.equal(records.verify(head).ok, true);
  records.close();
  return { file, head, sha256 };
}

function expectFault(file: string, firstBad: number, reason: ChainFault, known?: Head): void {
  const reader = openRecordsReadOnly(file);
  try {
    const verdict = reader.verify(known);
    assert.ok(!verdict.ok, 'found whole');
    assert.deepEqual([verdict.firstBad, verdict.reason], [firstBad, reason], JSON.stringify(verdict));
  } finally {
    reader.close();
  }
}

test('invariant 15: the trail refuses update and delete by accident', (t) => {
  const { file } = recorded(t);
  const db = new Database(file);
  assert.throws(() => db.exec(`UPDATE entries SET hash = 'x' WHERE seq = 3`), /append-only/);
  assert.throws(() => db.exec('DELETE FROM entries WHERE seq = 3'), /append-only/);
  db.close();
});

test('invariant 15: an entry edited in the file is named', (t) => {
  const { file } = recorded(t);
  tamper(file, (db) => db.prepare(`UPDATE entries SET body = replace(body, 'new lock', 'old lock') WHERE seq = 4`).run());
  expectFault(file, 4, 'content');
});

test('invariant 15: text added after an entry, bytes that are no text, and white space are named', (t) => {
  for (const [at, sql] of [[2, `body || char(0) || 'more'`], [3, `CAST(CAST(replace(body, 'new lock', 'new lo') AS BLOB) || x'ff' AS TEXT)`], [4, `body || ' '`]] as const) {
    const { file } = recorded(t);
    tamper(file, (db) => {
      // The searchable columns are computed from the text: whoever writes what is no JSON must take them away first.
      db.exec('DROP INDEX entries_key; DROP INDEX entries_run; DROP INDEX entries_event');
      db.exec('ALTER TABLE entries DROP COLUMN key; ALTER TABLE entries DROP COLUMN run; ALTER TABLE entries DROP COLUMN event');
      db.exec(`UPDATE entries SET body = ${sql} WHERE seq = ${at}`);
    });
    expectFault(file, at, 'content');
  }
});

test('invariant 15: an entry removed from the middle or the start is named', (t) => {
  for (const seq of [1, 5]) {
    const { file } = recorded(t);
    tamper(file, (db) => db.exec(`DELETE FROM entries WHERE seq = ${seq}`));
    expectFault(file, seq, 'missing');
  }
});

test('invariant 15: the newest entries removed are noticed, by the noted head and by a head known from elsewhere', (t) => {
  const { file, head } = recorded(t);
  tamper(file, (db) => db.exec('DELETE FROM entries WHERE seq > 8'));
  expectFault(file, 9, 'truncated');
  expectFault(file, 9, 'truncated', head);
  // With care: the noted head and the run table are set back too. Only the known head is left to tell.
  const careful = recorded(t);
  tamper(careful.file, (db) => db.exec(`DELETE FROM entries WHERE seq > 5; DELETE FROM runs WHERE chain = 'chain-2'; UPDATE head SET (seq, hash) = (SELECT seq, hash FROM entries WHERE seq = 5)`));
  const reader = openRecordsReadOnly(careful.file);
  assert.equal(reader.verify().ok, true, 'nothing in the file itself can tell');
  reader.close();
  expectFault(careful.file, 6, 'truncated', careful.head);
});

test('invariant 15: exchanged and inserted entries are named', (t) => {
  const exchanged = recorded(t);
  tamper(exchanged.file, (db) => db.exec('UPDATE entries SET seq = 100 WHERE seq = 3; UPDATE entries SET seq = 3 WHERE seq = 4; UPDATE entries SET seq = 4 WHERE seq = 100'));
  expectFault(exchanged.file, 3, 'link');
  const inserted = recorded(t);
  const forged = nextLink(inserted.head, entry(50, { event: 'outcome', actor: 'mallory', data: { outcome: 'done' } }));
  tamper(inserted.file, (db) => db.prepare('INSERT INTO entries (seq, previous, hash, body) VALUES (?, ?, ?, ?)').run([forged.seq, forged.previous, forged.hash, forged.body]));
  expectFault(inserted.file, 11, 'rewritten');
});

test('invariant 15: a whole chain written anew is told by a known head', (t) => {
  const { file, head } = recorded(t);
  tamper(file, (db) => {
    db.exec('DELETE FROM entries; DELETE FROM runs; DELETE FROM head');
    let last = EMPTY_HEAD;
    for (let n = 1; n <= 12; n++) {
      const link = nextLink(last, entry(n, { run: '', event: 'check-in' }));
      db.prepare('INSERT INTO entries (seq, previous, hash, body) VALUES (?, ?, ?, ?)').run([link.seq, link.previous, link.hash, link.body]);
      last = link;
    }
    db.prepare('INSERT INTO head (one, seq, hash) VALUES (1, ?, ?)').run([last.seq, last.hash]);
  });
  expectFault(file, 10, 'rewritten', head);
});

test('a run table that says something else than the entries is named, and so is a lost or invented row', (t) => {
  const edits: [string, number][] = [
    [`UPDATE runs SET view = replace(view, '3.11.7', '3.13.9') WHERE chain = 'chain-2'`, 10],
    [`DELETE FROM runs WHERE chain = 'chain-1'`, 1],
    [`INSERT INTO runs (chain, view) SELECT 'invented', replace(view, 'chain-1', 'invented') FROM runs WHERE chain = 'chain-1'`, 1],
  ];
  for (const [sql, firstBad] of edits) {
    const { file } = recorded(t);
    tamper(file, (db) => db.exec(sql));
    expectFault(file, firstBad, 'run-table');
  }
});

test('evidence that was exchanged or taken away is named by the entry that rests on it', (t) => {
  for (const sql of [`UPDATE evidence SET content = x'00'`, 'DELETE FROM evidence']) {
    const { file, sha256 } = recorded(t);
    tamper(file, (db) => db.exec(sql));
    expectFault(file, 10, 'evidence');
    const reader = openRecordsReadOnly(file);
    if (sql.startsWith('UPDATE')) assert.throws(() => reader.getEvidence(sha256), (error) => error instanceof RecordsError && error.code === 'broken-trail');
    else assert.equal(reader.getEvidence(sha256), null);
    reader.close();
  }
});

test('a trail with its end cut off is not continued, so that it never looks whole again', (t) => {
  const { file } = recorded(t);
  tamper(file, (db) => db.exec('DELETE FROM entries WHERE seq = 10'));
  const records = openRecords(file);
  assert.throws(() => records.append([entry(60)]), (error) => error instanceof RecordsError && error.code === 'broken-trail' && /entry 10, .*got entry 9, .*audit verify/s.test(error.message));
  records.close();
});

test('invariant 15 (property): any single byte changed in the file\'s text of any entry is found, at that entry', (t) => {
  const { file } = recorded(t);
  tamper(file, (db) => {
    db.exec('DROP INDEX entries_key; DROP INDEX entries_run; DROP INDEX entries_event');
    db.exec('ALTER TABLE entries DROP COLUMN key; ALTER TABLE entries DROP COLUMN run; ALTER TABLE entries DROP COLUMN event');
    const bytesOf = db.prepare('SELECT CAST(body AS BLOB) AS body FROM entries WHERE seq = ?');
    const put = db.prepare('UPDATE entries SET body = CAST(? AS TEXT) WHERE seq = ?');
    const reader = openRecordsReadOnly(file);
    fc.assert(fc.property(fc.integer({ min: 1, max: 10 }), fc.nat(), fc.integer({ min: 1, max: 255 }), (seq, where, xor) => {
      const whole = Buffer.from((bytesOf.get([seq]) as { body: Buffer }).body);
      const bad = Buffer.from(whole);
      bad[where % bad.length]! ^= xor;
      put.run([bad, seq]);
      try {
        const verdict = reader.verify();
        assert.ok(!verdict.ok);
        assert.deepEqual([verdict.firstBad, verdict.reason], [seq, 'content']);
      } finally {
        put.run([whole, seq]);
      }
    }), { numRuns: 200 });
    reader.close();
  });
});
