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
import { newRunIds, startRun, type Started } from '../../client/cli/runs.js';
import { enrolHost } from '../../worker/enrol.js';
import type { EnvironmentRef, Interpreter, RunResult } from '../../policy/model.js';
import { openRecordsReadOnly, type RecordsReader } from '../../records/store.js';
import type { UpOptions } from '../../worker/up-options.js';
import { up, type UpHandle } from '../../worker/up.js';
import { testIndex, type ReleaseSpec, type TestIndex } from './index.js';
import { sharedUv, testHost } from './host.js';
import { writeSdists } from './sdists.js';
import { testCli } from './servers.js';

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

/** Places where a child process of the agent can be made to wait for a file to go away. */
export const HELD_PLACES = ['import', 'tests', 'restart', 'build', 'measure'] as const;
export type HeldPlace = (typeof HELD_PLACES)[number];

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
  /** Its standard output can be read; the rest is ignored. */
  spawnCli(...args: string[]): ChildProcess;
  start(kind: Startable, words?: { to?: string; reason?: string }): Promise<Started>;
  result(started: Started): Promise<RunResult>;
  /** Goes back by a run of its own, as `runbook undo` does. */
  undo(reason: string): Promise<RunResult>;
  /** Version that answers through the link. */
  version(): string;
  lock(text: string): void;
  barrier: { arm(point: string): void; reached(point: string): Promise<number>; release(point: string): void };
  /** Makes what waits at such a place stand still there: the import of `beta`, the project's tests, the unit's restart command, the build of `gamma`, the project's probe. */
  hold: { arm(place: HeldPlace): void; release(place: HeldPlace): void; path(place: HeldPlace): string };
  /** Starts `.venv/bin/python -c 'import alpha'` again and again, `pauseMs` apart; `stop` tells how many starts failed. */
  importLoop(): { stop(): Promise<{ starts: number; failed: string[] }> };
  /** Notes the service left when it found itself on a mix of two environments. */
  mixed(): string;
  stop(): Promise<void>;
}

/** Waits while that place is held; `hold.import` beside the environments, `hold.tests` in the folder of the tests. */
export const heldBy = (file: string): string => `import os, time\nwhile os.path.exists(${file}): time.sleep(0.01)\n`;

/** Two wheels for both interpreters, one that only the fallback has and whose import a test can hold. */
async function makeIndex(dir: string): Promise<TestIndex> {
  const files = (name: string, version: string) => ({ [`${name}/__init__.py`]: `VERSION = "${version}"\n` });
  const oldOnly = { name: 'beta', version: '2.0', files: { 'beta/__init__.py': `${heldBy('os.path.join(__file__.split("/.venv")[0], "hold.import")')}VERSION = "2.0"\n` } };
  return testIndex([
    { name: 'alpha', version: '1.0', files: files('alpha', '1.0') },
    { name: 'alpha', version: '1.1', files: files('alpha', '1.1') },
    { name: 'beta', version: '1.0', files: files('beta', '1.0') },
    { ...oldOnly, tag: 'cp311-none-any' },
    ...sourceOnly(dir),
  ]);
}

/** Two releases of `gamma` that exist as source alone, and build without fetching anything; `hold.build` holds their build. */
function sourceOnly(dir: string): ReleaseSpec[] {
  const versions = ['1.0', '1.1'];
  mkdirSync(path.join(dir, 'sources'));
  const before = heldBy(JSON.stringify(path.join(dir, 'hold.build')));
  const made = writeSdists(path.join(dir, 'sources'), versions.map((version) => ({ name: 'gamma', version, before, files: { 'gamma/__init__.py': `VERSION = "${version}"\n` } })));
  return made.map((sdist, at) => ({ name: 'gamma', version: versions[at]!, path: sdist.path, sdist: true }));
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
  /** The host may build from source, into a wheelhouse it installs from. */
  builder?: boolean;
  /** A server of the test's own, or other process entries. */
  up?: Pick<UpOptions, 'address' | 'entries'>;
}

