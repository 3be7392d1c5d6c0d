/** Which instance a command talks to: paths, address, policy, host, and who asks. */
import { readFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { parse } from 'yaml';
import { parsedHost, plainHost } from '../../policy/files/agent-host.js';
import { readCurrent, type CurrentInstance } from '../../worker/current.js';
import { runbookPaths, type RunbookPaths } from '../../worker/paths.js';

export interface Instance {
  paths: RunbookPaths;
  /** The running `up`, when there is one. */
  current: CurrentInstance | null;
  /** Address of the Temporal service, or null: none configured and none running. */
  address: string | null;
  namespace: string;
  uiUrl: string | null;
  /** This host's name. */
  host: string;
  requester: string;
}

/** Settings by flag or environment first, then the running instance of this user. */
export function findInstance(env: NodeJS.ProcessEnv = process.env): Instance {
  const current = readCurrent();
  const configured = env['TEMPORAL_ADDRESS'];
  const own = runbookPaths(env);
  // A command without a home of its own means the instance that runs.
  const paths = own.home === null && current?.home ? runbookPaths({ ...env, RUNBOOK_HOME: current.home }) : own;
  return {
    paths,
    current,
    address: configured ?? current?.address ?? null,
    namespace: env['TEMPORAL_NAMESPACE'] ?? current?.namespace ?? 'default',
    uiUrl: configured ? null : (current?.uiUrl ?? null),
    host: current?.host ?? agentHost(paths) ?? hostname(),
    requester: userInfo().username,
  };
}

function agentHost(paths: RunbookPaths): string | null {
  const text = readIfThere(paths.agentFile);
  const host = plainHost(text);
  if (host !== undefined) return host;
  try {
    return parsedHost(parse(text));
  } catch {
    // Whoever needs the file itself says what is wrong with it.
    return null;
  }
}

/** A file's text; empty where there is none. */
export function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
