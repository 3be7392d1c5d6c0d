/**
 * Process entry: runs one daemon that knows nothing of its parent (the Temporal server), and ends it when the parent
 * ends in any way. The parent sees it by the end of the IPC channel, which also comes after SIGKILL.
 */
import { spawn } from 'node:child_process';
import { openSync, writeFileSync } from 'node:fs';
import { CONFIG_VARIABLE } from '../child-process.js';
import { identify } from '../process-identity.js';
import type { KeeperConfig, KeeperMessage } from './kept-process.js';

const config = JSON.parse(process.env[CONFIG_VARIABLE] ?? '') as KeeperConfig;
const log = openSync(config.logFile, 'a', 0o600);
// A session of its own: Ctrl-C in the terminal goes to the supervisor, which stops things in order.
const daemon = spawn(config.file, config.args, { env: config.env, detached: true, stdio: ['ignore', log, log] });
let killTimer: NodeJS.Timeout | undefined;

function tell(message: KeeperMessage): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

function stop(): void {
  if (killTimer !== undefined) return;
  daemon.kill('SIGTERM');
  killTimer = setTimeout(() => daemon.kill('SIGKILL'), config.graceMs);
}

daemon.once('error', (error) => {
  tell({ type: 'failed', reason: error.message });
  process.exitCode = 1;
});
daemon.once('spawn', () => {
  const identity = identify(daemon.pid!);
  if (config.pidFile !== null) writeFileSync(config.pidFile, JSON.stringify(identity), { mode: 0o600 });
  tell({ type: 'spawned', identity });
});
daemon.once('exit', (code, signal) => {
  clearTimeout(killTimer);
  tell({ type: 'exited', how: signal ?? `code ${code}` });
  if (process.connected) process.disconnect();
});
process.once('disconnect', stop);
process.on('SIGTERM', stop);
process.on('SIGINT', () => undefined);
