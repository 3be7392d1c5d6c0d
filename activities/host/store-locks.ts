/** Locks this host verified: what was installed and imported here once is the first thing to propose later. */
import { machine, platform } from 'node:os';
import type Database from 'libsql';

export interface VerifiedLock {
  /** Of the lock file. */
  sha256: string;
  /** Full version of the interpreter. */
  python: string;
  /** `linux_x86_64`. */
  platform: string;
  pins: { project: string; version: string }[];
  run: string;
  /** ISO instant. */
  at: string;
}

export interface LockTable {
  /** Remembers a verified lock; the same again is dated anew. */
  put(lock: VerifiedLock): void;
  /** Locks verified with an interpreter of this line (`3.11`) on this platform, newest first. */
  ofLine(line: string, platform: string): VerifiedLock[];
}

type Raw = Omit<VerifiedLock, 'pins'> & { pins: string };

/** What a verified lock is good for beside its interpreter: this machine's platform. */
export const hostPlatform = (): string => `${platform()}_${machine()}`;

/** The verified locks of a store. */
export function lockTable(db: Database.Database): LockTable {
  return {
    put({ sha256, python, platform: of, pins, run, at }) {
      db.prepare('INSERT INTO verified_locks (sha256, python, platform, pins, run, at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (sha256, python, platform) DO UPDATE SET pins = excluded.pins, run = excluded.run, at = excluded.at')
        .run(sha256, python, of, JSON.stringify(pins), run, at);
    },
    ofLine(line, of) {
      const rows = db.prepare('SELECT * FROM verified_locks WHERE platform = ? ORDER BY at DESC, rowid DESC').all(of) as Raw[];
      return rows
        .filter(({ python }) => python.startsWith(`${line}.`))
        .map(({ sha256, python, platform: on, pins, run, at }) => ({ sha256, python, platform: on, pins: JSON.parse(pins) as VerifiedLock['pins'], run, at }));
    },
  };
}