/** Starts it all, with the project's first environment on the primary interpreter. */
export async function startInstance({ onSwitch = 'restart', leaseQuietSeconds = 3, builder = false, up: parts = {} }: InstanceOptions = {}): Promise<TestInstance> {
  const dir = realpathSync(mkdtempSync(path.join(tmpdir(), 'runbooks-instance-')));
  // A place of its own, so that nothing of the user's running instance is seen or touched.
  process.env['XDG_STATE_HOME'] = path.join(dir, 'xdg');
  process.env['RUNBOOK_HOME'] = path.join(dir, 'home');
  process.env['RUNBOOK_TEST_BARRIERS'] = path.join(dir, 'barriers');
  delete process.env['TEMPORAL_ADDRESS'];
  // Else each instance fetches one into a cache of its own.
  process.env['RUNBOOK_TEMPORAL_CLI'] = (await testCli()).file;
  mkdirSync(process.env['RUNBOOK_TEST_BARRIERS']);
  const [index, found, uv] = await Promise.all([makeIndex(dir), interpreters(), sharedUv()]);
  const project = path.join(dir, 'projects', 'svc');
  const link = path.join(project, '.venv');
  writeFiles({ dir, project, link, index, found, uv }, { onSwitch, leaseQuietSeconds, builder });
  try {
    return await startOn({ dir, project, link, index, found }, onSwitch, parts);
  } catch (error) {
    // Else its port keeps the test process alive until the runner's own limit.
    index.close();
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
}

async function startOn({ dir, project, link, index, found }: Pick<Parts, 'dir' | 'project' | 'link' | 'index' | 'found'>, onSwitch: 'restart' | 'idle', parts: NonNullable<InstanceOptions['up']>): Promise<TestInstance> {
  const handle = await up({ ...parts, allowRoot: true, port: 0, uiPort: null, home: path.join(dir, 'home'), handleSignals: false });
  const connection = await Connection.connect({ address: handle.address });
  const client = new Client({ connection });
  await enrolHost(client, handle.host);
  const instance = assemble({ dir, project, link, index, found, handle, client, connection });
  const made = await instance.cli('env', 'create', project, '--to', found.primary.version, '--yes', '--json');
  if (made.code !== 0) {
    await instance.stop();
    throw new Error(`the first environment could not be made: ${made.stdout}${made.stderr}`);
  }
  if (onSwitch === 'restart') execFileSync(found.fallback.realpath, [UNIT, 'restart', link, path.join(project, 'unit.json')]);
  return instance;
}

function writeFiles({ dir, project, link, index, found, uv }: Pick<Parts, 'dir' | 'project' | 'link' | 'index' | 'found'> & { uv: string }, { onSwitch, leaseQuietSeconds, builder }: Required<Omit<InstanceOptions, 'up'>>): void {
  const config = path.join(dir, 'home', 'config');
  mkdirSync(config, { recursive: true });
  mkdirSync(project, { recursive: true });
  const wheelhouse = path.join(dir, 'wheelhouse');
  if (builder) mkdirSync(wheelhouse);
  writeFileSync(path.join(config, 'policy.yaml'), stringify({
    interpreters: { primary: { version: '3.12.x', justification: 'test' }, fallback: { version: found.fallback.version, justification: 'test' } },
    ...(builder ? { defaultClass: { build: 'builder', publicIndex: true } } : {}),
    diskFloorBytes: 0, fallback: { criticalImports: ['alpha'], assessImports: ['alpha'] },
  }));
  const unit = (verb: string) => [found.fallback.realpath, UNIT, verb, link, path.join(project, 'unit.json')];
  const units = onSwitch === 'restart' ? [{ name: 'svc', restart: unit('restart'), health: unit('health'), restartWindowSeconds: 20 }] : [];
  writeFileSync(path.join(config, 'agent.yaml'), stringify({
    host: 'testhost', roots: [path.join(dir, 'projects')], index: { url: index.url, ...(builder ? { findLinks: wheelhouse } : {}) }, uv, ...(builder ? { roles: ['builder'], wheelhouse } : {}), limits: { leaseQuietSeconds }, environments: [{ link, onSwitch, units }],
  }));
  writeFileSync(path.join(project, 'runbook.yaml'), stringify({ name: 'svc', imports: ['alpha', 'beta'], tests: ['checks.py'], envPrefix: 'SVC', envFile: '.env', configFiles: [{ path: '.svc_config', format: 'keyvalue' }] }));
  writeFileSync(path.join(project, 'checks.py'), `${heldBy('"hold.tests"')}import alpha, beta\nprint("2 passed")\n`);
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
    spawnCli: (...args) => spawn(process.execPath, [BIN, ...args], { stdio: ['ignore', 'pipe', 'ignore'] }),
    start: (kind, words = {}) => {
      const { request, workflowId } = changeRequest(findInstance(), kind, env, { reason: 'test', ...words });
      return startRun(client, kind, workflowId, { ...request, tuning: QUICK });
    },
    result: ({ handle: run }) => run.result() as Promise<RunResult>,
    undo: async (reason) => {
      const { run, workflowId } = newRunIds('rollback', env);
      const started = await startRun(client, 'rollback', workflowId, { run, env, reason, requester: findInstance().requester, mode: 'undo', tuning: QUICK });
      return started.handle.result() as Promise<RunResult>;
    },
    version: () => execFileSync(path.join(link, 'bin/python'), ['-I', '-c', 'import platform; print(platform.python_version())'], { encoding: 'utf8' }).trim(),
    lock: (text) => writeFileSync(path.join(project, 'requirements.txt'), text),
    barrier: {
      arm(point) {
        // A process that was just passing when it was last released may have left its mark.
        this.release(point);
        writeFileSync(path.join(barriers, point), '');
      },
      reached: (point) => poll(() => (existsSync(path.join(barriers, `${point}.reached`)) ? Number(readFileSync(path.join(barriers, `${point}.reached`), 'utf8')) : 0)),
      release: (point) => [point, `${point}.reached`].forEach((name) => rmSync(path.join(barriers, name), { force: true })),
    },
    hold: {
      path: (place) => path.join(place === 'build' ? dir : project, place === 'restart' ? 'unit.json.hold' : `hold.${place}`),
      arm(place) {
        this.release(place);
        writeFileSync(this.path(place), '');
      },
      // `.held` is written by who waits there, as the agent's user.
      release(place) {
        for (const file of [this.path(place), `${this.path(place)}.held`]) rmSync(file, { force: true });
      },
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

/** Longest anything here is waited for: a loop without an end would keep the test process alive. */
const POLL_LIMIT_MS = 150_000;

/** Asks until the answer is truthy. */
export async function poll<T>(ask: () => T | Promise<T>): Promise<T> {
  const end = performance.now() + POLL_LIMIT_MS;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (performance.now() > end) throw new Error(`expected ${ask.toString().slice(0, 200)} within ${POLL_LIMIT_MS / 1000} s, got ${String(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Between two starts of the service's Python: without a pause the loop takes a whole processor. */
const IMPORT_PAUSE_MS = 100;

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
    while (!stopped) {
      await once();
      await new Promise((resolve) => setTimeout(resolve, IMPORT_PAUSE_MS));
    }
  })();
  return { stop: async () => ((stopped = true), await loop, { starts, failed }) };
}
