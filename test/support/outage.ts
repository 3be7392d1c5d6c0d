/** An instance whose server, control worker and agent a test takes away for as long as it wants, each on its own. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { processStat } from '../../activities/host/proc.js';
import { freePort } from '../../worker/server/ports.js';
import { poll, startInstance, type InstanceOptions, type TestInstance } from './instance.js';
import { LATE_ENTRIES, LATE_VARIABLE } from './late-start.js';
import { startDevServer, type TestServer } from './servers.js';

export interface OutageInstance extends TestInstance {
  /** Kills it and keeps it from coming back until `letBegin`. */
  takeAway(part: 'control' | 'agent'): Promise<void>;
  letBegin(part: 'control' | 'agent'): void;
  /** Kills the server; its database stays. */
  killServer(): Promise<void>;
  /** On the same port, with the same database. */
  startServer(): Promise<void>;
}

/** As `startInstance`, with a server of the test's own. */
export async function startOutageInstance(options: Omit<InstanceOptions, 'up'> = {}): Promise<OutageInstance> {
  const dir = realpathSync(mkdtempSync(path.join(tmpdir(), 'runbooks-outage-')));
  const late = path.join(dir, 'late');
  mkdirSync(late);
  process.env[LATE_VARIABLE] = late;
  const port = await freePort();
  const begin = (): Promise<TestServer> => startDevServer({ dir, dbFile: path.join(dir, 'temporal.db'), port });
  let server: TestServer | null = await begin();
  const end = async (): Promise<void> => {
    await server?.stop();
    server = null;
  };
  const close = async (): Promise<void> => {
    await end();
    rmSync(dir, { recursive: true, force: true });
  };
  const it = await startInstance({ ...options, up: { address: server.address, entries: LATE_ENTRIES } }).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  const stop = async (): Promise<void> => {
    rmSync(late, { recursive: true, force: true });
    await it.stop().finally(close);
  };
  // The runner ends a file that takes too long; nothing may stay behind.
  process.once('SIGTERM', () => void stop().finally(() => process.exit(143)));
  return {
    ...it,
    async takeAway(part) {
      writeFileSync(path.join(late, part), '');
      const pid = it.handle.pids()[part];
      process.kill(pid, 'SIGKILL');
      await poll(() => ['Z', undefined].includes(processStat(pid)?.state));
    },
    letBegin: (part) => rmSync(path.join(late, part), { force: true }),
    async killServer() {
      const { pid } = server!;
      process.kill(pid, 'SIGKILL');
      await poll(() => ['Z', undefined].includes(processStat(pid)?.state));
      await end();
    },
    startServer: async () => void (server = await begin()),
    stop,
  };
}
