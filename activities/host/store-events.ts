/** News that was not yet confirmed, and what each environment looked like when it was last told. */
import type Database from 'libsql';
import type { HostEvent } from './contract.js';

export interface EventTable {
  /** Keeps an event and gives it its number, which is greater than `after` and than every one before it. */
  add(event: Omit<HostEvent, 'cursor'>, after: number): HostEvent;
  /** The first event after `cursor`; those up to it were received and are dropped. */
  next(cursor: number): HostEvent | undefined;
  fingerprint(link: string): string | undefined;
  /** Of the fingerprints, by link; of one that an earlier version wrote there is none. */
  digests(): Map<string, string>;
  setFingerprint(link: string, fingerprint: string, digest: string): void;
}

/** The rows of news of a store. */
export function eventTable(db: Database.Database): EventTable {
  return {
    add(event, after) {
      // AUTOINCREMENT never gives a number twice, also when all rows are gone. A host whose store was lost starts above
      // what its watch run has seen.
      const top = db.prepare("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0) AS top").get() as { top: number };
      const cursor = Math.max(top.top, after) + 1;
      db.prepare('INSERT INTO events (cursor, body) VALUES (?, ?)').run(cursor, JSON.stringify(event));
      return { cursor, ...event };
    },
    next(cursor) {
      db.prepare('DELETE FROM events WHERE cursor <= ?').run(cursor);
      const row = db.prepare('SELECT cursor, body FROM events ORDER BY cursor LIMIT 1').get() as { cursor: number; body: string } | undefined;
      return row && { cursor: row.cursor, ...(JSON.parse(row.body) as Omit<HostEvent, 'cursor'>) };
    },
    fingerprint: (link) => (db.prepare('SELECT fingerprint FROM seen WHERE link = ?').get(link) as { fingerprint: string } | undefined)?.fingerprint,
    digests: () => new Map((db.prepare('SELECT link, digest FROM seen_digests').all() as { link: string; digest: string }[]).map(({ link, digest }) => [link, digest])),
    setFingerprint(link, fingerprint, digest) {
      db.prepare('INSERT OR REPLACE INTO seen (link, fingerprint) VALUES (?, ?)').run(link, fingerprint);
      db.prepare('INSERT OR REPLACE INTO seen_digests (link, digest) VALUES (?, ?)').run(link, digest);
    },
  };
}
