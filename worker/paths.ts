/** Where everything of this project lives on a machine: configuration, state and cache of one user. */
import { homedir } from 'node:os';
import path from 'node:path';

const NAME = 'interpreter-runbooks';

/** Files and folders of one instance; all absolute. Nothing here is created by asking for it. */
export interface RunbookPaths {
  /** RUNBOOK_HOME when it is set: a whole instance below one folder. */
  home: string | null;
  configDir: string;
  stateDir: string;
  cacheDir: string;
  /** The company's policy and the host administrator's file. */
  policyFile: string;
  agentFile: string;
  /** Every policy that was in force, by digest. */
  policiesDir: string;
  /** Audit trail and inventory. */
  recordsDb: string;
  /** The agent's own folder: store, tools, manifests, output of runs. */
  agentDir: string;
  /** Database and log of the embedded server. */
  serverDir: string;
  /** Logs of the processes of `up`. */
  logDir: string;
  /** Pointer to the running `up` of this user; the same for every RUNBOOK_HOME, so that any command finds it. */
  currentFile: string;
}

type Env = Readonly<Record<string, string | undefined>>;

/** A base folder by the XDG rules: the variable counts only when it holds an absolute path. */
function xdg(env: Env, variable: string, fallback: string): string {
  const value = env[variable];
  const base = value !== undefined && path.isAbsolute(value) ? value : path.join(env['HOME'] ?? homedir(), fallback);
  return path.join(base, NAME);
}

/** Paths of the instance that `env` names. RUNBOOK_HOME wins over the XDG variables; a relative one is taken from the working directory. */
export function runbookPaths(env: Env = process.env): RunbookPaths {
  const home = env['RUNBOOK_HOME'] ? path.resolve(env['RUNBOOK_HOME']) : null;
  const configDir = home === null ? xdg(env, 'XDG_CONFIG_HOME', '.config') : path.join(home, 'config');
  const stateDir = home === null ? xdg(env, 'XDG_STATE_HOME', '.local/state') : path.join(home, 'state');
  const cacheDir = home === null ? xdg(env, 'XDG_CACHE_HOME', '.cache') : path.join(home, 'cache');
  return {
    home,
    configDir,
    stateDir,
    cacheDir,
    policyFile: path.join(configDir, 'policy.yaml'),
    agentFile: path.join(configDir, 'agent.yaml'),
    policiesDir: path.join(stateDir, 'policies'),
    recordsDb: path.join(stateDir, 'records.db'),
    agentDir: path.join(stateDir, 'agent'),
    serverDir: path.join(stateDir, 'server'),
    logDir: path.join(stateDir, 'logs'),
    currentFile: path.join(xdg(env, 'XDG_STATE_HOME', '.local/state'), 'current.json'),
  };
}
