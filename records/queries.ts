/** Questions to the records. None of them changes anything. */
import { toStored } from '../policy/records.js';
import type { AuditEvent, ChainLink, StoredEntry } from '../policy/records.js';
import type { RunView } from '../policy/run-view.js';
import { isBack, toldAt } from '../policy/standing.js';
import type { Connection } from './database.js';

export interface RunFilter {
  /** true: only runs without an end; false: only ended ones. */
  open?: boolean;
  host?: string;
  link?: string;
  kind?: string;
  /** Also runs that another run ordered. */
  children?: boolean;
  /** Most rows; 100 unless told. */
  limit?: number;
}

/** Rows fetched at once when all entries are read; keeps memory flat. */
const PAGE = 500;

/** Runs, newest first. */
export function listRuns(db: Connection, { open, host, link, kind, children = false, limit = 100 }: RunFilter): RunView[] {
  const clauses: [string, ...string[]][] = [];
  if (open !== undefined) clauses.push([`ended_at IS ${open ? '' : 'NOT '}NULL`]);
  if (host !== undefined) clauses.push(['host = ?', host]);
  if (link !== undefined) clauses.push(['link = ?', link]);
  if (kind !== undefined) clauses.push([`view ->> '$.kind' = ?`, kind]);
  if (!children) clauses.push(['parent IS NULL']);
  const where = clauses.length > 0 ? `WHERE ${clauses.map(([clause]) => clause).join(' AND ')}` : '';
  const values = clauses.flatMap(([, ...bound]) => bound);
  return views(db, `SELECT view FROM runs ${where} ORDER BY first_seq DESC LIMIT ?`, [...values, limit]);
}

/** A run by short id, workflow id or chain; of several with one short id the newest. */
export function findRun(db: Connection, id: string): RunView | null {
  return views(db, 'SELECT view FROM runs WHERE run = ? OR workflow_id = ? OR chain = ? ORDER BY first_seq DESC LIMIT 1', [id, id, id])[0] ?? null;
}

/** Every run of these short ids, also those that other runs ordered; oldest first. */
export function runsNamed(db: Connection, names: readonly string[]): RunView[] {
  return views(db, `SELECT view FROM runs WHERE run IN (${names.map(() => '?').join(', ')}) ORDER BY first_seq`, [...names]);
}

/** All entries of one run in their order. */
export function entriesOf(db: Connection, view: Pick<RunView, 'run' | 'firstSeq' | 'lastSeq'>): StoredEntry[] {
  const rows = db.prepare('SELECT seq, previous, hash, body FROM entries WHERE run = ? AND seq BETWEEN ? AND ? ORDER BY seq').all([view.run, view.firstSeq, view.lastSeq]) as ChainLink[];
  return rows.map(toStored);
}

/** All entries of one event in their order. */
export function entriesByEvent(db: Connection, event: AuditEvent): StoredEntry[] {
  return (db.prepare('SELECT seq, previous, hash, body FROM entries WHERE event = ? ORDER BY seq').all([event]) as ChainLink[]).map(toStored);
}

/** The newest entry of one event about one host, or null. */
export function newestOfHost(db: Connection, event: AuditEvent, host: string): StoredEntry | null {
  const row = db.prepare(`SELECT seq, previous, hash, body FROM entries WHERE event = ? AND body ->> '$.host' = ? ORDER BY seq DESC LIMIT 1`).get([event, host]) as ChainLink | undefined;
  return row ? toStored(row) : null;
}

/**
 * Runs after which the environment was another than before, newest first; also exceptions that stood and went back. A change that a fallback ordered is told as the
 * fallback: one line for one change.
 */
export function historyOf(db: Connection, host: string, link: string): RunView[] {
  const changed = views(db, `SELECT view FROM runs WHERE host = ? AND link = ? AND (changed <> 'no' OR view ->> '$.exception.reverted.verified' = 1) ORDER BY first_seq DESC`, [host, link]);
  const told = new Set(changed.map((view) => view.run));
  return changed.flatMap((view) => {
    if (view.parent === null) return [view];
    if (told.has(view.parent)) return [];
    const parent = findRun(db, view.parent);
    return [parent ? { ...parent, changed: view.changed, changedAt: view.changedAt, from: view.from, to: view.to } : view];
  }).sort((a, b) => effectAt(b).localeCompare(effectAt(a), 'en'));
}

/** Of its last effect on the environment. */
const effectAt = (view: RunView): string => (isBack(view) ? toldAt(view) : (view.changedAt ?? ''));

/**
 * Every entry after a number, a page at a time; for export and verification. Wrap it in one snapshot. The text is read as
 * bytes: as text it would end at a NUL, and bytes that are no text would all look alike.
 */
export function* linksAfter(db: Connection, after: number): Generator<ChainLink> {
  const page = db.prepare('SELECT seq, previous, hash, CAST(body AS BLOB) AS body FROM entries WHERE seq > ? ORDER BY seq LIMIT ?');
  for (let last = after; ; ) {
    const rows = page.all([last, PAGE]) as (Omit<ChainLink, 'body'> & { body: ArrayBuffer })[];
    for (const row of rows) yield { ...row, body: bodyText(row.body) };
    if (rows.length < PAGE) return;
    last = rows.at(-1)!.seq;
  }
}

/** Bytes that are no UTF-8 come out as other text than any entry's. */
function bodyText(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return Buffer.from(bytes).toString('latin1');
  }
}

function views(db: Connection, sql: string, values: (string | number)[]): RunView[] {
  return (db.prepare(sql).all(values) as { view: string }[]).map((row) => JSON.parse(row.view) as RunView);
}
