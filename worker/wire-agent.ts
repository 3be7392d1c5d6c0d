/** Everything the agent's process is made of, put together in one place. */
import { hostname } from 'node:os';
import path from 'node:path';
import { createHostActivities } from '../activities/host/index.js';
import type { HostContext } from '../activities/host/context.js';
import { openAgentStore } from '../activities/host/store.js';
import { assertUserAllowed, runAgent } from './agent.js';
import { barrierFrom } from './barrier.js';
import type { ChildControl } from './child-process.js';
import { connectNative } from './connect.js';
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
  connectMs?: number;
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
  };
}

/** Checks user and file, connects, runs until told to stop. Tells the host's name when it is ready. */
export async function agentProcess(config: AgentProcessConfig, { signal, ready }: ChildControl): Promise<void> {
  assertUserAllowed(config.allowRoot);
  installRuntime('agent');
  const context = hostContext(config);
  const connection = await connectNative(config.address, config.connectMs ?? 30_000, signal);
  try {
    const { host } = context;
    await runAgent({ connection, namespace: config.namespace, host, activities: createHostActivities(context), allowRoot: config.allowRoot, signal, onReady: () => ready({ host }) });
  } finally {
    context.store.close();
    await connection.close();
  }
}
