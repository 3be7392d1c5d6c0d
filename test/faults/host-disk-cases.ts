/**
 * Disk full, inodes gone, noexec and read-only mounts while a real environment is built, verified and switched to. A quota
 * answers installers as a full disk does (EDQUOT beside ENOSPC, one rule); file systems in memory have none on most kernels.
 */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, readdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ApplicationFailure } from '@temporalio/common';
import { armUndo } from '../../activities/host/arm.js';
import { look } from '../../activities/host/look.js';
import { prepare } from '../../activities/host/prepare.js';
import { switchLink } from '../../activities/host/switch.js';
import { undo } from '../../activities/host/undo.js';
import { verifyTree } from '../../activities/host/verify.js';
import type { Interpreter, Objection } from '../../policy/model.js';
import type { CommandFailure } from '../../policy/names.js';
import { answers, litter } from '../support/environments.js';
import { sharedUv, someInterpreter, testHost, testScope, type TestHost } from '../support/host.js';
import { testIndex, type TestIndex } from '../support/index.js';
import { asPresent, goLive, type Live } from '../support/live.js';
import { mountSmall, needsMounts, remount, unmount } from '../support/own-mounts.js';

let index: TestIndex;
let uv: string;
const hosts: TestHost[] = [];
const mounts: string[] = [];
let runs = 0;

before(async () => {
  if (needsMounts !== false) return;
  uv = await sharedUv();
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`many/m${at}.py`, `N = ${at}\n`]));
  index = await testIndex([
    { name: 'alpha', version: '1.0', files: { 'alpha.py': 'VALUE = 1\n' } },
    { name: 'heavy', version: '1.0', files: { 'heavy.py': '' }, bulk: 2_000_000 },
    { name: 'many', version: '1.0', files: { 'many/__init__.py': '', ...many } },
  ]);
});
after(() => {
  index?.close();
  for (const folder of mounts) unmount(folder);
  for (const host of hosts) host.close();
});

interface Small extends Live {
  host: TestHost;
  python: Interpreter;
  /** The mount, on which the project lies. */
  folder: string;
}

/** A live environment on a small file system of its own; the agent's folder lies elsewhere. */
async function liveOn(options: string): Promise<Small> {
  const host = testHost({ uv, index: { url: index.url } });
  hosts.push(host);
  const folder = join(host.folder, 'srv/small');
  mountSmall(folder, `mode=755,${options}`);
  mounts.push(folder);
  const python = await someInterpreter(host.ctx);
  const run = `ch-s${++runs}`;
  const project = host.project('small/shop', { 'requirements.txt': 'alpha==1.0\n' });
  return { ...(await goLive({ host, project, run, python, files: [index.file('alpha', '1.0')] })), host, python, folder };
}

/** Builds `name` beside what is live. */
async function build(at: Small, name: string, installer: 'uv' | 'pip', attempt = 1, run = `ch-s${++runs}`) {
  const plan = { ...at.host.plan(at.project, at.python, [index.file(name, '1.0')], { installer }), present: asPresent(at, at.python), undoTarget: at.id };
  const order = await at.host.orders(at.project, run);
  const made = await prepare(at.host.ctx, testScope(attempt), order('prepare'), plan);
  return { plan, order, run, made };
}

/** What was live is as it was, and nothing else lies beside it. */
function assertUntouched(at: Small): void {
  assert.equal(answers(at.project), at.python.version);
  assert.deepEqual(readdirSync(at.project.venvs).filter((name) => !name.startsWith('.') && name !== 'README' && name !== 'state.json'), [at.id]);
  assert.deepEqual(readdirSync(at.project.venvs).filter((name) => name.startsWith('.trash')), []);
  assert.deepEqual(litter(at.project), []);
}

for (const installer of ['uv', 'pip'] as const) {
  for (const [what, options, name, room] of [
    ['a full disk', 'size=1500k', 'heavy', 'size=64m'],
    ['no inodes left', 'nr_inodes=190', 'many', 'nr_inodes=5000'],
  ] as const) {
    test(`${what} while ${installer} installs: DISK_FULL, final, nothing left behind; with room the same run's next attempt is whole`, { skip: needsMounts }, async () => {
      const at = await liveOn(options);
      const run = `ch-full-${++runs}`;
      const error = await build(at, name, installer, 1, run).then(() => assert.fail('expected it not to fit'), (e: unknown) => e as ApplicationFailure);
      const facts = error.details?.[0] as CommandFailure;
      assert.deepEqual([error.type, facts?.class, error.nonRetryable], ['CommandFailed', 'DISK_FULL', true], error.message);
      assert.match(facts.remedy, /free space/);
      assertUntouched(at);
      remount(at.folder, room);
      const { plan, order, made } = await build(at, name, installer, 2, run);
      assert.equal(made.id, `${run}-2`);
      const seen = await verifyTree(at.host.ctx, testScope(), order('verify'), { plan, tree: made.id, seal: true });
      assert.deepEqual([seen.ok, seen.files.bad], [true, []]);
    });
  }
}

