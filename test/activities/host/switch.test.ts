import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { armUndo } from '../../../activities/host/arm.js';
import { replaceLink } from '../../../activities/host/link.js';
import { readLink } from '../../../activities/host/paths.js';
import { switchLink } from '../../../activities/host/switch.js';
import { undo } from '../../../activities/host/undo.js';
import { answers, isLink, litter, prepared } from '../../support/environments.js';
import { someInterpreter, testHost, testScope, type TestHost } from '../../support/host.js';

let host: TestHost;
let python: string;
before(async () => {
  host = testHost();
  python = (await someInterpreter(host.ctx, '3.11')).realpath;
});
after(() => host.close());

/** Reads through the link without a pause, in processes of its own; `stop` says how often and how often in vain. */
function readers(link: string): { stop(): Promise<{ reads: number; failed: number }> } {
  const look = `
import os, signal, sys
reads = failed = 0
going = True
def stop(*_):
    global going
    going = False
signal.signal(signal.SIGTERM, stop)
print('ready', flush=True)
while going:
    reads += 1
    try:
        os.close(os.open(sys.argv[1] + '/pyvenv.cfg', os.O_RDONLY)); os.stat(sys.argv[1] + '/bin/python')
    except OSError:
        failed += 1
print(reads, failed)`;
  const start = `
import signal, subprocess, sys
reads = failed = 0
going = True
def stop(*_):
    global going
    going = False
signal.signal(signal.SIGTERM, stop)
print('ready', flush=True)
while going:
    reads += 1
    failed += subprocess.run([sys.argv[1] + '/bin/python', '-I', '-S', '-c', '']).returncode != 0
print(reads, failed)`;
  const children = [look, start].map((text) => spawn(python, ['-I', '-c', text, link], { stdio: ['ignore', 'pipe', 'inherit'] }));
  const outputs = children.map((child) => {
    let text = '';
    child.stdout!.on('data', (chunk: Buffer) => (text += chunk.toString()));
    return () => text;
  });
  const ready = Promise.all(children.map((child) => once(child.stdout!, 'data')));
  return {
    async stop() {
      await ready;
      await sleep(100);
      await Promise.all(children.map((child: ChildProcess) => {
        child.kill('SIGTERM');
        return once(child, 'close');
      }));
      const counts = outputs.map((text) => text().trim().split('\n').at(-1)!.split(' ').map(Number) as [number, number]);
      return { reads: counts.reduce((sum, [n]) => sum + n, 0), failed: counts.reduce((sum, [, n]) => sum + n, 0) };
    },
  };
}

test('invariant 2: readers during 1,000 renames of the link never find it missing', async () => {
  const p = await prepared(host, { name: 'thousand' });
  const reading = readers(p.project.env.link);
  for (let i = 0; i < 1000; i++) {
    replaceLink(p.place, i % 2 === 0 ? p.next : p.old);
    if (i % 50 === 0) await sleep(1);
  }
  const { reads, failed } = await reading.stop();
  assert.equal(failed, 0);
  assert.ok(reads > 100, `${reads} reads`);
});

test('invariant 2, WF-24: whole switches and undos under readers, none fails; what stays is what was', async () => {
  const p = await prepared(host, { name: 'cycles' });
  const reading = readers(p.project.env.link);
  const { chain } = p.order('x');
  for (let i = 0; i < 3; i++) {
    await armUndo(host.ctx, testScope(), p.order('arm'), p.plan);
    const switched = await switchLink(host.ctx, testScope(), p.order('switch'), { plan: p.plan, tree: p.next });
    assert.ok(switched.renameMs < 1000);
    const undone = await undo(host.ctx, testScope(), p.order('undo'), { chain });
    assert.deepEqual([undone.outcome, undone.problem, undone.verified], ['restored', '', true]);
  }
  const { failed } = await reading.stop();
  assert.equal(failed, 0);
  assert.equal(readlinkSync(p.project.env.link), '.venvs/old-1');
  assert.deepEqual(litter(p.project), []);
});

