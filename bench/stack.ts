/** Our side of a benchmark: the embedded server, control worker and agent, started by the command line in a folder of their own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import type { AgentEnvironment } from '../policy/files/agent-file.js';
import { readCurrent, type CurrentInstance } from '../worker/current.js';
import { runbookPaths, type RunbookPaths } from '../worker/paths.js';
import { freePort } from '../worker/server/ports.js';
import { ROOT } from './project.js';
import { cleanEnvironment, run, type Ran } from './run.js';

const CLI = path.join(ROOT, 'bin/runbook.js');
/** First start on a machine fetches the server. */
const READY_MS = 240_000;

export interface Stack {
  /** As it was started. */
  current: CurrentInstance;
  paths: RunbookPaths;
  /** As it is now: a part that was started again has another process id. */
  now(): CurrentInstance;
  /** Puts these fields into the policy. */
  setPolicy(fields: object): void;
  /** Runs `runbook ARGS`; throws unless its exit code is one of `allow` (default 0). */
  cli(args: string[], allow?: number[]): Promise<Ran>;
  stop(): Promise<void>;
}

export interface StackInput {
  /** Folder for everything of this instance. */
  folder: string;
  roots: string[];
  /** Full versions: the policy of the benchmark names them. */
  primary: string;
  fallback: string;
  uv: string;
  environments?: Pick<AgentEnvironment, 'link' | 'onSwitch' | 'units'>[];
  /** Of the policy, beyond its interpreters. */
  policy?: object;
}

/** Starts `runbook up` and waits until it says where it is. */
export async function startStack(input: StackInput): Promise<Stack> {
  const env = cleanEnvironment({ RUNBOOK_HOME: path.join(input.folder, 'home'), XDG_STATE_HOME: path.join(input.folder, 'xdg') });
  env['PATH'] = `${path.dirname(process.execPath)}:${env['PATH']}`;
  writeConfiguration(input);
  const log = path.join(input.folder, 'up.log');
  const fd = openSync(log, 'a');
  const ports = ['--port', String(await freePort()), '--ui-port', String(await freePort())];
  const asRoot = process.getuid?.() === 0 ? ['--allow-root'] : [];
  const up = spawn(process.execPath, [CLI, 'up', ...ports, ...asRoot], { env, stdio: ['ignore', fd, fd] });
  closeSync(fd);
  const paths = runbookPaths(env);
  const current = await waitReady(up, paths.currentFile, log);
  const now = (): CurrentInstance => readCurrent(paths.currentFile) ?? current;
  return {
    current,
    paths,
    now,
    setPolicy: (fields) => writeFileSync(paths.policyFile, stringify({ ...(parse(readFileSync(paths.policyFile, 'utf8')) as object), ...fields })),
    cli: (args, allow = [0]) => run(process.execPath, [CLI, ...args], { env, allow }),
    stop: () => stopProcess(up),
  };
}

function writeConfiguration(input: StackInput): void {
  const config = path.join(input.folder, 'home/config');
  mkdirSync(config, { recursive: true });
  // The server's binary is fetched once for all benchmarks of this user.
  const { cacheDir } = runbookPaths();
  mkdirSync(cacheDir, { recursive: true });
  symlinkSync(cacheDir, path.join(input.folder, 'home/cache'));
  const rule = (version: string): object => ({ version, justification: 'the benchmark of this machine' });
  const line = input.primary.split('.').slice(0, 2).join('.');
  writeFileSync(path.join(config, 'policy.yaml'), stringify({ interpreters: { primary: rule(`${line}.x`), fallback: rule(input.fallback) }, ...input.policy }));
  writeFileSync(path.join(config, 'agent.yaml'), stringify({ host: 'bench', roots: input.roots, uv: input.uv, environments: input.environments ?? [] }));
}

async function waitReady(up: ChildProcess, currentFile: string, log: string): Promise<CurrentInstance> {
  const end = performance.now() + READY_MS;
  while (performance.now() < end && up.exitCode === null) {
    const current = readCurrent(currentFile);
    if (current) return current;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await stopProcess(up);
  throw new Error(`runbook up: expected ${currentFile} to appear, it did not; its last words:\n${readFileSync(log, 'utf8').slice(-2000)}`);
}

/** TERM, then KILL after 20 s; resolves when it is gone. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await gone;
  clearTimeout(kill);
}
