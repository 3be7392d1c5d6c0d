/**
 * A whole instance for a test: server, control worker and agent as processes, a project with tiny wheels from a loopback
 * index, a service that runs from its environment, and the command line. Everything is real but the packages' size.
 */
import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { stringify } from 'yaml';
import { discoverInterpreters } from '../../activities/host/interpreters.js';
import { changeRequest, type Startable } from '../../client/cli/request.js';
import { findInstance, type Instance } from '../../client/cli/instance.js';
import { startRun, type Started } from '../../client/cli/runs.js';
import { acceptHost } from '../../client/cli/commands/host.js';
import type { EnvironmentRef, Interpreter, RunResult } from '../../policy/model.js';
import { openRecordsReadOnly, type RecordsReader } from '../../records/store.js';
import { up, type UpHandle } from '../../worker/up.js';
import { testIndex, type TestIndex } from './index.js';
import { sharedUv, testHost } from './host.js';

const PACKAGE_ROOT = path.resolve(import.meta.dirname, '../../..');
const BIN = path.join(PACKAGE_ROOT, 'bin/runbook.js');
const UNIT = path.join(PACKAGE_ROOT, 'test/support/unit.py');

/** Short intervals, so that a killed process is noticed within seconds (decision 26). */
export const QUICK = { heartbeatMs: 3_000, scheduleToStartMs: 5_000, leaseRetryMs: 500 };

export interface CliAnswer {
  code: number;
  stdout: string;
  stderr: string;
}

export interface TestInstance {
  home: string;
  project: string;
  link: string;
  env: EnvironmentRef;
  index: TestIndex;
  primary: Interpreter;
  fallback: Interpreter;
  handle: UpHandle;
  client: Client;
  instance(): Instance;
  records(): RecordsReader;
  cli(...args: string[]): Promise<CliAnswer>;
  spawnCli(...args: string[]): ChildProcess;
  start(kind: Startable, words?: { to?: string; reason?: string }): Promise<Started>;
  result(started: Started): Promise<RunResult>;
  /** Version that answers through the link. */
  version(): string;
  lock(text: string): void;
  barrier: { arm(point: string): void; reached(point: string): Promise<number>; release(point: string): void };
  /** Starts `.venv/bin/python -c 'import alpha'` again and again; `stop` tells how many starts failed. */
  importLoop(): { stop(): Promise<{ starts: number; failed: string[] }> };
  /** Notes the service left when it found itself on a mix of two environments. */
  mixed(): string;
  stop(): Promise<void>;
}

/** Two wheels for both interpreters, one that only the fallback has. */
async function makeIndex(): Promise<TestIndex> {
  const files = (name: string, version: string) => ({ [`${name}/__init__.py`]: `VERSION = "${version}"\n` });
  const oldOnly = { name: 'beta', version: '2.0', files: files('beta', '2.0') };
  return testIndex([
    { name: 'alpha', version: '1.0', files: files('alpha', '1.0') },
    { name: 'alpha', version: '1.1', files: files('alpha', '1.1') },
    { name: 'beta', version: '1.0', files: files('beta', '1.0') },
    { ...oldOnly, tag: 'cp311-none-any' },
  ]);
}

async function interpreters(): Promise<{ primary: Interpreter; fallback: Interpreter }> {
  const host = testHost();
  const found = await discoverInterpreters(host.ctx);
  host.close();
  const of = (line: string) => found.find((i) => i.version.startsWith(`${line}.`) && !i.freeThreaded);
  const [primary, fallback] = [of('3.12'), of('3.11')];
  if (!primary || !fallback) throw new Error(`these tests need Python 3.12 and 3.11, got ${found.map((i) => i.version).join(', ')}`);
  return { primary, fallback };
}

export interface InstanceOptions {
  /** How riders are treated: `restart` with the service of this harness, or `idle` without one. */
  onSwitch?: 'restart' | 'idle';
  /** Seconds of silence after which a lease's holder is asked after. */
  leaseQuietSeconds?: number;
}

/** Starts it all, with the project's first environment on the primary interpreter. */
export async function startInstance({ onSwitch = 'restart', leaseQuietSeconds = 3 }: InstanceOptions = {}): Promise<TestInstance> {
  const dir = realpathSync(mkdtempSync(path.join(tmpdir(), 'runbooks-instance-')));
  // A place of its own, so that nothing of the user's running instance is seen or touched.
  process.env['XDG_STATE_HOME'] = path.join(dir, 'xdg');
  process.env['RUNBOOK_HOME'] = path.join(dir, 'home');
  process.env['RUNBOOK_TEST_BARRIERS'] = path.join(dir, 'barriers');
  delete process.env['TEMPORAL_ADDRESS'];
  mkdirSync(process.env['RUNBOOK_TEST_BARRIERS']);
  const [index, found, uv] = await Promise.all([makeIndex(), interpreters(), sharedUv()]);
  const project = path.join(dir, 'projects', 'svc');
  const link = path.join(project, '.venv');
  writeFiles({ dir, project, link, index, found, uv }, onSwitch, leaseQuietSeconds);
  try {
    return await startOn({ dir, project, link, index, found }, onSwitch);
  } catch (error) {
    // Else its port keeps the test process alive until the runner's own limit.
    index.close();
    throw error;
  }
}

