/** Who holds the right to change an environment, and who waits for it. Rows only: the rules are in `lease.ts`. */
import type Database from 'libsql';
import type { LeaseHolder, LeaseView } from './contract.js';

export type Priority = 'forward' | 'undo' | 'expiry';

export interface LeaseRow {
  link: string;
  /** Only ever grows; a new holder has a higher one. */
  epoch: number;
  state: LeaseView['state'];
  holder: LeaseHolder | null;
  priority: Priority;
  /** ISO instant since when this holder has it. */
  since: string;
  /** Unix milliseconds of the holder's last order. */
  lastOrder: number;
  /** The link was switched by a change that was neither closed nor undone, by this holder or one it took over from. */
  switched: boolean;
}

export interface LeaseTable {
  /** The row; `free` with epoch 0 where there never was a holder. */
  get(link: string): LeaseRow;
  put(row: LeaseRow): void;
  /** Every environment that ever had a holder. */
  all(): LeaseRow[];
  /** Notes that a run waits, keeping its place. `now`: Unix milliseconds. */
  wait(link: string, waiter: LeaseHolder, now: number): void;
  /** Waiting runs in order of their place, but for those not seen for `patienceMs`. `now`: Unix milliseconds. */
  waiters(link: string, now: number, patienceMs: number): LeaseHolder[];
  stopWaiting(link: string, chain: string): void;
}

interface Raw {
  link: string;
  epoch: number;
  state: LeaseView['state'];
  workflow_id: string | null;
  chain: string | null;
  run: string | null;
  priority: Priority;
  since: string;
  last_order: number;
  switched: number;
}

const toRow = (raw: Raw): LeaseRow => ({
  link: raw.link,
  epoch: raw.epoch,
  state: raw.state,
  holder: raw.chain === null ? null : { workflowId: raw.workflow_id!, chain: raw.chain, run: raw.run! },
  priority: raw.priority,
  since: raw.since,
  lastOrder: raw.last_order,
  switched: raw.switched === 1,
});

/** The lease rows of a store. */
export function leaseTable(db: Database.Database): LeaseTable {
  const free = (link: string): LeaseRow => ({ link, epoch: 0, state: 'free', holder: null, priority: 'forward', since: '', lastOrder: 0, switched: false });
  return {
    get(link) {
      const raw = db.prepare('SELECT * FROM leases WHERE link = ?').get(link) as Raw | undefined;
      return raw ? toRow(raw) : free(link);
    },
    put({ link, epoch, state, holder, priority, since, lastOrder, switched }) {
      db.prepare('INSERT OR REPLACE INTO leases (link, epoch, state, workflow_id, chain, run, priority, since, last_order, switched) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
        .run(link, epoch, state, holder?.workflowId ?? null, holder?.chain ?? null, holder?.run ?? null, priority, since, lastOrder, switched ? 1 : 0);
    },
    all: () => (db.prepare('SELECT * FROM leases ORDER BY link').all() as Raw[]).map(toRow),
    wait(link, { chain, workflowId, run }, now) {
      db.prepare('INSERT INTO waiters (link, chain, workflow_id, run, seen) VALUES (?, ?, ?, ?, ?) ON CONFLICT (link, chain) DO UPDATE SET seen = excluded.seen')
        .run(link, chain, workflowId, run, now);
    },
    waiters(link, now, patienceMs) {
      // The clock was set back: who was seen later than now counts as seen now, or a dead one would be waited for that long.
      db.prepare('UPDATE waiters SET seen = ? WHERE link = ? AND seen > ?').run(now, link, now);
      // Forgotten ones lose their place: who comes back after that is last in line.
      db.prepare('DELETE FROM waiters WHERE link = ? AND seen < ?').run(link, now - patienceMs);
      const rows = db.prepare('SELECT workflow_id, chain, run FROM waiters WHERE link = ? ORDER BY place').all(link) as { workflow_id: string; chain: string; run: string }[];
      return rows.map(({ workflow_id: workflowId, chain, run }) => ({ workflowId, chain, run }));
    },
    stopWaiting: (link, chain) => void db.prepare('DELETE FROM waiters WHERE link = ? AND chain = ?').run(link, chain),
  };
}
