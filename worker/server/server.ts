/** The embedded Temporal server: started, ready, stopped. Knows nothing of what runs on it. */
import { mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { isRunning, type ProcessIdentity } from '../process-identity.js';
import { claimDatabase } from './database-version.js';
import type { TemporalCli } from './find-cli.js';
import { endProcess, startKept, type KeptProcess } from './kept-process.js';
import { ensureRetention, ensureSearchAttributes } from './namespace.js';
import { accepts, assertPortFree, LOOPBACK } from './ports.js';
import { serverArguments, type ServerSettings } from './settings.js';

/** A server to start. */
export interface ServerOptions extends ServerSettings {
  cli: TemporalCli;
  /** Folder for log and pid file; made if missing. */
  dir: string;
  retentionDays: number;
  /** Milliseconds until it must answer. */
  readyMs?: number;
  /** Milliseconds between SIGTERM and SIGKILL at stop. */
  graceMs?: number;
}

/** A server that answers. */
export interface RunningServer {
  address: string;
  uiUrl: string | null;
  pid: number;
  keeperPid: number;
  logFile: string;
  exited: Promise<string>;
  stop(): Promise<void>;
}

const LOG_LIMIT = 20 << 20;

/** Ends a server of ours whose keeper was killed together with its supervisor. */
async function endLeftBehind(pidFile: string, graceMs: number): Promise<void> {
  let identity: ProcessIdentity;
  try {
    identity = JSON.parse(readFileSync(pidFile, 'utf8')) as ProcessIdentity;
  } catch {
    return;
  }
  if (isRunning(identity)) await endProcess(identity, graceMs);
}

function keepLogSmall(file: string): void {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > LOG_LIMIT) renameSync(file, `${file}.1`);
}

/** Waits for the port, then for gRPC and the namespace, and sees to its attributes. Throws when the server ends or the time is over. */
async function waitUntilReady(kept: KeptProcess, options: ServerOptions): Promise<void> {
  const deadline = Date.now() + (options.readyMs ?? 30_000);
  const client = import('@temporalio/client'); // Loads while the server starts.
  let ended: string | null = null;
  void kept.exited.then((how) => (ended = how));
  while (!(await accepts(LOOPBACK, options.port))) {
    if (ended !== null) throw new Error(`it ended (${ended})`);
    if (Date.now() > deadline) throw new Error('it did not open its port in time');
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  const { Connection } = await client;
  const connection = await Connection.connect({ address: `${LOOPBACK}:${options.port}`, connectTimeout: Math.max(1_000, deadline - Date.now()) });
  try {
    await connection.withDeadline(deadline, async () => {
      await ensureSearchAttributes(connection, options.namespace, options.searchAttributes);
      await ensureRetention(connection, options.namespace, options.retentionDays);
    });
  } finally {
    await connection.close();
  }
}

/**
 * Starts the server and returns when it answers. Refuses a taken port and a database of another version before
 * anything is started. The server ends with this process, however that ends.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { port, uiPort, dbFile, dir, cli, graceMs = 5_000 } = options;
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const pidFile = path.join(dir, 'server.pid');
  const logFile = path.join(dir, 'server.log');
  await endLeftBehind(pidFile, graceMs);
  await assertPortFree(port, 'Temporal server', '--port');
  if (uiPort !== null) await assertPortFree(uiPort, 'Web UI', '--ui-port');
  if (dbFile !== null) claimDatabase(dbFile, cli);
  keepLogSmall(logFile);
  // HOME keeps a user's own Temporal profile from changing the server.
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: dir, ...(process.env['TMPDIR'] ? { TMPDIR: process.env['TMPDIR'] } : {}) };
  const kept = await startKept({ file: cli.file, args: serverArguments(options), env, logFile, pidFile, graceMs });
  try {
    await waitUntilReady(kept, options);
  } catch (error) {
    await kept.stop();
    throw new Error(`The Temporal server (${cli.banner}) did not become ready: ${(error as Error).message}; its log is ${logFile}`);
  }
  const uiUrl = uiPort === null ? null : `http://${LOOPBACK}:${uiPort}`;
  return { address: `${LOOPBACK}:${port}`, uiUrl, pid: kept.pid, keeperPid: kept.keeperPid, logFile, exited: kept.exited, stop: kept.stop };
}
