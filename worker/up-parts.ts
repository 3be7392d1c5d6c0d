/** The three parts of an instance and how each is started. */
import path from 'node:path';
import { SEARCH_ATTRIBUTES } from '../policy/names.js';
import type { RunbookPaths } from './paths.js';
import { databaseVersion } from './server/database-version.js';
import { findCli } from './server/find-cli.js';
import { ensureSearchAttributes } from './server/namespace.js';
import { accepts, freePort, LOOPBACK, splitAddress } from './server/ports.js';
import { startServer } from './server/server.js';
import { startChild, type Running } from './supervise.js';
import type { UpOptions } from './up-options.js';

/** Parts in the order they are reported. */
export const PARTS = ['server', 'control', 'agent'] as const;
export type Part = (typeof PARTS)[number];

/** Where Temporal is or will be. */
export interface Site {
  address: string;
  namespace: string;
  /** Ports of the embedded server; null where a configured address is used. */
  ports: { port: number; uiPort: number | null } | null;
  uiUrl: string | null;
}

/** Closed runs stay visible in the Web UI this long. */
const RETENTION_DAYS = 30;
/** A first start may unpack and index; later ones take a second. */
const READY_MS = 60_000;
/** Longest a part may take to end what it has in hand. */
const GRACE_MS = 15_000;

/** A configured address, else free or wanted ports of our own. */
export async function chooseSite(options: UpOptions): Promise<Site> {
  const namespace = options.namespace ?? 'default';
  const configured = options.address ?? process.env['TEMPORAL_ADDRESS'];
  if (configured) return { address: configured, namespace, ports: null, uiUrl: null };
  const port = options.port || (await freePort());
  const uiPort = options.uiPort === null ? null : options.uiPort || (await freePort());
  return { address: `${LOOPBACK}:${port}`, namespace, ports: { port, uiPort }, uiUrl: uiPort === null ? null : `http://${LOOPBACK}:${uiPort}` };
}

/** A service that is not ours: it must answer, and have the search attributes. Throws otherwise. */
export async function prepareService({ address, namespace }: Site): Promise<void> {
  const { host, port } = splitAddress(address);
  const refuse = (got: string): never => {
    throw new Error(`Temporal at ${address}: expected a service that answers, got ${got}. Correct --address or TEMPORAL_ADDRESS, or leave both out to have a server started here.`);
  };
  if (!(await accepts(host, port))) refuse('nothing that accepts connections');
  const { Connection } = await import('@temporalio/client');
  const connection = await Connection.connect({ address, connectTimeout: 5_000 }).catch((error: unknown) => refuse((error as Error).message));
  try {
    await ensureSearchAttributes(connection, namespace, SEARCH_ATTRIBUTES);
  } finally {
    await connection.close();
  }
}

async function startEmbedded(paths: RunbookPaths, { namespace }: Site, ports: { port: number; uiPort: number | null }, log: UpOptions['log']): Promise<Running> {
  const dbFile = path.join(paths.serverDir, 'temporal.db');
  const cli = await findCli({ cacheDir: paths.cacheDir, version: databaseVersion(dbFile), log });
  const server = await startServer({ cli, dir: paths.serverDir, dbFile, ...ports, namespace, searchAttributes: SEARCH_ATTRIBUTES, retentionDays: RETENTION_DAYS });
  return { pid: server.pid, facts: {}, exited: server.exited, stop: server.stop };
}

/** How each part is started; null: not at all (a configured address has a server of its own). */
export function starters(paths: RunbookPaths, site: Site, options: UpOptions): Record<Part, ((signal: AbortSignal, isAgain: boolean) => Promise<Running>) | null> {
  const { address, namespace, ports } = site;
  const child = (part: 'control' | 'agent', name: string, config: object) => {
    const entry = options.entries?.[part] ?? path.join(import.meta.dirname, `main-${part}.js`);
    const spec = { name, entry, config: { address, namespace, ...config }, logFile: path.join(paths.logDir, `${part}.log`), readyMs: READY_MS, graceMs: GRACE_MS };
    // A first start that finds no server is a mistake to be told; later its agent goes on without one.
    return (signal: AbortSignal, isAgain: boolean): Promise<Running> => startChild({ ...spec, mayWait: isAgain }, signal);
  };
  const { recordsDb, policyFile, policiesDir, agentFile, agentDir } = paths;
  return {
    server: ports === null ? null : () => startEmbedded(paths, site, ports, options.log),
    // One machine: after a crash of the control worker its runs wait this long for it to come back.
    control: child('control', 'the control worker', { recordsDb, policyFile, policiesDir, stickyMs: 2_000 }),
    agent: child('agent', 'the agent', { agentFile, agentDir, allowRoot: options.allowRoot }),
  };
}
