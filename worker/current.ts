/** The pointer to the running `up`: written when it is ready, removed when it stops, ignored when its process is gone. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runbookPaths } from './paths.js';
import { isRunning } from './process-identity.js';

/** What a command needs to talk to the running instance. */
export interface CurrentInstance {
  /** Temporal's gRPC address, `HOST:PORT`. */
  address: string;
  namespace: string;
  /** Web UI, or null where it is not ours (a configured address). */
  uiUrl: string | null;
  /** RUNBOOK_HOME the instance runs with, or null. */
  home: string | null;
  /** The supervisor. */
  pid: number;
  startTime: string | null;
  /** Name of the host whose agent runs here. */
  host: string;
  /** `server` is null where none was started. Changes when a child is started again. */
  children: { server: number | null; control: number; agent: number };
}

/** Writes the pointer in one step: readers see the old or the new one. */
export function writeCurrent(file: string, current: CurrentInstance): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(current, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, file);
}

/** The running instance of this user, or null: no pointer, an unreadable one, or one whose process has ended. */
export function readCurrent(file: string = runbookPaths().currentFile): CurrentInstance | null {
  let current: CurrentInstance | null;
  try {
    current = JSON.parse(readFileSync(file, 'utf8')) as CurrentInstance | null;
  } catch {
    return null;
  }
  return typeof current?.pid === 'number' && isRunning(current) ? current : null;
}

/** Removes the pointer if it is still the one of process `pid`. */
export function removeCurrent(file: string, pid: number): void {
  if (readCurrent(file)?.pid === pid) rmSync(file, { force: true });
}