test('decision 17, DEF-27, WF-21: a directory is adopted in one exchange, under readers, at its own path; undo returns to it', async () => {
  const p = await prepared(host, { name: 'adoption', start: 'directory' });
  const { chain } = p.order('x');
  const reading = readers(p.project.env.link);
  await armUndo(host.ctx, testScope(), p.order('arm'), p.plan);
  const switched = await switchLink(host.ctx, testScope(), p.order('switch'), { plan: p.plan, tree: p.next });
  assert.deepEqual([switched.from, switched.to, switched.adopted], ['adopted-abc123', p.next, true]);
  assert.match(answers(p.project), /^3\.12\./);
  const undone = await undo(host.ctx, testScope(), p.order('undo'), { chain });
  assert.deepEqual([undone.outcome, undone.verified, undone.problem], ['restored', true, '']);
  assert.match(answers(p.project), /^3\.11\./);
  assert.equal(isLink(p.project.env.link), true);
  const { failed } = await reading.stop();
  assert.equal(failed, 0);
});

test('adoption never takes the place of something else, and leaves the directory as it is', async () => {
  const p = await prepared(host, { name: 'taken', start: 'directory' });
  mkdirSync(join(p.project.venvs, 'adopted-abc123'));
  await armUndo(host.ctx, testScope(), p.order('arm'), p.plan);
  await assert.rejects(switchLink(host.ctx, testScope(), p.order('switch'), { plan: p.plan, tree: p.next }), { type: 'HostRefused', message: /expected a free name for the adopted tree/ });
  assert.equal(isLink(p.project.env.link), false);
});

test('invariant 1: no armed undo, no switch', async () => {
  const p = await prepared(host, { name: 'unarmed' });
  await assert.rejects(switchLink(host.ctx, testScope(), p.order('switch'), { plan: p.plan, tree: p.next }), { type: 'UndoNotProven', nonRetryable: true });
  await armUndo(host.ctx, testScope(), p.order('arm'), p.plan);
  await assert.rejects(switchLink(host.ctx, testScope(), p.order('switch'), { plan: { ...p.plan, digest: 'e'.repeat(64) }, tree: p.next }), { type: 'PlanChanged' });
  assert.equal(readLink(p.place).treeId, 'old-1');
});

test('only a sealed tree of this project is switched to', async () => {
  const p = await prepared(host, { name: 'unsealed' });
  await armUndo(host.ctx, testScope(), p.order('arm'), p.plan);
  mkdirSync(join(p.project.venvs, 'ch-unsealed-2'));
  for (const tree of ['ch-unsealed-2', 'ch-unsealed-9', '../old-1', '--version', 'a/b']) {
    await assert.rejects(switchLink(host.ctx, testScope(), p.order('switch'), { plan: p.plan, tree }), { type: 'HostRefused', nonRetryable: true }, tree);
  }
  assert.equal(readLink(p.place).treeId, 'old-1');
});

test('a link that somebody moved after arming is not turned, also when it moves right before the rename', async () => {
  const p = await prepared(host, { name: 'moved' });
  await armUndo(host.ctx, testScope(), p.order('arm'), p.plan);
  host.barriers.set('switch:turning', () => {
    unlinkSync(p.project.env.link);
    symlinkSync('/usr', p.project.env.link);
  });
  await assert.rejects(switchLink(host.ctx, testScope(), p.order('switch'), { plan: p.plan, tree: p.next }), { type: 'PlanChanged' });
  host.barriers.clear();
  assert.equal(readlinkSync(p.project.env.link), '/usr');
});

test('onSwitch idle: refused while a process runs from the environment, named by its pid', async (t) => {
  const p = await prepared(host, { name: 'idle', onSwitch: 'idle' });
  await armUndo(host.ctx, testScope(), p.order('arm'), p.plan);
  const service = spawn(join(p.project.env.link, 'bin/python'), ['-c', 'print("up", flush=True); import time; time.sleep(60)'], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => service.kill('SIGKILL'));
  await once(service.stdout!, 'data');
  await assert.rejects(switchLink(host.ctx, testScope(), p.order('switch'), { plan: p.plan, tree: p.next }), { type: 'HostRefused', message: new RegExp(`because onSwitch is idle for it, got ${service.pid} `) });
  service.kill('SIGKILL');
  await once(service, 'close');
  const switched = await switchLink(host.ctx, testScope(), p.order('switch'), { plan: p.plan, tree: p.next });
  assert.equal(switched.to, p.next);
});

