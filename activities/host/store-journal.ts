/** The agent's own account of what it was told and did: one chain over all environments, so that it can't be rewritten quietly. */
import type Database from 'libsql';
import { canonicalJson } from '../../policy/canonical.js';
import { verifyChain, type ChainVerdict } from '../../policy/chain.js';
import { EMPTY_HEAD, linkHash, type ChainLink, type Head } from '../../policy/records.js';

/** What a row is: about to be done, done, or seen beside any order (a lease taken, a local undo asked for). */
export type JournalKind = 'intent' | 'receipt' | 'observation';

export interface JournalEntry {
  link: string;
  /** `CHAIN/SEQ/STEP`. */
  op: string;
  kind: JournalKind;
  run: string;
  /** ISO instant. */
  at: string;
  attempt: number;
  body: unknown;
}

export interface Journal {
  append(entry: JournalEntry): void;
  /** Body of the last receipt of an operation; undefined: none. */
  receipt(op: string): { body: unknown } | undefined;
  /** Body of the first intent of an operation: what was decided when it was first given. */
  intent(op: string): { body: unknown } | undefined;
  /** Operations of the observations whose operation begins so, oldest first. */
  observations(prefix: string): string[];
  /** Whether a chain closed its change. */
  hasClosed(chain: string): boolean;
  /** Whether a run ever acted on this environment. */
  knowsRun(link: string, run: string): boolean;
  entries(link?: string): JournalEntry[];
  head(): Head;
  /** Follows the chain. `known`: a head somebody kept, so that a cut-off end shows too. */
  verify(known?: Head): ChainVerdict;
}

interface Raw extends ChainLink {
  link: string;
  op: string;
  kind: JournalKind;
}

/** The journal of a store. */
export function journal(db: Database.Database, exclusive: <T>(act: () => T) => T): Journal {
  const head = (): Head => {
    const row = db.prepare('SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1').get() as Head | undefined;
    return row ? { seq: row.seq, hash: row.hash } : EMPTY_HEAD;
  };
  const parse = (row: Raw): JournalEntry => JSON.parse(row.body) as JournalEntry;
  return {
    append(entry) {
      const body = canonicalJson(entry);
      exclusive(() => {
        const previous = head();
        const seq = previous.seq + 1;
        db.prepare('INSERT INTO journal (seq, previous, hash, link, op, kind, run, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
          .run(seq, previous.hash, linkHash(seq, previous.hash, body), entry.link, entry.op, entry.kind, entry.run, body);
      });
    },
    receipt(op) {
      const row = db.prepare("SELECT * FROM journal WHERE op = ? AND kind = 'receipt' ORDER BY seq DESC LIMIT 1").get(op) as Raw | undefined;
      return row && { body: parse(row).body };
    },
    intent(op) {
      const row = db.prepare("SELECT * FROM journal WHERE op = ? AND kind = 'intent' ORDER BY seq LIMIT 1").get(op) as Raw | undefined;
      return row && { body: parse(row).body };
    },
    observations: (prefix) => (db.prepare("SELECT op FROM journal WHERE kind = 'observation' AND substr(op, 1, ?) = ? ORDER BY seq").all(prefix.length, prefix) as { op: string }[]).map(({ op }) => op),
    hasClosed: (chain) => db.prepare("SELECT 1 FROM journal WHERE kind = 'receipt' AND substr(op, 1, ?) = ? AND op LIKE '%/close' LIMIT 1").get(chain.length + 1, `${chain}/`) !== undefined,
    knowsRun: (link, run) => db.prepare('SELECT 1 FROM journal WHERE link = ? AND run = ? LIMIT 1').get(link, run) !== undefined,
    entries(link) {
      const rows = link === undefined ? db.prepare('SELECT * FROM journal ORDER BY seq').all() : db.prepare('SELECT * FROM journal WHERE link = ? ORDER BY seq').all(link);
      return (rows as Raw[]).map(parse);
    },
    head,
    verify: (known) => verifyChain(db.prepare('SELECT seq, previous, hash, body FROM journal ORDER BY seq').all() as Raw[], known),
  };
}
