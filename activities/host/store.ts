/**
 * What the agent knows, on its own disk: who may change an environment, what was promised and done, and the way back.
 *
 * One SQLite file, shared by the agent and `runbook undo --local`. `BEGIN IMMEDIATE` is the lock between processes:
 * it lets one writer in at a time, is released by the kernel when its holder dies, and covers the rows that the
 * decision is made from, which a `flock` beside the file would not. A visible effect on an environment that is
 * synchronous and short (one rename) therefore runs inside the transaction that compared the fencing token.
 */
import { closeSync, fchmodSync, constants, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'libsql';
import { armedTable, type ArmedTable } from './store-armed.js';
import { baselineTable, type BaselineTable } from './store-baselines.js';
import { editTable, type EditTable } from './store-edits.js';
import { endTable, type EndTable } from './store-ends.js';
import { eventTable, type EventTable } from './store-events.js';
import { fenceTable, type FenceTable } from './store-fence.js';
import { healthTable, type HealthTable } from './store-health.js';
import { journal, type Journal } from './store-journal.js';
import { leaseTable, type LeaseTable } from './store-lease.js';
import { lockTable, type LockTable } from './store-locks.js';
import { SCHEMA } from './store-schema.js';
import { warrantTable, type WarrantTable } from './store-warrants.js';

export interface AgentStore {
  readonly path: string;
  /**
   * Runs `act` alone among all processes that use this file; what it writes is synced when it returns and gone when it
   * throws. Calls within calls join the outer one. Throws SqliteError SQLITE_BUSY after 30 s.
   */
  exclusive<T>(act: () => T): T;
  leases: LeaseTable;
  fence: FenceTable;
  journal: Journal;
  armed: ArmedTable;
  edits: EditTable;
  baselines: BaselineTable;
  /** Locks that were verified here. */
  locks: LockTable;
  events: EventTable;
  /** Changes that end by themselves. */
  ends: EndTable;
  /** What entitled runs to change this host. */
  warrants: WarrantTable;
  /** What the host's own checks said. */
  health: HealthTable;
  close(): void;
}

/** How long a writer waits for another one. The longest holder is an adoption: one start of Python, under a second. */
const BUSY_MS = 30_000;

/** Opens the store, making it (0600, in a folder 0700) where there is none. */
export function openAgentStore(path: string): AgentStore {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // Made by us and not by SQLite, so that it never exists with wider rights; its -wal and -shm files follow it.
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  fchmodSync(file, 0o600);
  closeSync(file);
  const db = new Database(path, { timeout: BUSY_MS });
  db.exec('PRAGMA journal_mode = WAL');
  // NORMAL would lose the last receipts with the power; FULL syncs each commit.
  db.exec('PRAGMA synchronous = FULL');
  const exclusive = <T>(act: () => T): T => (db.inTransaction ? act() : alone(db, act));
  exclusive(() => db.exec(SCHEMA));
  return {
    path,
    exclusive,
    leases: leaseTable(db),
    fence: fenceTable(db),
    journal: journal(db, exclusive),
    armed: armedTable(db),
    edits: editTable(db),
    baselines: baselineTable(db),
    locks: lockTable(db),
    events: eventTable(db),
    ends: endTable(db),
    warrants: warrantTable(db),
    health: healthTable(db),
    close: () => void db.close(),
  };
}

/** One transaction. libsql's own wrapper rolls back where SQLite already did (a full disk), and that error hides the cause. */
function alone<T>(db: Database.Database, act: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = act();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
