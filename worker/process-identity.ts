/** Is this still the process that was meant? A pid alone is not enough: pids are used again. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process by pid and the start time its system gives (opaque, compared only); null where it can't be had. */
export interface ProcessIdentity {
  pid: number;
  startTime: string | null;
}

/** Field 22 of /proc/PID/stat, counted behind the command's closing parenthesis (a command may hold blanks). A zombie counts as gone. */
function fromProc(pid: number): string | null {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? null : (fields[19] ?? null);
}

/** Start time of a running process, or null when there is none (or the system does not tell). */
export function startTimeOf(pid: number): string | null {
  try {
    if (process.platform === 'linux') return fromProc(pid);
    return execFileSync('/bin/ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', timeout: 2_000, stdio: ['ignore', 'pipe', 'ignore'] }).trim() || null;
  } catch {
    return null;
  }
}

/** The identity of a process that runs now. */
export function identify(pid: number): ProcessIdentity {
  return { pid, startTime: startTimeOf(pid) };
}

/** True while the very process that was identified runs. Without a start time nothing is claimed: false. */
export function isRunning(identity: ProcessIdentity): boolean {
  return identity.startTime !== null && startTimeOf(identity.pid) === identity.startTime;
}
