/** Starts `host-process` and tells how it ended. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { TestHost } from './host.js';
import type { HostProcessInput } from './host-process.js';

export interface HostProcessEnd<T> {
  answer?: T;
  failure?: { message: string; type?: string; details?: unknown[] };
  /** Set when it was killed. */
  signal: string | null;
}

/** Runs one activity in a process of its own. */
export function inProcess<T>({ ctx }: TestHost, activity: string, args: unknown[], { attempt = 1, dieAt = null }: Partial<Pick<HostProcessInput, 'attempt' | 'dieAt'>> = {}): Promise<HostProcessEnd<T>> {
  const input: HostProcessInput = { stateDir: ctx.stateDir, host: ctx.host, agentFile: ctx.agentFile, activity, args, attempt, dieAt };
  const child = spawn(process.execPath, [join(import.meta.dirname, 'host-process.js'), JSON.stringify(input)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let talk = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (talk += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (signal) resolve({ signal });
      else if (out === '') reject(new Error(`${activity}: exit ${code} without an answer: ${talk}`));
      else resolve({ ...(JSON.parse(out) as HostProcessEnd<T>), signal: null });
    });
  });
}
