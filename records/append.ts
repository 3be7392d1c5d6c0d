/** Appending: one batch, one transaction; the run table follows from the same entries. */
import { EMPTY_HEAD, MAX_ENTRY_LENGTH, entryProblem, nextLink } from '../policy/records.js';
import type { AuditEntry, ChainLink, Head } from '../policy/records.js';
import { foldEntry } from '../policy/run-view.js';
import type { RunLookup, RunView } from '../policy/run-view.js';
import type { Connection } from './database.js';
import { immediately } from './database.js';
import { RecordsError } from './errors.js';
import { storeEvidence } from './evidence.js';

/**
 * Appends what is not there yet and returns the head. The same key with the same content is there already; with other
 * content it is a conflict, and nothing of the batch is kept. @throws RecordsError
 */
export function appendBatch(db: Connection, file: string, batch: readonly AuditEntry[], evidence: readonly string[]): Head {
  for (const entry of batch) expectFit(entry);
  return immediately(db, file, () => {
    for (const content of evidence) storeEvidence(db, content);
    let head = expectedHead(db, file);
    for (const entry of batch) head = appendOne(db, head, entry);
    db.prepare('INSERT INTO head (one, seq, hash) VALUES (1, ?, ?) ON CONFLICT (one) DO UPDATE SET seq = excluded.seq, hash = excluded.hash').run([head.seq, head.hash]);
    return head;
  });
}

/** Where the stored entries end. */
export function storedHead(db: Connection): Head {
  const row = db.prepare('SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1').get() as Head | undefined;
  return row ? { seq: row.seq, hash: row.hash } : EMPTY_HEAD;
}

/** Where the last append said that they end. */
export function notedHead(db: Connection): Head {
  const row = db.prepare('SELECT seq, hash FROM head WHERE one = 1').get() as Head | undefined;
  return row ? { seq: row.seq, hash: row.hash } : EMPTY_HEAD;
}

/** A trail whose end was cut off or exchanged is not continued: the next entry would make it look whole. */
function expectedHead(db: Connection, file: string): Head {
  const [stored, noted] = [storedHead(db), notedHead(db)];
  if (stored.seq === noted.seq && stored.hash === noted.hash) return stored;
  throw new RecordsError('broken-trail', {
    what: `audit trail ${file}`,
    expected: `an end at entry ${noted.seq}, ${noted.hash.slice(0, 12)}`,
    got: `entry ${stored.seq}, ${stored.hash.slice(0, 12)}`,
    wayOut: 'runbook audit verify names the damage; restore the file from a backup, or move it away as evidence and begin a new trail',
  });
}

function appendOne(db: Connection, head: Head, entry: AuditEntry): Head {
  const link = nextLink(head, entry);
  const found = db.prepare('SELECT seq, body FROM entries WHERE key = ?').get([entry.key]) as Pick<ChainLink, 'seq' | 'body'> | undefined;
  if (found) {
    if (found.body !== link.body) throw keyConflict(entry, found);
    return head;
  }
  db.prepare('INSERT INTO entries (seq, previous, hash, body) VALUES (?, ?, ?, ?)').run([link.seq, link.previous, link.hash, link.body]);
  for (const view of foldEntry(lookup(db), entry, link.seq)) keepView(db, view);
  return { seq: link.seq, hash: link.hash };
}

function lookup(db: Connection): RunLookup {
  const views = (where: string, values: string[]) => (db.prepare(`SELECT view FROM runs WHERE ${where} ORDER BY first_seq DESC`).all(values) as { view: string }[]).map((row) => JSON.parse(row.view) as RunView);
  return {
    byChain: (chain) => views('chain = ?', [chain])[0] ?? null,
    byRun: (run) => views('run = ?', [run])[0] ?? null,
    unsettledOf: (host, link) => views(`host = ? AND link = ? AND phase = 'unsettled'`, [host, link]),
  };
}

function keepView(db: Connection, view: RunView): void {
  db.prepare('INSERT INTO runs (chain, view) VALUES (?, ?) ON CONFLICT (chain) DO UPDATE SET view = excluded.view').run([view.chain, JSON.stringify(view)]);
}

function expectFit(entry: AuditEntry): void {
  const problem = entryProblem(entry);
  if (problem) throw new RecordsError('bad-entry', problem);
  const length = textOf(entry).length;
  if (length > MAX_ENTRY_LENGTH) {
    throw new RecordsError('bad-entry', { what: `audit entry ${entry.key}`, expected: `at most ${MAX_ENTRY_LENGTH} characters`, got: String(length), wayOut: 'put the long text into evidence and its digest into the entry' });
  }
}

function textOf(entry: AuditEntry): string {
  try {
    return nextLink(EMPTY_HEAD, entry).body;
  } catch (error) {
    throw new RecordsError('bad-entry', { what: `audit entry ${entry.key}`, expected: 'plain JSON', got: (error as Error).message, wayOut: 'turn dates and the like into text' }, error);
  }
}

function keyConflict(entry: AuditEntry, found: Pick<ChainLink, 'seq' | 'body'>): RecordsError {
  const stored = JSON.parse(found.body) as AuditEntry;
  return new RecordsError('key-conflict', {
    what: `audit key ${entry.key}`,
    expected: `what entry ${found.seq} says under it: ${label(stored)}`,
    got: label(entry),
    wayOut: 'give the new entry a key of its own; entries are never replaced',
  });
}

const label = ({ event, at, run, actor, data }: AuditEntry): string => `${event} at ${at} of ${run || 'the host'} by ${actor}, ${JSON.stringify(data).slice(0, 200)}`;
