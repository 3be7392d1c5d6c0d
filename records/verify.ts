/** Verifying the whole file: chain, the head the last append noted, run table, evidence. */
import { canonicalJson } from '../policy/canonical.js';
import { verifyChain } from '../policy/chain.js';
import type { ChainBroken, ChainFault, ChainVerdict } from '../policy/chain.js';
import type { AuditEntry, EvidenceRef, Head } from '../policy/records.js';
import { foldEntry } from '../policy/run-view.js';
import type { RunLookup, RunView } from '../policy/run-view.js';
import { notedHead } from './append.js';
import type { Connection } from './database.js';
import { changedEvidence, hasEvidence } from './evidence.js';
import { linksAfter } from './queries.js';

/** Call it inside one snapshot. @param knownHead a head kept elsewhere, see `verifyChain` */
export function verifyRecords(db: Connection, knownHead?: Head): ChainVerdict {
  const verdict = verifyChain(linksAfter(db, 0), knownHead);
  if (!verdict.ok) return verdict;
  return endFault(verdict.head, notedHead(db)) ?? derivedFault(db) ?? verdict;
}

function endFault(head: Head, noted: Head): ChainBroken | null {
  if (head.seq === noted.seq && head.hash === noted.hash) return null;
  if (noted.seq > head.seq) return fault(head.seq + 1, 'truncated', `entries up to ${noted.seq}, as the last append noted`, `an end at ${head.seq}`);
  return fault(Math.min(noted.seq + 1, head.seq), 'rewritten', `an end at entry ${noted.seq}, hash ${noted.hash}, as the last append noted`, `an end at ${head.seq}, hash ${head.hash}`);
}

/** The run table is made again from the entries and compared; evidence that entries name as kept must be there, unchanged. */
function derivedFault(db: Connection): ChainBroken | null {
  const table = new RunTable();
  const changed = changedEvidence(db);
  for (const { seq, body } of linksAfter(db, 0)) {
    const entry = JSON.parse(body) as AuditEntry;
    const bad = keptEvidence(entry).find(({ sha256 }) => changed.has(sha256) || !hasEvidence(db, sha256));
    if (bad) return fault(seq, 'evidence', `evidence "${bad.name}", sha256 ${bad.sha256}`, changed.has(bad.sha256) ? 'another text under that digest' : 'nothing under that digest');
    for (const row of foldEntry(table, entry, seq)) table.set(row);
  }
  return runTableFault(db, table.rows);
}

function runTableFault(db: Connection, rows: Map<string, RunView>): ChainBroken | null {
  for (const { chain, view } of db.prepare('SELECT chain, view FROM runs').all() as { chain: string; view: string }[]) {
    const row = rows.get(chain);
    if (!row) return fault(1, 'run-table', 'only runs that entries tell of', `a row for chain ${chain}`);
    const [expected, got] = [canonicalJson(row), canonicalJson(JSON.parse(view))];
    if (expected !== got) return fault(row.lastSeq, 'run-table', `the row of ${row.run} as its entries tell it: ${difference(expected, got)}`, difference(got, expected));
    rows.delete(chain);
  }
  const [lost] = rows.values();
  return lost ? fault(lost.firstSeq, 'run-table', `a row for ${lost.run}`, 'none') : null;
}

/** The run table in memory, for one pass over all entries. */
class RunTable implements RunLookup {
  readonly rows = new Map<string, RunView>();
  private readonly newest = new Map<string, string>();

  set(row: RunView): void {
    if (!this.rows.has(row.chain)) this.newest.set(row.run, row.chain);
    this.rows.set(row.chain, row);
  }

  byChain(chain: string): RunView | null {
    return this.rows.get(chain) ?? null;
  }

  byRun(run: string): RunView | null {
    return this.byChain(this.newest.get(run) ?? '');
  }

  unsettledOf(host: string, link: string): RunView[] {
    return [...this.rows.values()].filter((row) => row.phase === 'unsettled' && row.host === host && row.link === link);
  }
}

function keptEvidence(entry: AuditEntry): EvidenceRef[] {
  const named = entry.data['evidence'];
  return Array.isArray(named) ? (named as EvidenceRef[]).filter((ref) => ref.kept === true) : [];
}

/** The stretch around the first character in which two texts differ. */
function difference(text: string, other: string): string {
  let at = 0;
  while (at < text.length && text[at] === other[at]) at++;
  return `…${text.slice(Math.max(0, at - 30), at + 30)}…`;
}

const fault = (firstBad: number, reason: ChainFault, expected: string, got: string): ChainBroken => ({ ok: false, firstBad, reason, expected, got });
