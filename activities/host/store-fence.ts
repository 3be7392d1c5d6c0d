/** The highest fencing token an environment has seen, and the process groups that older tokens started. */
import type Database from 'libsql';

/** Compared field by field: a higher epoch beats everything, then the later order of a run, then its later attempt. */
export interface Token {
  epoch: number;
  seq: number;
  attempt: number;
}

export interface GroupRow extends Token {
  link: string;
  pgid: number;
  /** Start of its leader, in clock ticks since boot (`/proc/PID/stat`, field 22): tells it from a later one with its number. */
  started: number;
  op: string;
}

export interface FenceTable {
  seen(link: string): Token;
  raise(link: string, token: Token): void;
  addGroup(row: GroupRow): void;
  removeGroup(link: string, pgid: number): void;
  /** Groups of one environment, or of all. */
  groups(link?: string): GroupRow[];
}

/** Negative when `a` is older than `b`, 0 for the same, positive when it is newer. */
export const compareTokens = (a: Token, b: Token): number => a.epoch - b.epoch || a.seq - b.seq || a.attempt - b.attempt;

/** `epoch 3, order 5, attempt 1`. */
export const tokenText = ({ epoch, seq, attempt }: Token): string => `epoch ${epoch}, order ${seq}, attempt ${attempt}`;

/** The fencing rows of a store. */
export function fenceTable(db: Database.Database): FenceTable {
  return {
    seen(link) {
      const row = db.prepare('SELECT epoch, seq, attempt FROM fences WHERE link = ?').get(link) as Token | undefined;
      return row ? { epoch: row.epoch, seq: row.seq, attempt: row.attempt } : { epoch: 0, seq: 0, attempt: 0 };
    },
    raise(link, { epoch, seq, attempt }) {
      db.prepare('INSERT OR REPLACE INTO fences (link, epoch, seq, attempt) VALUES (?, ?, ?, ?)').run(link, epoch, seq, attempt);
    },
    addGroup({ link, pgid, started, op, epoch, seq, attempt }) {
      db.prepare('INSERT OR REPLACE INTO process_groups (link, pgid, started, op, epoch, seq, attempt) VALUES (?, ?, ?, ?, ?, ?, ?)').run(link, pgid, started, op, epoch, seq, attempt);
    },
    removeGroup: (link, pgid) => void db.prepare('DELETE FROM process_groups WHERE link = ? AND pgid = ?').run(link, pgid),
    groups(link) {
      const rows = link === undefined ? db.prepare('SELECT * FROM process_groups').all() : db.prepare('SELECT * FROM process_groups WHERE link = ?').all(link);
      return rows as GroupRow[];
    },
  };
}
