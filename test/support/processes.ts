/** Processes in tests: waiting for a fact instead of sleeping, and seeing that nothing is left. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { identify, isRunning, type ProcessIdentity } from '../../worker/process-identity.js';

/** Waits until `fact` gives something other than null, undefined or false. Throws `what` after `withinMs`. */
export async function until<T>(what: string, fact: () => T | Promise<T>, withinMs = 60_000): Promise<NonNullable<T>> {
  for (const deadline = Date.now() + withinMs; ; await new Promise((resolve) => setTimeout(resolve, 15))) {
    const value = await fact();
    if (value !== null && value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`not within ${withinMs / 1000} s: ${what}`);
  }
}

/** Identities of running processes. Throws when one does not run. */
export function running(pids: (number | null)[]): ProcessIdentity[] {
  return pids.filter((pid) => pid !== null).map((pid) => {
    const identity = identify(pid);
    if (!isRunning(identity)) throw new Error(`expected process ${pid} to run`);
    return identity;
  });
}

/** Waits until none of these processes runs any more. */
export async function allGone(identities: ProcessIdentity[], withinMs = 60_000): Promise<void> {
  await until(`the end of ${identities.map(({ pid }) => pid).join(', ')}`, () => !identities.some(isRunning), withinMs);
}

/** Writes an executable of a few lines (`#!` line included) and returns its path. */
export function fakeExecutable(folder: string, name: string, text: string): string {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, name);
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}
