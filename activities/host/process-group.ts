/** Ending a process group and knowing that it is gone. */
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long a group may take to end by itself after TERM (measured: uv, pip and compilers are gone within 1 s). */
export const TERM_GRACE_MS = 3000;

interface Stat {
  state: string;
  pgrp: number;
}

/** State and group of a process from `/proc`; null where it is gone or there is no `/proc`. */
function readStat(pid: number | string): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command name stands in parentheses and may itself hold blanks and parentheses.
    const [state, , pgrp] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: state!, pgrp: Number(pgrp) };
  } catch {
    return null;
  }
}

/** True while the process is stopped (SIGSTOP, or by a debugger). */
export function isStopped(pid: number): boolean {
  const state = readStat(pid)?.state;
  return state === 'T' || state === 't';
}

/** Whether a member of the group still runs. Zombies do not count: where the first process of a container does not reap, they stay for ever. */
export function isGroupAlive(pgid: number): boolean {
  try {
    process.kill(-pgid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  let pids: string[];
  try {
    pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return true;
  }
  if (pids.length === 0) return true;
  return pids.some((pid) => {
    const stat = readStat(pid);
    return stat !== null && stat.pgrp === pgid && stat.state !== 'Z' && stat.state !== 'X';
  });
}

/** Sends a signal to the whole group; a group that is gone is no error. */
export function signalGroup(pgid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pgid, signal);
  } catch {
    // Gone, or not ours: `isGroupAlive` tells which.
  }
}

async function groupGone(pgid: number, limitMs: number): Promise<boolean> {
  const end = performance.now() + limitMs;
  for (let pause = 2; isGroupAlive(pgid); pause = Math.min(pause * 2, 100)) {
    if (performance.now() >= end) return false;
    await sleep(pause);
  }
  return true;
}

/**
 * Ends a group: TERM, after a grace KILL, and returns only when no member runs. A stopped leader can't act on TERM
 * and must never be woken to do more, so it gets KILL at once.
 */
export async function endGroup(pgid: number): Promise<void> {
  if (!isGroupAlive(pgid)) return;
  if (!isStopped(pgid)) {
    signalGroup(pgid, 'SIGTERM');
    if (await groupGone(pgid, TERM_GRACE_MS)) return;
  }
  do signalGroup(pgid, 'SIGKILL');
  while (!(await groupGone(pgid, 1000)));
}
