/** Stored times of performance probes: one row for each environment, interpreter line and probe (PV-26). */
import type Database from 'libsql';

export interface BaselineKey {
  /** Canonical link path. */
  link: string;
  /** Interpreter line: `3.11`. */
  line: string;
  probe: string;
}

export interface BaselineRow extends BaselineKey {
  /** Least time of one execution, milliseconds. */
  ms: number;
  run: string;
  at: string;
}

export interface BaselineTable {
  /** Time that stood there before this run, whether or not it has stored its own; null: none did. */
  before(key: BaselineKey, run: string): number | null;
  /** Stores a run's time. Done again by the same run, it replaces that run's own and never what stood before it. */
  keep(row: BaselineRow): void;
}

type Raw = Pick<BaselineRow, 'ms' | 'run'> & { previous: number | null };

/** The rows of baselines of a store. */
export function baselineTable(db: Database.Database): BaselineTable {
  return {
    before({ link, line, probe }, run) {
      const row = db.prepare('SELECT ms, run, previous FROM baselines WHERE link = ? AND line = ? AND probe = ?').get(link, line, probe) as Raw | undefined;
      if (!row) return null;
      return row.run === run ? row.previous : row.ms;
    },
    keep({ link, line, probe, ms, run, at }) {
      db.prepare(
        'INSERT INTO baselines (link, line, probe, ms, run, at, previous) VALUES (?, ?, ?, ?, ?, ?, NULL) ON CONFLICT (link, line, probe) DO UPDATE SET ' +
          'previous = CASE WHEN run = excluded.run THEN previous ELSE ms END, ms = excluded.ms, run = excluded.run, at = excluded.at',
      ).run(link, line, probe, ms, run, at);
    },
  };
}
