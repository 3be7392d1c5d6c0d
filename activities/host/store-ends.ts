/** What must survive for a change to end by itself: the highest time seen, what the host did at the end, and who is undoing now. */
import type Database from 'libsql';

/** The highest time that was seen while a change with an end stood, and where the kernel's own clock was then. */
export interface TimeMark {
  /** Unix milliseconds. */
  highest: number;
  /** Of the running kernel. */
  boot: string;
  /** Clock ticks since boot, sleep included: nobody sets them back. */
  ticks: number;
}

/** What the host did by itself at the end of a change. */
export interface EndRecord {
  chain: string;
  run: string;
  /** Canonical link path. */
  link: string;
  /** ISO: the end that had come. */
  end: string;
  /** ISO: when the host first took the lease for it. */
  beganAt: string;
  /** Of the last such lease. */
  epoch: number;
  tries: number;
  /** null: not yet verified, tried again. */
  outcome: 'restored' | 'superseded' | null;
  /** ISO; null: not yet. */
  doneAt: string | null;
  /** Version that was left, and version that answers now. */
  from: string | null;
  version: string | null;
  problem: string;
}

/** A process that is undoing an environment's change. */
export interface UndoMark {
  link: string;
  op: string;
  pid: number;
  started: number;
  boot: string;
  /** When it began, in clock ticks since boot. */
  ticks: number;
}

export interface EndTable {
  mark(chain: string): TimeMark | undefined;
  setMark(chain: string, mark: TimeMark): void;
  /** Drops the marks of changes that are armed no more. */
  dropMarks(): void;
  record(chain: string): EndRecord | undefined;
  /** Of one environment, newest first. */
  records(link: string): EndRecord[];
  /** Keeps it. `isNews`: it is to be told (again). */
  setRecord(record: EndRecord, isNews: boolean): void;
  /** Records that are news, and those that are not final and therefore go with every event. */
  toTell(): { record: EndRecord; isNews: boolean }[];
  /** They stand in an event now, which is kept until it was received. */
  setTold(chains: string[]): void;
  undoMark(link: string): UndoMark | undefined;
  setUndoMark(mark: UndoMark): void;
  clearUndoMark(link: string, op: string): void;
}

/** The rows of ends of a store. */
export function endTable(db: Database.Database): EndTable {
  const parse = (row: unknown): EndRecord => JSON.parse((row as { body: string }).body) as EndRecord;
  return {
    mark: (chain) => {
      const row = db.prepare('SELECT highest, boot, ticks FROM end_marks WHERE chain = ?').get(chain) as TimeMark | undefined;
      return row && { highest: row.highest, boot: row.boot, ticks: row.ticks };
    },
    setMark: (chain, { highest, boot, ticks }) => void db.prepare('INSERT OR REPLACE INTO end_marks (chain, highest, boot, ticks) VALUES (?, ?, ?, ?)').run(chain, highest, boot, ticks),
    dropMarks: () => void db.prepare('DELETE FROM end_marks WHERE chain NOT IN (SELECT chain FROM armed)').run(),
    record: (chain) => {
      const row = db.prepare('SELECT body FROM end_records WHERE chain = ?').get(chain);
      return row === undefined ? undefined : parse(row);
    },
    records: (link) => db.prepare('SELECT body FROM end_records WHERE link = ? ORDER BY rowid DESC').all(link).map(parse),
    setRecord(record, isNews) {
      db.prepare('INSERT INTO end_records (chain, link, body, told) VALUES (?, ?, ?, 1) ON CONFLICT (chain) DO UPDATE SET body = excluded.body').run(record.chain, record.link, JSON.stringify(record));
      if (isNews) db.prepare('UPDATE end_records SET told = 0 WHERE chain = ?').run(record.chain);
    },
    toTell() {
      const rows = db.prepare("SELECT body, told FROM end_records WHERE told = 0 OR json_extract(body, '$.outcome') IS NULL ORDER BY rowid").all() as { body: string; told: number }[];
      return rows.map((row) => ({ record: parse(row), isNews: row.told === 0 }));
    },
    setTold: (chains) => chains.forEach((chain) => db.prepare('UPDATE end_records SET told = 1 WHERE chain = ?').run(chain)),
    undoMark: (link) => db.prepare('SELECT * FROM undo_marks WHERE link = ?').get(link) as UndoMark | undefined,
    setUndoMark: ({ link, op, pid, started, boot, ticks }) => void db.prepare('INSERT OR REPLACE INTO undo_marks (link, op, pid, started, boot, ticks) VALUES (?, ?, ?, ?, ?, ?)').run(link, op, pid, started, boot, ticks),
    clearUndoMark: (link, op) => void db.prepare('DELETE FROM undo_marks WHERE link = ? AND op = ?').run(link, op),
  };
}
