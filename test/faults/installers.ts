/** The installer of a run on this host, found as an operator would find it, and how it is stopped and woken. */
import assert from 'node:assert/strict';
import { livingProcesses, OP_VARIABLE, processFile, processStat } from '../../activities/host/proc.js';
import { poll } from '../support/instance.js';

export interface Installer {
  pid: number;
  started: number;
  /** Attempt whose tree it builds. */
  attempt: number;
}

/** Installers of a run, running or stopped, by the variable that every child of an operation carries. */
export function installersOf(chain: string, run: string): Installer[] {
  return livingProcesses().flatMap(({ pid, started }) => {
    const environ = processFile(pid, 'environ')?.split('\0') ?? [];
    if (!environ.some((line) => line.startsWith(`${OP_VARIABLE}=${chain}/`) && line.endsWith('/prepare'))) return [];
    const words = processFile(pid, 'cmdline')?.split('\0') ?? [];
    const tree = words.map((word) => new RegExp(`/\\.venvs/${run}-(\\d+)`).exec(word)).find((match) => match !== null);
    return tree && (words.includes('install') || words.includes('sync')) ? [{ pid, started, attempt: Number(tree[1]) }] : [];
  });
}

/** Waits until the installer of an attempt of that number, or of a later one, runs. */
export function installer(chain: string, run: string, attempt: number): Promise<Installer> {
  return poll(() => installersOf(chain, run).find((one) => one.attempt >= attempt) ?? null) as Promise<Installer>;
}

export function isAlive({ pid, started }: Installer): boolean {
  const stat = processStat(pid);
  return stat !== null && stat.started === started && stat.state !== 'Z';
}

/** Wakes it and its group, as somebody would who knows its number. What is dead can't be woken: that is no error. */
export function wake({ pid }: Installer): void {
  for (const target of [pid, -pid]) {
    try {
      process.kill(target, 'SIGCONT');
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH');
    }
  }
}
