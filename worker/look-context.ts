/** What a process that only looks at this host has instead of an agent's own context. */
import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import type { HostContext } from '../activities/host/context.js';
import { openAgentStore } from '../activities/host/store.js';
import type { AgentFile } from '../policy/files/agent-file.js';
import { packageVersion } from './version.js';

/** Over the agent's folder, made where it is missing, and its store, open until `store.close()`. */
export function lookContext(agentFile: AgentFile, agentDir: string): HostContext {
  mkdirSync(agentDir, { recursive: true, mode: 0o700 });
  return { host: agentFile.host ?? hostname(), agentVersion: packageVersion(), agentFile, stateDir: agentDir, store: openAgentStore(path.join(agentDir, 'agent.db')), now: () => new Date(), barrier: async () => undefined };
}
