/** A daemon whose life is tied to ours, through its keeper process. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { CONFIG_VARIABLE } from '../child-process.js';
import { isRunning, type ProcessIdentity } from '../process-identity.js';

/** What the keeper is given. */
export interface KeeperConfig {
  file: string;
  args: string[];
  env: Record<string, string>;
  logFile: string;
  /** Where the daemon's identity is written, so that a later start can end one that was left behind; null: nowhere. */
  pidFile: string | null;
  /** Milliseconds between SIGTERM and SIGKILL. */
  graceMs: number;
}

/** What the keeper tells. */
export type KeeperMessage = { type: 'spawned'; identity: ProcessIdentity } | { type: 'failed'; reason: string } | { type: 'exited'; how: string };

/** A running daemon. */
export interface KeptProcess {
  /** Of the daemon itself, not of its keeper. */
  pid: number;
  keeperPid: number;
  /** Resolves with how it ended (`code 0`, `SIGKILL`), whoever ended it. */
  exited: Promise<string>;
  /** Ends it and its keeper; resolves when both are gone. */
  stop(): Promise<void>;
}

/** Ends a process that was identified before: SIGTERM, then SIGKILL after `graceMs`. Resolves when it is gone. */
export async function endProcess(identity: ProcessIdentity, graceMs: number): Promise<void> {
  const killAt = Date.now() + graceMs;
  for (let killed = false, asked = false; isRunning(identity); ) {
    try {
      if (!asked) process.kill(identity.pid, 'SIGTERM');
      else if (!killed && Date.now() >= killAt) process.kill(identity.pid, 'SIGKILL');
    } catch {
      // Gone between look and signal.
    }
    killed = asked && Date.now() >= killAt;
    asked = true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Starts a daemon under a keeper. Throws when it can't be executed. */
export async function startKept(config: KeeperConfig): Promise<KeptProcess> {
  const keeper = fork(path.join(import.meta.dirname, 'keeper.js'), [path.basename(config.file)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [], env: { ...process.env, [CONFIG_VARIABLE]: JSON.stringify(config) } });
  let how = 'its keeper ended';
  keeper.on('message', (message: KeeperMessage) => {
    if (message.type === 'exited') how = message.how;
  });
  const keeperGone = once(keeper, 'exit');
  const identity = await new Promise<ProcessIdentity>((resolve, reject) => {
    keeper.on('message', (message: KeeperMessage) => {
      if (message.type === 'spawned') resolve(message.identity);
      if (message.type === 'failed') reject(new Error(`${config.file}: expected to start it, got ${message.reason}`));
    });
    keeper.once('error', reject);
    keeper.once('exit', (code, signal) => reject(new Error(`the keeper of ${config.file} ended before it started it (${signal ?? code})`)));
  });
  // A keeper that was killed leaves its daemon behind; it must not outlive what we say about it.
  const exited = keeperGone.then(async () => (await endProcess(identity, config.graceMs), how));
  const stop = async (): Promise<void> => {
    keeper.kill('SIGTERM');
    await exited;
  };
  return { pid: identity.pid, keeperPid: keeper.pid!, exited, stop };
}
