/** Live environments for tests: built from real files, verified, sealed, armed and switched to, as a run does it. */
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { armUndo } from '../../activities/host/arm.js';
import { closeChange } from '../../activities/host/close.js';
import type { HostContext } from '../../activities/host/context.js';
import type { HostEvent, Order } from '../../activities/host/contract.js';
import { prepare } from '../../activities/host/prepare.js';
import { switchLink } from '../../activities/host/switch.js';
import { verifyTree } from '../../activities/host/verify.js';
import { nextEvent } from '../../activities/host/watch.js';
import type { Interpreter, Owner, Plan, PlannedFile, Verification } from '../../policy/model.js';
import { sharedUv, testScope, type TestHost, type TestProject } from './host.js';

export interface Live {
  project: TestProject;
  plan: Plan;
  run: string;
  /** Tree id, its path and its package folder. */
  id: string;
  tree: string;
  site: string;
  verification: Verification;
  order: (step: string) => Order;
}

export interface LiveInput {
  host: TestHost;
  project: TestProject;
  run: string;
  python: Interpreter;
  files: PlannedFile[];
  present?: Plan['present'];
  installer?: 'uv' | 'pip';
  /** Default true: give the lease back. */
  close?: boolean;
}

/** Puts an environment at the link of a project. */
export async function goLive({ host, project, run, python, files, present = null, installer = 'uv', close = true }: LiveInput): Promise<Live> {
  const { ctx } = host;
  const order = await host.orders(project, run);
  const plan: Plan = { ...host.plan(project, python, files, { installer }), present, undoTarget: present?.id ?? null };
  await armUndo(ctx, testScope(), order('arm'), plan);
  const { id, path: tree } = await prepare(ctx, testScope(), order('prepare'), plan);
  const verification = await verifyTree(ctx, testScope(), order('verify'), { plan, tree: id, seal: true });
  if (!verification.ok) throw new Error(`expected a tree without a fault: ${JSON.stringify(verification)}`);
  await switchLink(ctx, testScope(), order('switch'), { plan, tree: id });
  if (close) await closeChange(ctx, testScope(), order('close'), { keepPin: false });
  const site = join(tree, 'lib', `python${python.version.split('.').slice(0, 2).join('.')}`, 'site-packages');
  return { project, plan, run, id, tree, site, verification, order };
}

/** A live tree as the next plan's present one. */
export const asPresent = ({ id, tree, verification }: Live, python: Interpreter): NonNullable<Plan['present']> => ({ id, path: tree, version: python.version, manifestDigest: verification.manifestDigest, manifestScope: 'all' });

/** The agent's watch, asked one event after the other. */
export interface Watcher {
  /** The next event of this kind; others before it are passed over. */
  next(kind: HostEvent['kind']): Promise<HostEvent>;
  /** Whether two looks bring no such event. */
  isSilent(kind: HostEvent['kind']): Promise<boolean>;
}

export function watcher(ctx: HostContext, from = 0): Watcher {
  let cursor = from;
  const ask = async (kind: HostEvent['kind'], scope: ReturnType<typeof testScope>): Promise<HostEvent> => {
    for (;;) {
      const event = await nextEvent(ctx, scope, { cursor });
      cursor = event.cursor;
      if (event.kind === kind) return event;
    }
  };
  return {
    next(kind) {
      const scope = testScope();
      const timer = setTimeout(() => scope.cancel(new Error(`expected an event "${kind}" within 30 s, got none`)), 30_000);
      return ask(kind, scope).finally(() => clearTimeout(timer));
    },
    async isSilent(kind) {
      const scope = testScope();
      const timer = setTimeout(() => scope.cancel(), 2_500);
      return ask(kind, scope).then(() => false, (error: unknown) => {
        if (!scope.signal.aborted) throw error;
        return true;
      }).finally(() => clearTimeout(timer));
    },
  };
}

/** A uv that every user can start. */
export async function commonUv(host: TestHost): Promise<string> {
  const file = join(host.folder, 'uv');
  if (!existsSync(file)) copyFileSync(await sharedUv(), file);
  return file;
}

/** A command as somebody's hand would give it, in a folder and as a user; no shell. Its exit code and what it said. */
export function byHand(owner: Owner, cwd: string, file: string, ...args: string[]): Promise<{ code: number | null; text: string }> {
  const identity = process.getuid!() === 0 ? { uid: owner.uid, gid: owner.gid } : {};
  const env = { PATH: '/usr/bin:/bin', HOME: cwd, UV_CACHE_DIR: join(cwd, '.uv-cache'), UV_PYTHON_DOWNLOADS: 'never', UV_NO_CONFIG: '1', NO_COLOR: '1', UV_NO_PROGRESS: '1', PYTHONDONTWRITEBYTECODE: '1' };
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], ...identity });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, text }));
  });
}