test('whatever the size of the disk: an attempt fails as DISK_FULL with nothing left, or its tree is whole', { skip: needsMounts }, async () => {
  const at = await liveOn('size=64m');
  const { bsize } = statfsSync(at.folder);
  const ends: string[] = [];
  for (const room of [0, 60, 160, 300, 500, 800, 4000]) {
    const { blocks, bfree } = statfsSync(at.folder);
    remount(at.folder, `size=${((blocks - bfree) * bsize) / 1024 + room}k`);
    const end = await build(at, 'many', 'uv').then(({ plan, order, made }) => verifyTree(at.host.ctx, testScope(), order('verify'), { plan, tree: made.id, seal: false }), (e: unknown) => e as ApplicationFailure);
    if ('ok' in end) assert.deepEqual([end.ok, end.files.bad], [true, []], `${room} KiB`);
    else {
      assert.deepEqual([end.type, (end.details?.[0] as CommandFailure | undefined)?.class], ['CommandFailed', 'DISK_FULL'], `${room} KiB: ${end.stack}`);
      assertUntouched(at);
    }
    ends.push('ok' in end ? 'whole' : 'full');
    remount(at.folder, 'size=64m');
  }
  assert.equal(ends[0], 'full');
  assert.equal(ends.at(-1), 'whole', ends.join());
});

test('no inode left at the switch, and none at the undo: the link is never gone, and both go on when there is one again', { skip: needsMounts }, async () => {
  const at = await liveOn('nr_inodes=2000');
  const { plan, order, made } = await build(at, 'alpha', 'uv');
  const { ctx } = at.host;
  await armUndo(ctx, testScope(), order('arm'), plan);
  await verifyTree(ctx, testScope(), order('verify'), { plan, tree: made.id, seal: true });
  const tight = (): void => {
    const { files, ffree } = statfsSync(at.folder);
    remount(at.folder, `nr_inodes=${files - ffree}`);
  };
  const switching = order('switch');
  tight();
  await assert.rejects(switchLink(ctx, testScope(), switching, { plan, tree: made.id }), /ENOSPC/);
  assert.equal(answers(at.project), at.python.version);
  assert.deepEqual(litter(at.project), []);
  remount(at.folder, 'nr_inodes=2000');
  assert.equal((await switchLink(ctx, testScope(2), switching, { plan, tree: made.id })).to, made.id);
  tight();
  const back = order('undo');
  await assert.rejects(undo(ctx, testScope(), back, { chain: back.chain }), /ENOSPC/);
  assert.equal(answers(at.project), at.python.version);
  remount(at.folder, 'nr_inodes=2000');
  const undone = await undo(ctx, testScope(2), back, { chain: back.chain });
  assert.deepEqual([undone.outcome, undone.verified, undone.problem], ['restored', true, '']);
});

for (const [what, options] of [['noexec', 'noexec'], ['read-only', 'ro']] as const) {
  test(`a ${what} mount: the plan says so in words, and what lies there is untouched`, { skip: needsMounts }, async () => {
    const at = await liveOn('size=16m');
    remount(at.folder, options);
    const seen = await look(at.host.ctx, testScope(), { env: at.project.env, to: null, manifest: false, create: false });
    const objection = seen.objections.find((one) => one.what.includes('writing and executing')) as Objection;
    assert.match(objection.got, what === 'noexec' ? /EACCES/ : /EROFS/);
    assert.match(objection.wayOut, /mount it read-write without noexec/);
    assert.deepEqual(readdirSync(at.project.path).filter((name) => name.startsWith('.runbook-probe')), []);
  });
}

test('the agent\'s own disk is full: an order fails before it changes anything, and goes on when there is room', { skip: needsMounts }, async () => {
  const host = testHost({ uv, index: { url: index.url } });
  hosts.push(host);
  const python = await someInterpreter(host.ctx);
  const project = host.project('shop', { 'requirements.txt': 'alpha==1.0\n' });
  const folder = join(host.folder, 'agent-disk');
  mountSmall(folder, 'size=4m');
  mounts.push(folder);
  const { openAgentStore } = await import('../../activities/host/store.js');
  const store = openAgentStore(join(folder, 'agent.sqlite'));
  try {
    const on: TestHost = { ...host, ctx: { ...host.ctx, stateDir: folder, store } };
    const { acquireLease } = await import('../../activities/host/lease.js');
    const holder = { workflowId: 'wf/full', chain: 'chain-full', run: 'ch-full' };
    const { epoch } = await acquireLease(on.ctx, testScope(), { env: project.env, holder, priority: 'forward' });
    const order = { env: project.env, ...holder, epoch, seq: 1, step: 'prepare', reissued: 0 };
    const plan = host.plan(project, python, [index.file('alpha', '1.0')]);
    const { bfree, bsize } = statfsSync(folder);
    writeFileSync(join(folder, 'ballast'), Buffer.alloc(bfree * bsize));
    await assert.rejects(prepare(on.ctx, testScope(), order, plan), /full|ENOSPC|No space left/i);
    assert.equal(existsSync(project.venvs) ? readdirSync(project.venvs).length : 0, 0);
    writeFileSync(join(folder, 'ballast'), '');
    const made = await prepare(on.ctx, testScope(2), order, plan);
    assert.match(readFileSync(join(made.path, 'pyvenv.cfg'), 'utf8'), /version/);
  } finally {
    store.close();
    chmodSync(host.folder, 0o755);
  }
});
