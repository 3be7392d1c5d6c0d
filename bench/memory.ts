/** Memory and processor time of a process, and room that files take. Linux only: it reads /proc. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

/** Clock ticks a second, fixed on Linux for programs. */
const TICKS = 100;

/** Resident memory in MiB, now and at its highest since the process began. */
export function memory(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const read = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? NaN) / 1024;
  return { now: read('VmRSS'), peak: read('VmHWM') };
}

/** Seconds of processor time a process has used, its threads included. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** KiB of a database with its write-ahead log. */
export function databaseKiB(file: string): number {
  const name = path.basename(file);
  const own = readdirSync(path.dirname(file)).filter((other) => other === name || other === `${name}-wal`);
  return own.reduce((sum, other) => sum + statSync(path.join(path.dirname(file), other)).size, 0) / 1024;
}
