/** What the host knows of its own health: the rules it checks by, what each environment's checks said, and what of it was told. */
import type Database from 'libsql';
import { healthKey } from '../../policy/checks/health-key.js';
import type { ForeignInterpreter, HealthState, Violation } from '../../policy/checks/results.js';
import type { HealthRules } from './contract.js';

/** Something wrong. `degrades`: with it the environment may not run. */
export interface HealthFinding extends Violation {
  degrades: boolean;
}

/** Why a full check was made. `unmeasured`: by these rules, or with this link and lock, there was none yet. */
export type FullReason = 'quiet' | 'degraded' | 'recheck' | 'unmeasured';

/** What the last full check found; it stands until the next one. */
export interface FullFound {
  findings: HealthFinding[];
  /** What a light look saw right before it. */
  seen: string;
  /** ISO: when it began. */
  at: string;
  /** Absent in rows of an agent that did not keep these. */
  why?: FullReason;
  /** Digest of the rules it was made by. */
  rules?: string;
  /** What the light check had found when it began to measure. */
  light?: HealthFinding[];
}

/** One environment's health. */
export interface HealthRow {
  /** Canonical link path. */
  link: string;
  state: HealthState['state'];
  mode: HealthState['mode'];
  /** ISO: since when the state is so. */
  since: string;
  /** What the last light check found. */
  light: HealthFinding[];
  full: FullFound | null;
  verification: HealthState['verification'];
  /** States of the checks since the last event, run-length. */
  series: [state: HealthState['state'], count: number][];
  /** Quiet hours (date of their beginning, local) that have had their full check. */
  quietDay: string | null;
  /** ISO: when a full check was last made anew because a light one found nothing any more. */
  recheckedAt: string | null;
}

/** Interpreters that were found in use, and what each said of itself. */
export interface ForeignRow {
  found: ForeignInterpreter[];
  /** By path: what the file was when it was asked, and its answer; null: none. */
  asked: Record<string, { stamp: string; version: string | null; implementation: string }>;
}

export interface HealthTable {
  rulesDigest(): string | undefined;
  rules(): HealthRules | undefined;
  /** Keeps new rules; nothing was checked by them yet. */
  setRules(rules: HealthRules): void;
  /** Digest of the rules by which every environment was checked at least once. */
  appliedDigest(): string | undefined;
  setApplied(digest: string): void;
  get(link: string): HealthRow | undefined;
  all(): HealthRow[];
  put(row: HealthRow): void;
  drop(link: string): void;
  /** Those that were told otherwise. */
  news(): HealthRow[];
  /** They stand in an event now, which is kept until it was received: their series begins anew. */
  setTold(rows: HealthRow[]): void;
  foreign(): ForeignRow | undefined;
  setForeign(row: ForeignRow): void;
}

/** What is wrong, each fault once (HM-05): what a light check had found before the full one is told in the full one's words, unless these are milder. */
export function findingsOf({ light, full }: Pick<HealthRow, 'light' | 'full'>): HealthFinding[] {
  const { findings = [], light: before = [] } = full ?? {};
  const isSaid = ({ check, severity, message }: HealthFinding): boolean =>
    before.some((one) => one.check === check && one.message === message) && findings.some((one) => one.check === check && one.degrades && (one.severity === 'critical' || severity === 'warning'));
  return [...light.filter((one) => !isSaid(one)), ...findings];
}

/** What is told when it changes. */
export const rowKey = (row: Pick<HealthRow, 'state' | 'light' | 'full' | 'verification'>): string => healthKey(row.state, findingsOf(row), row.verification);

/** The rows of health of a store. */
export function healthTable(db: Database.Database): HealthTable {
  const parse = (row: unknown): HealthRow => JSON.parse((row as { body: string }).body) as HealthRow;
  const note = <T>(name: string): T | undefined => {
    const row = db.prepare('SELECT body FROM health_notes WHERE name = ?').get(name) as { body: string } | undefined;
    return row && (JSON.parse(row.body) as T);
  };
  const setNote = (name: string, value: unknown): void => void db.prepare('INSERT OR REPLACE INTO health_notes (name, body) VALUES (?, ?)').run(name, JSON.stringify(value));
  // A first state is news only where something is wrong: that all is well is told with the next whole state.
  const put = (row: HealthRow): void =>
    void db.prepare("INSERT INTO health (link, body, key, told) VALUES (?, ?, ?, 'GOOD') ON CONFLICT (link) DO UPDATE SET body = excluded.body, key = excluded.key").run(row.link, JSON.stringify(row), rowKey(row));
  return {
    rulesDigest: () => note<string>('digest'),
    rules: () => note<HealthRules>('rules'),
    setRules(rules) {
      setNote('rules', rules);
      setNote('digest', rules.digest);
    },
    appliedDigest: () => note<string>('applied'),
    setApplied: (digest) => setNote('applied', digest),
    get: (link) => {
      const row = db.prepare('SELECT body FROM health WHERE link = ?').get(link);
      return row === undefined ? undefined : parse(row);
    },
    all: () => db.prepare('SELECT body FROM health ORDER BY link').all().map(parse),
    put,
    drop: (link) => void db.prepare('DELETE FROM health WHERE link = ?').run(link),
    news: () => db.prepare('SELECT body FROM health WHERE key <> told ORDER BY link').all().map(parse),
    setTold: (rows) => rows.forEach((row) => db.prepare('UPDATE health SET body = ?, told = ? WHERE link = ?').run(JSON.stringify({ ...row, series: [] }), rowKey(row), row.link)),
    foreign: () => note<ForeignRow>('foreign'),
    setForeign: (row) => setNote('foreign', row),
  };
}
