/** Processes of this host as `/proc` tells them. */
import { readFileSync, readdirSync } from 'node:fs';

export interface ProcessStat {
  pid: number;
  /** `R`, `S`, `D`, `T`, `Z` … */
  state: string;
  ppid: number;
  pgrp: number;
  session: number;
  /** Clock ticks since boot; with the pid it names one process for ever. */
  started: number;
}

/** Numbers of all processes. */
export function allPids(): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
}

/** One process; null when it is gone. */
export function processStat(pid: number): ProcessStat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command's name stands in parentheses and may hold any character, so fields are counted from its end.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { pid, state: fields[0]!, ppid: Number(fields[1]), pgrp: Number(fields[2]), session: Number(fields[3]), started: Number(fields[19]) };
  } catch {
    return null;
  }
}

/** All processes that are not merely waiting to be reaped. */
export function livingProcesses(): ProcessStat[] {
  return allPids().map(processStat).filter((stat): stat is ProcessStat => stat !== null && stat.state !== 'Z' && stat.state !== 'X');
}

/** `/proc/PID/NAME` as text; null when it may not be read, empty when the process is gone. */
export function processFile(pid: number, name: 'cmdline' | 'environ' | 'maps' | 'comm' | 'status'): string | null {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch (error) {
    return isDenied(error) ? null : '';
  }
}

/** True for the errors of a look that was not allowed. */
export const isDenied = (error: unknown): boolean => ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');

/** Clock ticks since boot now, rounded down, as {@link ProcessStat.started} counts them (`USER_HZ` is 100 on every Linux). */
export function ticksNow(): number {
  // Whole hundredths as printed: 0.57 * 100 is less than 57.
  return Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]!.replace('.', ''));
}

/** Waits until the clock shows a later tick than `tick` (10 ms at most): what starts from then on can be told from what was before. */
export function passTick(tick: number): void {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  while (ticksNow() <= tick) Atomics.wait(cell, 0, 0, 1);
}

/** Id of the running kernel: ticks and pids of another one mean nothing. */
export const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();

/** The variable by which every child of an operation is known. */
export const OP_VARIABLE = 'INTERPRETER_RUNBOOKS_OP';
