/** Process entry of `runbook preflight`, `verify`, `gate` and whatever else judges facts: the facts of one environment and the rules for it, as one line of JSON. */
import { accessSync, constants, mkdtempSync, rmSync, statSync } from 'node:fs';
import { constants as os, hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { CheckContext } from '../activities/host/checks/context.js';
import { measureEnvironment } from '../activities/host/checks/measure-environment.js';
import { CheckRefused, placeForChecks, type CheckPlace } from '../activities/host/checks/place.js';
import { treeOf } from '../activities/host/checks/standing.js';
import type { AgentStore } from '../activities/host/store.js';
import { checkPolicyOf, rulesFor } from '../policy/checks/rules.js';
import type { AgentFile } from '../policy/files/agent-file.js';
import type { PolicyFile } from '../policy/files/policy-file.js';
import { loadAgentFile } from './load-agent-file.js';
import { lookPolicy, widestAgentFile } from './look.js';
import { runbookPaths } from './paths.js';
import { packageVersion } from './version.js';

/** Ends the measuring and all that it started. */
const ended = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => ended.abort(128 + os.signals[signal]));

/** The agent file where this user can read one; else the widest reading, for looking only. */
function readAgentFile(file: string): AgentFile {
  try {
    accessSync(file, constants.R_OK);
  } catch {
    return widestAgentFile();
  }
  return loadAgentFile(file);
}

/** Whether this user may use the agent's own folder and store. */
function isOurs(agentDir: string): boolean {
  try {
    for (const file of [agentDir, path.join(agentDir, 'agent.db')]) accessSync(file, constants.R_OK | constants.W_OK);
    // Root must not leave files in another user's folder that this one then can't change.
    return statSync(agentDir).uid === process.geteuid!();
  } catch {
    return false;
  }
}

interface Opened {
  context: CheckContext;
  close(): void;
}

/**
 * The agent's store and folder; where this user can't use them, an empty store in a folder of its own, made when something asks
 * for it and removed at the end. `isDeep`: what was done to the environment is asked for; without it a store is opened only for what
 * an agent made, because loading SQLite takes longer than most checks.
 */
async function openContext(place: CheckPlace, isDeep: boolean): Promise<Opened> {
  const { agentFile: file, agentDir } = runbookPaths();
  const agentFile = readAgentFile(file);
  const standsAlone = !isOurs(agentDir);
  const open = isDeep || (!standsAlone && treeOf(place) !== null) ? (await import('../activities/host/store.js')).openAgentStore : null;
  let [folder, store]: [string | null, AgentStore | null] = [null, null];
  const context: CheckContext = {
    host: agentFile.host ?? hostname(), agentVersion: packageVersion(), agentFile, standsAlone, now: () => new Date(), barrier: async () => undefined,
    get stateDir() {
      return standsAlone ? (folder ??= mkdtempSync(path.join(tmpdir(), 'runbook-check-'))) : agentDir;
    },
    get store() {
      return (store ??= open!(path.join(this.stateDir, 'agent.db')));
    },
  };
  return {
    context,
    close() {
      store?.close();
      if (folder !== null) rmSync(folder, { recursive: true, force: true });
    },
  };
}

function readPolicy(file: string | undefined): PolicyFile {
  const loaded = lookPolicy(file);
  if ('objections' in loaded) throw new CheckRefused(loaded.objections);
  return loaded.policy;
}

interface Options {
  target: string;
  name: string | null;
  policy: string | undefined;
  probe: boolean;
  importTime: boolean;
  integrity: boolean;
  manual: boolean;
  /** One more module to import than the rules require: the project's own. */
  also: string | null;
}

/** With `--integrity` and `--manual` all that a verification, and a person's list, judge is measured: the timed import, too. */
function readOptions(): Options {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { name: { type: 'string' }, policy: { type: 'string' }, 'no-probe': { type: 'boolean', default: false }, 'import-time': { type: 'boolean', default: false }, integrity: { type: 'boolean', default: false }, manual: { type: 'boolean', default: false }, also: { type: 'string' } } });
  const probe = !values['no-probe'];
  const importTime = values['import-time'] || (probe && (values.integrity || values.manual));
  return { target: positionals[0] ?? '.', name: values.name ?? null, policy: values.policy, probe, importTime, integrity: values.integrity, manual: values.manual, also: values.also ?? null };
}

async function main(): Promise<void> {
  const { target, name, policy, probe, importTime, integrity, manual, also } = readOptions();
  const place = placeForChecks(target, name);
  const { context, close } = await openContext(place, integrity || manual);
  try {
    const rules = rulesFor(checkPolicyOf(readPolicy(policy), context.host), place.settings);
    const facts = await measureEnvironment(context, place, { probe, importTime, integrity, manual, rules: also === null ? rules : { ...rules, required: [...new Set([...rules.required, also])] }, env: process.env, signal: ended.signal });
    await new Promise((resolve) => process.stdout.write(`${JSON.stringify({ facts, rules })}\n`, resolve));
  } finally {
    close();
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    if (ended.signal.aborted) process.exit(ended.signal.reason as number);
    const objections = error instanceof CheckRefused ? error.objections : null;
    for (const { what, expected, got, wayOut } of objections ?? []) process.stderr.write(`refused: ${what}: expected ${expected}, got ${got}\n  try: ${wayOut}\n`);
    const isRefused = objections !== null || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') === true;
    if (!objections) process.stderr.write(`${isRefused ? 'refused' : 'error'}: ${(error as Error).message}\n`);
    // 1: it could not be told.
    process.exit(isRefused ? 64 : 1);
  },
);
