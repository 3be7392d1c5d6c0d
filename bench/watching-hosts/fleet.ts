/** Processes of simulated agents, from outside. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

export interface FleetConfig {
  /** Of the server, or of something that stands before it. */
  address: string;
  namespace: string;
  hosts: string[];
}

export interface Fleet {
  hosts: string[];
  pid: number;
  signal(name: NodeJS.Signals): void;
  /** Ends it at once; resolves when it is gone. */
  stop(): Promise<void>;
}

/** Starts a process of its own kind with a configuration as JSON; resolves when it says that it is ready. */
export async function startProcess(file: string, config: object): Promise<ChildProcess> {
  const child = fork(path.join(import.meta.dirname, file), [JSON.stringify(config)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] });
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`${file}: expected it to say that it is ready, it ended before (${signal ?? code})`)));
  });
  return child;
}

/** KILL; resolves when it is gone. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** Starts the agents of these hosts in one process; returns when all of them poll. */
export async function startFleet(config: FleetConfig): Promise<Fleet> {
  const child = await startProcess('fleet-process.js', config);
  return { hosts: config.hosts, pid: child.pid!, signal: (name) => void child.kill(name), stop: () => endProcess(child) };
}
