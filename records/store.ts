/** The records of one control worker: audit trail, run table, evidence, in one SQLite file. */
import path from 'node:path';
import type { ChainVerdict } from '../policy/chain.js';
import { toStored } from '../policy/records.js';
import type { AuditEntry, AuditEvent, Head, StoredEntry } from '../policy/records.js';
import type { RunView } from '../policy/run-view.js';
import { appendBatch, storedHead } from './append.js';
import { immediately, openForReading, openForWriting, snapshot } from './database.js';
import type { Connection } from './database.js';
import { readEvidence, storeEvidence } from './evidence.js';
import { entriesByEvent, entriesOf, findRun, historyOf, linksAfter, listRuns, newestOfHost, runsNamed } from './queries.js';
import type { RunFilter } from './queries.js';
import { verifyRecords } from './verify.js';

/** What the CLI and reports may ask. Every method throws `RecordsError`. */
export interface RecordsReader {
  /** Absolute. */
  readonly file: string;
  /** Where the trail ends; an empty trail ends at entry 0. */
  head(): Head;
  /** Newest first. */
  listRuns(filter?: RunFilter): RunView[];
  /** By short id, workflow id or chain; null when no entry tells of it. */
  run(id: string): RunView | null;
  /** All entries of one run in their order, or of a host's watch (`watch-HOST`); none for an unknown id. */
  entriesOf(id: string): StoredEntry[];
  /** All entries of one event, oldest first. */
  entriesByEvent(event: AuditEvent): StoredEntry[];
  /** The newest entry of one event about one host, or null. */
  newestOfHost(event: AuditEvent, host: string): StoredEntry | null;
  /** Every run of these short ids, also those that other runs ordered; oldest first. Two runs may share one. */
  runsNamed(names: readonly string[]): RunView[];
  /** Runs after which this environment was another than before, newest first. */
  historyOf(host: string, link: string): RunView[];
  /** Every entry after a number, in order, for export: one state of the file, so close the loop soon. */
  entriesAfter(seq: number, visit: (entry: StoredEntry) => void): void;
  /** @param knownHead a head kept elsewhere: only with one can a trail shortened with care be told from a whole one */
  verify(knownHead?: Head): ChainVerdict;
  /** The text under a digest, or null. */
  getEvidence(sha256: string): string | null;
  close(): void;
}

export interface Records extends RecordsReader {
  /**
   * All of the batch in one synced transaction, or nothing. Sending it again changes nothing; a key with other content
   * is an error (`key-conflict`). `evidence` is kept in the same transaction.
   */
  append(batch: readonly AuditEntry[], evidence?: readonly string[]): Head;
  /** Keeps a text of at most 256 KiB and returns its sha256 in hex. */
  putEvidence(text: string): string;
}

/** `waitMs`: how long a call waits for another process's write before it says `busy`; 5 s unless told. */
export interface OpenOptions {
  waitMs?: number;
}

/** Opens the records for writing and makes them where they are missing. @throws RecordsError */
export function openRecords(file: string, { waitMs }: OpenOptions = {}): Records {
  const absolute = path.resolve(file);
  const db = openForWriting(absolute, waitMs);
  return {
    ...reader(db, absolute),
    append: (batch, evidence = []) => appendBatch(db, absolute, batch, evidence),
    putEvidence: (text) => immediately(db, absolute, () => storeEvidence(db, text)),
  };
}

/** Opens the records for reading only; a writer may be at work. @throws RecordsError `missing` before the first run */
export function openRecordsReadOnly(file: string, { waitMs }: OpenOptions = {}): RecordsReader {
  const absolute = path.resolve(file);
  return reader(openForReading(absolute, waitMs), absolute);
}

function reader(db: Connection, file: string): RecordsReader {
  const ask = <T>(question: () => T): T => snapshot(db, file, question);
  return {
    file,
    head: () => ask(() => storedHead(db)),
    listRuns: (filter = {}) => ask(() => listRuns(db, filter)),
    run: (id) => ask(() => findRun(db, id)),
    entriesOf: (id) => ask(() => {
      const view = findRun(db, id);
      return entriesOf(db, view ?? { run: id, firstSeq: 0, lastSeq: Number.MAX_SAFE_INTEGER });
    }),
    entriesByEvent: (event) => ask(() => entriesByEvent(db, event)),
    newestOfHost: (event, host) => ask(() => newestOfHost(db, event, host)),
    runsNamed: (names) => ask(() => runsNamed(db, names)),
    historyOf: (host, link) => ask(() => historyOf(db, host, link)),
    entriesAfter: (seq, visit) => ask(() => {
      for (const link of linksAfter(db, seq)) visit(toStored(link));
    }),
    verify: (knownHead) => ask(() => verifyRecords(db, knownHead)),
    getEvidence: (sha256) => ask(() => readEvidence(db, file, sha256)),
    close: () => void db.close(),
  };
}
