import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, readlinkSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { armUndo } from '../../../activities/host/arm.js';
import { closeChange } from '../../../activities/host/close.js';
import { perform } from '../../../activities/host/order.js';
import { switchLink } from '../../../activities/host/switch.js';
import { answers, ordersOf, prepared, seal, type Prepared } from '../../support/environments.js';
import { testHost, testScope, type TestHost } from '../../support/host.js';

let host: TestHost;
before(() => {
  host = testHost();
});
after(() => host.close());

/** A tree as a run of ours would have left it: known to the journal, sealed or not. */
async function treeOf(p: Prepared, run: string, age: number, { isSealed = true } = {}): Promise<string> {
  const id = `${run}-1`;
  const path = join(p.project.venvs, id);
  mkdirSync(join(path, 'lib'), { recursive: true });
  writeFileSync(join(path, 'lib/module.py'), '');
  host.ctx.store.journal.append({ link: p.place.link, op: `${run}/1/prepare`, kind: 'intent', run, at: '', attempt: 1, body: null });
  if (isSealed) {
    await seal(host, path, run, '3.12.1');
    const when = Date.now() / 1000 - age;
    utimesSync(join(path, '.complete'), when, when);
  }
  return id;
}

const trees = (p: Prepared): string[] => readdirSync(p.project.venvs).filter((name) => !['README', 'state.json', '.bridge'].includes(name)).sort();

test('close prunes the oldest beyond keepTrees and unfinished attempts, never current, previous, pinned, ridden or foreign trees', async (t) => {
  const p = await prepared(host, { name: 'prune', onSwitch: 'tolerate' });
  await armUndo(host.ctx, testScope(), p.order('arm'), p.plan);
  await switchLink(host.ctx, testScope(), p.order('switch'), { plan: p.plan, tree: p.next });
  for (const [run, age] of [['aa', 10], ['bb', 20], ['cc', 30], ['dd', 40]] as const) await treeOf(p, run, age);
  const pinned = await treeOf(p, 'pinned', 90);
  const row = host.ctx.store.armed.get(p.order('x').chain)!;
  host.ctx.store.armed.put({ ...row, chain: 'exception', run: 'ex-1', undoTarget: pinned, switchingTo: null, keepPin: true }, true);
  const ridden = await treeOf(p, 'ridden', 90);
  const rider = spawn('/usr/bin/env', ['python3', '-c', 'print("up", flush=True); import time; time.sleep(600)'], { cwd: join(p.project.venvs, ridden), stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => rider.kill('SIGKILL'));
  await once(rider.stdout!, 'data');
  const linked = await treeOf(p, 'linked', 90);
  symlinkSync(`.venvs/${linked}`, join(p.project.path, '.venv-jobs'));
  await treeOf(p, 'half', 0, { isSealed: false });
  mkdirSync(join(p.project.venvs, 'by-hand'));
  mkdirSync(join(p.project.venvs, 'unknown-1'));
  mkdirSync(join(p.project.venvs, '.trash-old-1-ff'));
  const order = p.order('close');
  const closed = await closeChange(host.ctx, testScope(), order, { keepPin: false });
  assert.deepEqual([...closed.pruned].sort(), ['cc-1', 'dd-1', 'half-1']);
  assert.deepEqual(trees(p), ['aa-1', 'bb-1', 'by-hand', 'ch-prune-1', 'linked-1', 'old-1', 'pinned-1', 'ridden-1', 'unknown-1']);
  assert.deepEqual(closed.kept, trees(p));
  assert.match(answers(p.project), /^3\.12\./);
  assert.deepEqual(await closeChange(host.ctx, testScope(2), order, { keepPin: false }), closed, 'given again after the release it answers from the journal');
  await assert.rejects(perform(host.ctx, testScope(), p.order('more'), { intent: null, holds: () => true, act: async () => 1 }), { type: 'Fenced' });
});

test('the attempt that a neighbouring environment of the project is building stays', async () => {
  const p = await prepared(host, { name: 'neighbours' });
  await armUndo(host.ctx, testScope(), p.order('arm'), p.plan);
  await switchLink(host.ctx, testScope(), p.order('switch'), { plan: p.plan, tree: p.next });
  const jobs = { ...p.project, env: { ...p.project.env, link: join(p.project.path, '.venv-jobs') } };
  const order = await ordersOf(host, jobs, 'jb-1', 'forward');
  await perform(host.ctx, testScope(), order('prepare'), { intent: null, holds: () => true, act: async () => mkdirSync(join(p.project.venvs, 'jb-1-1')) ?? null });
  await closeChange(host.ctx, testScope(), p.order('close'), { keepPin: false });
  assert.ok(existsSync(join(p.project.venvs, 'jb-1-1')));
  await closeChange(host.ctx, testScope(), order('close'), { keepPin: false });
  assert.ok(!existsSync(join(p.project.venvs, 'jb-1-1')));
});

test('.venvs/README: the two stock commands, run as they stand there, go back', async () => {
  const p = await prepared(host, { name: "it's readme", run: 'ch-readme' });
  await armUndo(host.ctx, testScope(), p.order('arm'), p.plan);
  await switchLink(host.ctx, testScope(), p.order('switch'), { plan: p.plan, tree: p.next });
  await closeChange(host.ctx, testScope(), p.order('close'), { keepPin: false });
  const text = readFileSync(join(p.project.venvs, 'README'), 'utf8');
  assert.match(text, /current: {2}\.venvs\/ch-readme-1, since ch-readme/);
  assert.match(text, /previous: \.venvs\/old-1, Python 3\.11\./);
  const command = /^ {4}(ln -s .* && mv -T .*)$/m.exec(text)![1]!;
  execFileSync('/bin/sh', ['-c', command], { cwd: '/' });
  assert.equal(readlinkSync(p.project.env.link), '.venvs/old-1');
  assert.ok(lstatSync(p.project.env.link).isSymbolicLink());
  assert.match(answers(p.project), /^3\.11\./);
});

test('keepPin: the undo target of a change that ends later survives later closes', async () => {
  const p = await prepared(host, { name: 'keep-pin' });
  await armUndo(host.ctx, testScope(), p.order('arm'), p.plan);
  await switchLink(host.ctx, testScope(), p.order('switch'), { plan: p.plan, tree: p.next });
  await closeChange(host.ctx, testScope(), p.order('close'), { keepPin: true });
  assert.deepEqual(host.ctx.store.armed.pinned(p.place.link).map((row) => row.undoTarget), ['old-1']);
  const other = await ordersOf(host, p.project, 'ch-other', 'forward');
  await closeChange(host.ctx, testScope(), other('close'), { keepPin: false });
  assert.deepEqual(host.ctx.store.armed.pinned(p.place.link).map((row) => row.undoTarget), ['old-1']);
});