test('a missing environment is made, and undo removes the link again', async () => {
  const p = await prepared(host, { name: 'missing', start: 'missing' });
  const { chain } = p.order('x');
  const armed = await armUndo(host.ctx, testScope(), p.order('arm'), p.plan);
  assert.equal(armed.undoTarget, null);
  await switchLink(host.ctx, testScope(), p.order('switch'), { plan: p.plan, tree: p.next });
  assert.match(answers(p.project), /^3\.12\./);
  const undone = await undo(host.ctx, testScope(), p.order('undo'), { chain });
  assert.deepEqual([undone.outcome, undone.verified, undone.version], ['restored', true, null]);
  assert.equal(existsSync(p.project.env.link), false);
});

test('arming compares what stands with the plan, and refuses what is not ours', async () => {
  const p = await prepared(host, { name: 'arming' });
  const arm = () => armUndo(host.ctx, testScope(), p.order('arm'), p.plan);
  const link = p.project.env.link;
  await assert.rejects(armUndo(host.ctx, testScope(), p.order('arm'), { ...p.plan, present: { ...p.plan.present!, manifestDigest: 'f'.repeat(64) } }), { type: 'PlanChanged', message: /manifest ffffffffffff/ });
  await assert.rejects(armUndo(host.ctx, testScope(), p.order('arm'), { ...p.plan, onSwitch: 'restart' }), { type: 'PlanChanged', message: /onSwitch/ });
  const stand = (target: string): void => {
    rmSync(link, { force: true });
    symlinkSync(target, link);
  };
  stand('.venvs/nowhere');
  await assert.rejects(arm(), { type: 'HostRefused', message: /a link to nowhere: \.venvs\/nowhere/ });
  stand('/usr');
  await assert.rejects(arm(), { type: 'HostRefused', message: /a link to \/usr, which is not ours/ });
  stand(`.venvs/${p.next}`);
  await assert.rejects(arm(), { type: 'PlanChanged' });
  unlinkSync(link);
  await assert.rejects(arm(), { type: 'PlanChanged', message: /got nothing there/ });
  mkdirSync(link);
  writeFileSync(join(link, 'pyvenv.cfg'), '');
  await assert.rejects(arm(), { type: 'PlanChanged', message: /got a directory/ });
  assert.equal(host.ctx.store.armed.get(p.order('x').chain), undefined);
});

test('WF-24, DEF-26: an environment whose base interpreter is gone can not be armed', async () => {
  const p = await prepared(host, { name: 'base-gone', start: 'directory' });
  const python3 = join(p.project.env.link, 'bin/python3.11');
  const target = existsSync(python3) ? python3 : join(p.project.env.link, 'bin/python');
  for (const name of ['python', 'python3', 'python3.11']) rmSync(join(p.project.env.link, 'bin', name), { force: true });
  symlinkSync('/nowhere/python3.11', target);
  if (!target.endsWith('/python')) symlinkSync('python3.11', join(p.project.env.link, 'bin/python'));
  const { takeManifest } = await import('../../../activities/host/manifest.js');
  const { digest } = await takeManifest(host.ctx, { tree: p.project.env.link, owner: p.place.owner, scope: 'without-bytecode', record: false });
  await assert.rejects(armUndo(host.ctx, testScope(), p.order('arm'), { ...p.plan, present: { ...p.plan.present!, manifestDigest: digest } }), { type: 'UndoNotProven', nonRetryable: true });
  assert.match(readFileSync(join(p.project.env.link, 'pyvenv.cfg'), 'utf8'), /3\.11/);
});