async function startOn({ dir, project, link, index, found }: Pick<Parts, 'dir' | 'project' | 'link' | 'index' | 'found'>, onSwitch: 'restart' | 'idle'): Promise<TestInstance> {
  const handle = await up({ allowRoot: true, port: 0, uiPort: null, home: path.join(dir, 'home'), handleSignals: false });
  const connection = await Connection.connect({ address: handle.address });
  const client = new Client({ connection });
  await acceptHost(client, handle.host);
  const instance = assemble({ dir, project, link, index, found, handle, client, connection });
  const made = await instance.cli('env', 'create', project, '--to', found.primary.version, '--yes', '--json');
  if (made.code !== 0) {
    await instance.stop();
    throw new Error(`the first environment could not be made: ${made.stdout}${made.stderr}`);
  }
  if (onSwitch === 'restart') execFileSync(found.fallback.realpath, [UNIT, 'restart', link, path.join(project, 'unit.json')]);
  return instance;
}

function writeFiles({ dir, project, link, index, found, uv }: Pick<Parts, 'dir' | 'project' | 'link' | 'index' | 'found'> & { uv: string }, onSwitch: 'restart' | 'idle', leaseQuietSeconds: number): void {
  const config = path.join(dir, 'home', 'config');
  mkdirSync(config, { recursive: true });
  mkdirSync(project, { recursive: true });
  writeFileSync(path.join(config, 'policy.yaml'), stringify({
    interpreters: { primary: { version: '3.12.x', justification: 'test' }, fallback: { version: found.fallback.version, justification: 'test' } },
    diskFloorBytes: 0, fallback: { criticalImports: ['alpha'], assessImports: ['alpha'] },
  }));
  const unit = (verb: string) => [found.fallback.realpath, UNIT, verb, link, path.join(project, 'unit.json')];
  const units = onSwitch === 'restart' ? [{ name: 'svc', restart: unit('restart'), health: unit('health'), restartWindowSeconds: 20 }] : [];
  writeFileSync(path.join(config, 'agent.yaml'), stringify({
    host: 'testhost', roots: [path.join(dir, 'projects')], index: { url: index.url }, uv, limits: { leaseQuietSeconds }, environments: [{ link, onSwitch, units }],
  }));
  writeFileSync(path.join(project, 'runbook.yaml'), stringify({ name: 'svc', imports: ['alpha', 'beta'], tests: ['-c', 'import alpha, beta; print("2 passed")'], envPrefix: 'SVC', envFile: '.env', configFiles: [{ path: '.svc_config', format: 'keyvalue' }] }));
  writeFileSync(path.join(project, 'requirements.txt'), 'alpha==1.0\nbeta==1.0\n');
}

interface Parts {
  dir: string;
  project: string;
  link: string;
  index: TestIndex;
  found: { primary: Interpreter; fallback: Interpreter };
  handle: UpHandle;
  client: Client;
  connection: Connection;
}

function assemble({ dir, project, link, index, found, handle, client, connection }: Parts): TestInstance {
  const env = { host: handle.host, link };
  const barriers = path.join(dir, 'barriers');
  const cli = (...args: string[]) => new Promise<CliAnswer>((resolve) => {
    execFile(process.execPath, [BIN, ...args], { maxBuffer: 16 << 20 }, (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }));
  });
  return {
    home: path.join(dir, 'home'), project, link, env, index, ...found, handle, client, cli,
    instance: () => findInstance(),
    records: () => openRecordsReadOnly(path.join(dir, 'home', 'state', 'records.db')),
    spawnCli: (...args) => spawn(process.execPath, [BIN, ...args], { stdio: 'ignore' }),
    start: (kind, words = {}) => {
      const { request, workflowId } = changeRequest(findInstance(), kind, env, { reason: 'test', ...words });
      return startRun(client, kind, workflowId, { ...request, tuning: QUICK });
    },
    result: ({ handle: run }) => run.result() as Promise<RunResult>,
    version: () => execFileSync(path.join(link, 'bin/python'), ['-I', '-c', 'import platform; print(platform.python_version())'], { encoding: 'utf8' }).trim(),
    lock: (text) => writeFileSync(path.join(project, 'requirements.txt'), text),
    barrier: {
      arm: (point) => writeFileSync(path.join(barriers, point), ''),
      reached: (point) => poll(() => (existsSync(path.join(barriers, `${point}.reached`)) ? Number(readFileSync(path.join(barriers, `${point}.reached`), 'utf8')) : 0)),
      release: (point) => [point, `${point}.reached`].forEach((name) => rmSync(path.join(barriers, name), { force: true })),
    },
    importLoop: () => importLoop(link),
    mixed: () => (existsSync(path.join(project, 'unit.json.mixed')) ? readFileSync(path.join(project, 'unit.json.mixed'), 'utf8') : ''),
    stop: async () => {
      const unit = path.join(project, 'unit.json');
      if (existsSync(unit)) execFileSync(found.fallback.realpath, [UNIT, 'stop', link, unit]);
      await connection.close();
      await handle.stop();
      index.close();
      execFileSync('/bin/chmod', ['-R', 'u+w', dir]);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Asks until the answer is truthy; the test's own time limit ends it. */
export async function poll<T>(ask: () => T | Promise<T>): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function importLoop(link: string): ReturnType<TestInstance['importLoop']> {
  let stopped = false;
  let starts = 0;
  const failed: string[] = [];
  const once = () => new Promise<void>((resolve) => {
    starts += 1;
    execFile(path.join(link, 'bin/python'), ['-I', '-c', 'import alpha'], (error, _out, stderr) => {
      if (error) failed.push(`${error.message} ${stderr}`);
      resolve();
    });
  });
  const loop = (async () => {
    while (!stopped) await once();
  })();
  return { stop: async () => ((stopped = true), await loop, { starts, failed }) };
}
