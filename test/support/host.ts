/** An agent's host for tests: a folder of its own, a real store, projects in temporary folders. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { HostContext, StepScope } from '../../activities/host/context.js';
import type { Order } from '../../activities/host/contract.js';
import { discoverInterpreters } from '../../activities/host/interpreters.js';
import { acquireLease } from '../../activities/host/lease.js';
import { agentOwner } from '../../activities/host/owner.js';
import { openAgentStore } from '../../activities/host/store.js';
import { findUv } from '../../activities/host/tools.js';
import { agentFileSchema } from '../../policy/files/agent-file.js';
import type { EnvironmentRef, Interpreter, Owner, Plan, PlannedFile, ProjectSettings } from '../../policy/model.js';

/** The agent file's fields a test wants to differ from the defaults. */
export type AgentFields = Omit<Parameters<typeof agentFileSchema.parse>[0] & object, 'roots'>;

/** A scope that counts its heartbeats and can be canceled. */
export interface TestScope extends StepScope {
  beats: unknown[];
  cancel(reason?: Error): void;
}

export function testScope(attempt = 1): TestScope {
  const controller = new AbortController();
  const beats: unknown[] = [];
  return { attempt, signal: controller.signal, beats, heartbeat: (detail) => void beats.push(detail), cancel: (reason = new Error('canceled by the test')) => controller.abort(reason) };
}

export interface TestProject {
  env: EnvironmentRef;
  path: string;
  venvs: string;
}

export interface TestHost {
  ctx: HostContext;
  /** Folder of everything; removed by `close`. */
  folder: string;
  /** What happens at a named barrier; set by a test. */
  barriers: Map<string, () => void | Promise<void>>;
  project(name: string, files: Record<string, string>, owner?: Owner): TestProject;
  /** Takes the lease for a run and gives its orders, `seq` growing. */
  orders(project: TestProject, run: string): Promise<(step: string) => Order>;
  plan(project: TestProject, interpreter: Interpreter, files: PlannedFile[], fields?: Partial<ProjectSettings> & { installer?: 'uv' | 'pip' }): Plan;
  close(): void;
}

const HOST = 'test-host';

/** Makes a host. Its folder is open to other users, so that a root agent's children can reach their projects. */
export function testHost(fields: AgentFields = {}): TestHost {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'host-')));
  chmodSync(folder, 0o755);
  const projects = join(folder, 'srv');
  mkdirSync(projects);
  const stateDir = join(folder, 'state');
  const store = openAgentStore(join(stateDir, 'agent.sqlite'));
  const barriers: TestHost['barriers'] = new Map();
  const ctx: HostContext = {
    host: HOST,
    agentVersion: '0.0.0-test',
    agentFile: agentFileSchema.parse({ roots: [projects], ...fields }),
    stateDir,
    store,
    now: () => new Date(),
    barrier: async (point) => barriers.get(point)?.(),
  };
  return {
    ctx,
    folder,
    barriers,
    project: (name, files, owner) => makeProject(join(projects, name), files, owner),
    orders: (project, run) => leaseFor(ctx, project, run),
    plan: (project, interpreter, files, settings) => planOf(project, interpreter, files, settings),
    close() {
      store.close();
      // Trees in it are read-only.
      execFileSync('chmod', ['-R', 'u+rwX', folder]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function makeProject(path: string, files: Record<string, string>, owner?: Owner): TestProject {
  const folders = new Set([path]);
  for (const [name, text] of Object.entries(files)) {
    const file = join(path, name);
    for (let folder = dirname(file); folder.length > path.length; folder = dirname(folder)) folders.add(folder);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    if (owner) chownSync(file, owner.uid, owner.gid);
  }
  if (owner) for (const folder of folders) chownSync(folder, owner.uid, owner.gid);
  return { env: { host: HOST, link: join(path, '.venv') }, path, venvs: join(path, '.venvs') };
}

async function leaseFor(ctx: HostContext, { env }: TestProject, run: string): Promise<(step: string) => Order> {
  const holder = { workflowId: `change/${HOST}/${run}`, chain: `chain-of-${run}`, run };
  // As if the run before had been closed.
  const lease = ctx.store.leases.get(env.link);
  if (lease.holder && lease.holder.run !== run) ctx.store.leases.put({ ...lease, holder: null, state: 'free' });
  const { epoch } = await acquireLease(ctx, testScope(), { env, holder, priority: 'forward' });
  let seq = 0;
  return (step) => ({ env, run, workflowId: holder.workflowId, chain: holder.chain, epoch, seq: ++seq, step, reissued: 0 });
}

function planOf({ env }: TestProject, interpreter: Interpreter, files: PlannedFile[], { installer = 'uv', ...settings }: Partial<ProjectSettings> & { installer?: 'uv' | 'pip' } = {}): Plan {
  return {
    kind: 'change', env, policyDigest: 'p'.repeat(64), present: null, adopt: false,
    interpreter: { version: interpreter.version, build: interpreter.build, realpath: interpreter.realpath },
    lock: { path: 'requirements.txt', sha256: createHash('sha256').update(JSON.stringify(files)).digest('hex') },
    files, rungs: ['wheels'], serviceActions: [], onSwitch: 'idle', undoTarget: null, end: null, digest: 'd'.repeat(64),
    facts: { freeBytes: 0, needBytes: 0, restartWindowSeconds: 0, riders: [], index: '', installer, owner: agentOwner() },
    settings: {
      name: 'test', lock: 'requirements.txt', link: '.venv', importModule: null, imports: [], tests: [], testsTimeoutSeconds: 60,
      envPrefix: null, envFile: null, configFiles: [], expectedFreezeHash: null, ...settings,
    },
  };
}

/** An interpreter of this machine by its line (`3.11`), final, or the newest; throws when there is none. */
export async function someInterpreter(ctx: HostContext, line?: string, owner?: Owner): Promise<Interpreter> {
  const all = await discoverInterpreters(ctx, owner);
  const found = all.find((one) => one.implementation === 'cpython' && /^\d+\.\d+\.\d+$/.test(one.version) && (line === undefined || one.version.startsWith(`${line}.`)));
  if (!found) throw new Error(`these tests need Python ${line ?? '3'}: expected it on this machine, got ${all.map((one) => one.version).join(', ')}`);
  return found;
}

let shared: Promise<string> | null = null;

/** A uv for tests: the host's own, or one installed once for all test files, beside the project's packages. */
export function sharedUv(): Promise<string> {
  shared ??= (async () => {
    const host = testHost();
    try {
      const stateDir = resolve(import.meta.dirname, '../../../node_modules/.cache/interpreter-runbooks');
      const tool = await findUv({ ...host.ctx, stateDir });
      if (!tool) throw new Error('these tests need uv: expected one on the host, or an index to install it from, got neither');
      return tool.file;
    } finally {
      host.close();
    }
  })();
  return shared;
}
