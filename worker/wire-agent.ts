/** Everything the agent's process is made of, put together in one place. */
import { hostname } from 'node:os';
import path from 'node:path';
import { Runtime, type NativeConnection } from '@temporalio/worker';
import { createHostActivities } from '../activities/host/index.js';
import type { HostContext } from '../activities/host/context.js';
import { openAgentStore } from '../activities/host/store.js';
import { assertUserAllowed, runAgent } from './agent.js';
import { barrierFrom } from './barrier.js';
import type { ChildControl } from './child-process.js';
import { connectNative } from './connect.js';
import { keepEnds } from './keep-ends.js';
import { keepHealth } from './keep-health.js';
import { installRuntime } from './log.js';
import { loadAgentFile } from './load-agent-file.js';
import { packageVersion } from './version.js';

/** Configuration of the process, as JSON. */
export interface AgentProcessConfig {
  address: string;
  namespace: string;
  /** The host administrator's file. */
  agentFile: string;
  /** The agent's own folder. */
  agentDir: string;
  allowRoot: boolean;
}

/** What host activities are given on this machine. */
export function hostContext(config: Pick<AgentProcessConfig, 'agentFile' | 'agentDir'>): HostContext {
  const agentFile = loadAgentFile(config.agentFile);
  return {
    host: agentFile.host ?? hostname(),
    agentVersion: packageVersion(),
    agentFile,
    stateDir: config.agentDir,
    store: openAgentStore(path.join(config.agentDir, 'agent.db')),
    now: () => new Date(),
    barrier: barrierFrom(),
    warn: (message) => Runtime.instance().logger.warn(message),
  };
}

/**
 * Checks user and file, takes back what has ended, connects, runs until told to stop. Tells the host's name when it is ready. What
 * ends by itself is watched from the first moment on, and so is the health of its environments, also for as long as there is no server.
 */
export async function agentProcess(config: AgentProcessConfig, control: ChildControl): Promise<void> {
  assertUserAllowed(config.allowRoot);
  installRuntime('agent');
  // What it writes is for the service's user to read: never the umask of whoever started it.
  process.umask(0o022);
  const context = hostContext(config);
  const over = new AbortController();
  const isOver = AbortSignal.any([control.signal, over.signal]);
  const ends = keepEnds(context, isOver);
  let health = Promise.resolve();
  try {
    await saying(() => control.busy('ends'), ends.first);
    health = keepHealth(context, isOver);
    await serve(config, context, control);
  } finally {
    over.abort();
    await Promise.all([ends.stopped, health]);
    context.store.close();
  }
}

async function serve({ address, namespace, allowRoot }: AgentProcessConfig, context: HostContext, control: ChildControl): Promise<void> {
  const { signal, ready, busy } = control;
  const connection = await saying(() => busy('server'), connected(address, context, signal));
  if (!connection) return;
  try {
    const { host } = context;
    await runAgent({ connection, namespace, host, activities: createHostActivities(context), allowRoot, signal, onReady: () => ready({ host }) });
  } finally {
    await connection.close();
  }
}

/** Longest without a word about a server that does not answer. */
const CONNECT_MS = 30_000;
/** Well within what a supervisor waits for. */
const SAY_EVERY_MS = 5_000;

/** Waits for the server as long as it takes; null: told to stop before. */
async function connected(address: string, { warn }: HostContext, signal: AbortSignal): Promise<NativeConnection | null> {
  while (!signal.aborted) {
    try {
      return await connectNative(address, CONNECT_MS, signal);
    } catch (error) {
      if (!signal.aborted) warn?.(`${(error as Error).message}; waiting for it, and keeping watch over what ends by itself`);
    }
  }
  return null;
}

async function saying<T>(say: () => void, work: Promise<T>): Promise<T> {
  say();
  const timer = setInterval(say, SAY_EVERY_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}
