/** Warrants that were taken: a request entitles one run, under one lease, once. */
import type Database from 'libsql';
import type { Warrant } from '../../policy/model-approval.js';
import type { Plan } from '../../policy/model.js';

export interface WarrantRow {
  /** Request id of the decision; one row for each. */
  request: string;
  chain: string;
  /** Of the lease it was first used under: a run that gave its lease back has used it up. */
  epoch: number;
  run: string;
  /** Canonical link path. */
  link: string;
  /** ISO, by the host's clock, when it was first taken: what it allows had begun by then. */
  at: string;
  warrant: Warrant;
  /** What it allows; null where no host is built on by it. */
  plan: Plan | null;
}

export interface WarrantTable {
  get(request: string): WarrantRow | undefined;
  /** The newest that a chain brought. */
  newest(chain: string): WarrantRow | undefined;
  /** The newest that was taken for an environment, by its canonical link path. */
  newestOn(link: string): WarrantRow | undefined;
  /** Keeps it, unless its request is there already; the first one stays. */
  keep(row: WarrantRow): void;
}

type Raw = Omit<WarrantRow, 'warrant' | 'plan'> & { body: string };

/** The rows of warrants of a store. */
export function warrantTable(db: Database.Database): WarrantTable {
  const toRow = ({ request, chain, epoch, run, link, at, body }: Raw): WarrantRow => ({ request, chain, epoch, run, link, at, ...(JSON.parse(body) as Pick<WarrantRow, 'warrant' | 'plan'>) });
  const find = (where: string, value: string): WarrantRow | undefined => {
    const raw = db.prepare(`SELECT * FROM warrants WHERE ${where} ORDER BY place DESC LIMIT 1`).get(value) as Raw | undefined;
    return raw && toRow(raw);
  };
  return {
    get: (request) => find('request = ?', request),
    newest: (chain) => find('chain = ?', chain),
    newestOn: (link) => find('link = ?', link),
    keep({ request, chain, epoch, run, link, at, warrant, plan }) {
      db.prepare('INSERT OR IGNORE INTO warrants (request, chain, epoch, run, link, at, body, place) VALUES (?, ?, ?, ?, ?, ?, ?, (SELECT coalesce(max(place), 0) + 1 FROM warrants))')
        .run(request, chain, epoch, run, link, at, JSON.stringify({ warrant, plan }));
    },
  };
}
