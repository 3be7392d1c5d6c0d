/** Commands that are processes of their own: server, workers, and what must work without any of them. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Instance } from './instance.js';
import { CliError, EXIT } from './io.js';

const WORKER_DIR = path.resolve(import.meta.dirname, '../../worker');

/** Runs `dist/worker/NAME.js` in the foreground with this terminal; returns its exit code. */
export function runProcess(name: string, args: string[], instance: Instance | null): Promise<number> {
  const env = instance?.paths.home ? { ...process.env, RUNBOOK_HOME: instance.paths.home } : process.env;
  const child = spawn(process.execPath, [path.join(WORKER_DIR, `${name}.js`), ...args], { stdio: 'inherit', env });
  const pass = (signal: NodeJS.Signals) => void child.kill(signal);
  // The terminal sends Ctrl-C to both; this process waits for the child's own clean end.
  const ignore = () => undefined;
  process.on('SIGINT', ignore).on('SIGTERM', pass);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal!]));
  }).finally(() => process.off('SIGINT', ignore).off('SIGTERM', pass)) as Promise<number>;
}

/** Runs `dist/worker/NAME.js` and reads the one JSON line it prints. */
export async function askProcess<T>(name: string, args: string[], instance: Instance | null): Promise<T> {
  const env = instance?.paths.home ? { ...process.env, RUNBOOK_HOME: instance.paths.home } : process.env;
  const { stdout } = await promisify(execFile)(process.execPath, [path.join(WORKER_DIR, `${name}.js`), ...args], { env, maxBuffer: 16 << 20 });
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as T;
}

export interface StartedProcess {
  child: ChildProcess;
  /** The first line it printed: it is ready. */
  readyLine: string;
  stop(): Promise<void>;
}

/** Starts `dist/worker/NAME.js` in a process group of its own and waits for its first line; its talk is ours. */
export async function startProcess(name: string, args: string[]): Promise<StartedProcess> {
  // Its own group: Ctrl-C is for this process, which then stops the other in order.
  const child = spawn(process.execPath, [path.join(WORKER_DIR, `${name}.js`), ...args], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  const exited = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
  const stop = async () => {
    child.kill('SIGTERM');
    await exited;
  };
  const line = new Promise<string>((resolve) => child.stdout.once('data', (text: Buffer) => resolve(text.toString().trim())));
  const first = await Promise.race([line, exited]);
  if (typeof first === 'number') throw new CliError(EXIT.couldNotTell, [`${name} ended with ${first} before it was ready`]);
  return { child, readyLine: first, stop };
}
