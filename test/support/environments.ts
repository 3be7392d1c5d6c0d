/** Real environments for tests of the engine: venvs without packages, sealed as `verifyTree` would. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, lchownSync, lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Order } from '../../activities/host/contract.js';
import { acquireLease } from '../../activities/host/lease.js';
import { takeManifest } from '../../activities/host/manifest.js';
import { ownerOf } from '../../activities/host/owner.js';
import { resolvePlace, type Place } from '../../activities/host/paths.js';
import type { AgentEnvironment } from '../../policy/files/agent-file.js';
import type { Owner, Plan } from '../../policy/model.js';
import { someInterpreter, testScope, type TestHost, type TestProject } from './host.js';

/** A project whose environment is one of ours, with a second tree built and sealed beside it. */
export interface Prepared {
  host: TestHost;
  project: TestProject;
  place: Place;
  plan: Plan;
  /** Tree that stands (`old-1`), and tree to switch to (`RUN-1`). */
  old: string;
  next: string;
  run: string;
  order: (step: string) => Order;
}

export interface PreparedOptions {
  /** What stands at the link at first. */
  start?: 'managed' | 'directory' | 'missing';
  owner?: Owner;
  onSwitch?: AgentEnvironment['onSwitch'];
  units?: AgentEnvironment['units'];
  run?: string;
  files?: Record<string, string>;
  name?: string;
  /** Interpreters of the present and the next tree; default 3.11 and 3.12. */
  lines?: [string, string];
}

/** Makes an environment of an interpreter. */
export async function makeVenv(host: TestHost, path: string, line: string, owner?: Owner): Promise<string> {
  const { realpath, version } = await someInterpreter(host.ctx, line, owner);
  execFileSync(realpath, ['-I', '-m', 'venv', '--without-pip', path]);
  if (owner) giveTo(path, owner);
  return version;
}

/** Gives a tree and all in it to a user. */
export function giveTo(path: string, { uid, gid }: Owner): void {
  execFileSync('/bin/chown', ['-hR', `${uid}:${gid}`, path]);
}

/** Writes `.complete` and takes write permission away, as a verified tree has it. */
export async function seal(host: TestHost, tree: string, run: string, version: string): Promise<string> {
  const { digest } = await takeManifest(host.ctx, { tree, owner: ownerOf(tree), scope: 'all', record: false, seal: true });
  const owner = ownerOf(tree);
  chmodSync(tree, 0o755);
  writeFileSync(join(tree, '.complete'), JSON.stringify({ run, version, lockSha256: '0'.repeat(64), manifestDigest: digest }));
  chownSync(join(tree, '.complete'), owner.uid, owner.gid);
  chmodSync(tree, 0o555);
  return digest;
}

/** The usual situation before a switch, with the lease taken and nothing armed. */
export async function prepared(host: TestHost, { start = 'managed', owner, onSwitch = 'tolerate', units = [], name = 'app', run = `ch-${name}`, files = {}, lines = ['3.11', '3.12'] }: PreparedOptions = {}): Promise<Prepared> {
  const project = host.project(name, { 'requirements.txt': '', ...files }, owner);
  host.ctx.agentFile.environments.push({ link: project.env.link, onSwitch, units });
  mkdirSync(project.venvs);
  if (owner) chownSync(project.venvs, owner.uid, owner.gid);
  const present = start === 'missing' ? null : await presentTree(host, project, start, lines[0], owner);
  const next = `${run}-1`;
  const version = await makeVenv(host, join(project.venvs, next), lines[1], owner);
  await seal(host, join(project.venvs, next), run, version);
  const place = resolvePlace(host.ctx, project.env);
  const interpreter = await someInterpreter(host.ctx, lines[1], owner);
  const plan: Plan = { ...host.plan(project, interpreter, []), present, adopt: start === 'directory', undoTarget: present?.id ?? null, onSwitch };
  return { host, project, place, plan, old: present?.id ?? '', next, run, order: await host.orders(project, run) };
}

async function presentTree(host: TestHost, project: TestProject, start: 'managed' | 'directory', line: string, owner?: Owner): Promise<Plan['present']> {
  const path = start === 'managed' ? join(project.venvs, 'old-1') : project.env.link;
  const version = await makeVenv(host, path, line, owner);
  if (start === 'managed') {
    await seal(host, path, 'old', version);
    symlinkSync('.venvs/old-1', project.env.link);
    if (owner) lchownSync(project.env.link, owner.uid, owner.gid);
  }
  const manifestScope = start === 'managed' ? 'all' : 'without-bytecode';
  const { digest } = await takeManifest(host.ctx, { tree: path, owner: ownerOf(path), scope: manifestScope, record: false });
  return { id: start === 'managed' ? 'old-1' : 'adopted-abc123', path, version, manifestDigest: digest, manifestScope };
}

/** Takes the lease for another run and gives its orders. */
export async function ordersOf(host: TestHost, project: TestProject, run: string, priority: 'forward' | 'undo' | 'expiry'): Promise<(step: string) => Order> {
  const holder = { workflowId: `wf/${run}`, chain: `chain-of-${run}`, run };
  const { epoch } = await acquireLease(host.ctx, testScope(), { env: project.env, holder, priority });
  let seq = 0;
  return (step) => ({ env: project.env, run, workflowId: holder.workflowId, chain: holder.chain, epoch, seq: ++seq, step, reissued: 0 });
}

/** Version that answers through the link, as everybody starts it. */
export const answers = (project: TestProject): string =>
  execFileSync(join(project.env.link, 'bin/python'), ['-I', '-c', 'import platform; print(platform.python_version())'], { encoding: 'utf8' }).trim();

/** What lies in the project's own folder, without the environments. */
export const litter = (project: TestProject): string[] => readdirSync(project.path).filter((name) => name.includes('runbook-next'));

/** Whether a path is a symbolic link. */
export const isLink = (path: string): boolean => lstatSync(path).isSymbolicLink();

