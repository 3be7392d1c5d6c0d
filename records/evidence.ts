/** Evidence by content: test output, plans, verdicts, kept under the sha256 of their text. */
import { createHash } from 'node:crypto';
import type { Connection } from './database.js';
import { RecordsError } from './errors.js';

/** Largest evidence kept here, in bytes of UTF-8 (decision 23); larger stays on the host and is read in pieces. */
export const MAX_EVIDENCE_BYTES = 256 * 1024;

/** Keeps a text and returns its digest in hex; a text already there is kept once. @throws RecordsError `bad-evidence` */
export function storeEvidence(db: Connection, text: string): string {
  const content = Buffer.from(text, 'utf8');
  if (content.length > MAX_EVIDENCE_BYTES) {
    throw new RecordsError('bad-evidence', { what: 'evidence', expected: `at most ${MAX_EVIDENCE_BYTES} bytes`, got: `${content.length} bytes`, wayOut: 'leave it on the host and record its digest and path' });
  }
  const sha256 = digestOf(content);
  db.prepare('INSERT INTO evidence (sha256, content) VALUES (?, ?) ON CONFLICT (sha256) DO NOTHING').run([sha256, content]);
  return sha256;
}

/** The text under a digest, or null. @throws RecordsError `broken-trail` when what stands there is another text */
export function readEvidence(db: Connection, file: string, sha256: string): string | null {
  const row = db.prepare('SELECT content FROM evidence WHERE sha256 = ?').get([sha256]) as { content: Buffer } | undefined;
  if (!row) return null;
  const found = digestOf(row.content);
  if (found !== sha256) {
    throw new RecordsError('broken-trail', { what: `evidence ${sha256} in ${file}`, expected: 'the text of that digest', got: `a text of digest ${found}`, wayOut: 'restore it from a backup; runbook audit verify names the entries that rest on it' });
  }
  return row.content.toString('utf8');
}

/** Digests under which another text stands than was kept. */
export function changedEvidence(db: Connection): Set<string> {
  const changed = new Set<string>();
  for (const { sha256 } of db.prepare('SELECT sha256 FROM evidence ORDER BY sha256').all() as { sha256: string }[]) {
    const { content } = db.prepare('SELECT content FROM evidence WHERE sha256 = ?').get([sha256]) as { content: Buffer };
    if (digestOf(content) !== sha256) changed.add(sha256);
  }
  return changed;
}

export const hasEvidence = (db: Connection, sha256: string): boolean => db.prepare('SELECT 1 AS found FROM evidence WHERE sha256 = ?').get([sha256]) !== undefined;

const digestOf = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
