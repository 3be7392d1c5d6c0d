import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, readdirSync, readlinkSync, realpathSync, renameSync, rmSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { adoptLink } from '../../../activities/host/adopt-link.js';
import { armUndo } from '../../../activities/host/arm.js';
import { closeChange } from '../../../activities/host/close.js';
import type { Adopted } from '../../../activities/host/contract.js';
import { isLeftByUs, linkDrift } from '../../../activities/host/drift.js';
import { takeManifest } from '../../../activities/host/manifest.js';
import { readLink } from '../../../activities/host/paths.js';
import { adoptionPlan } from '../../../policy/adoption.js';
import type { HostLook, Plan } from '../../../policy/model.js';
import { answers, isLink, prepared, type Prepared } from '../../support/environments.js';
import { testHost, testScope, type TestHost } from '../../support/host.js';
import { inProcess } from '../../support/run-host-process.js';

let host: TestHost;
before(() => {
  host = testHost();
});
after(() => host.close());

/** A directory that the run planned to adopt. */
async function directory(name: string): Promise<Prepared & { adoption: Plan }> {
  const p = await prepared(host, { start: 'directory', name, onSwitch: 'idle' });
  const { facts, lock, settings, onSwitch, present } = p.plan;
  const look = { env: p.project.env, project: p.project.path, owner: facts.owner, linkState: 'directory', current: { ...present!, files: 0, bytes: 0, sealed: null }, lock: { ...lock, pins: 0 }, disk: { freeBytes: 0, freeInodes: 0, needBytes: 0 }, riders: [], onSwitch, settings, objections: [] } as unknown as HostLook;
  return { ...p, adoption: adoptionPlan(look, 'p'.repeat(64))! };
}

async function armed(name: string): Promise<Prepared & { adoption: Plan }> {
  const p = await directory(name);
  await armUndo(host.ctx, testScope(), p.order('arm'), p.adoption);
  return p;
}

test('decision 17: a directory is adopted with what runs from it: same files, same interpreter, nobody is stopped', async () => {
  const p = await armed('adopted');
  const inode = statSync(p.project.env.link).ino;
  // Idle or not: it goes on in the same files, and opens more of them by the same path.
  const service = spawn(join(p.project.env.link, 'bin/python'), ['-I', '-c', 'import sys; print(1, flush=True); sys.stdin.read(); import html.parser; print(html.parser.__file__ and sys.prefix, flush=True)'], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(service.stdout, 'data');
  const version = answers(p.project);
  const { tree, version: told } = await adoptLink(host.ctx, testScope(), p.order('adopt'));
  assert.deepEqual([tree, told, answers(p.project)], [p.old, version, version]);
  assert.deepEqual([readlinkSync(p.project.env.link), statSync(p.project.env.link).ino], [`.venvs/${p.old}`, inode]);
  service.stdin.end();
  const [late] = (await once(service.stdout, 'data')) as [Buffer];
  assert.equal(late.toString().trim(), p.project.env.link);
  const { kept } = await closeChange(host.ctx, testScope(), p.order('close'), { keepPin: false });
  assert.ok(kept.includes(p.old));
  const { store } = host.ctx;
  assert.deepEqual([store.leases.get(p.place.link).state, store.armed.of(p.place.link), store.armed.adopted(p.place.link)], ['free', [], [p.old]]);
  assert.deepEqual([linkDrift(host.ctx, p.place, readLink(p.place)), isLeftByUs(host.ctx, p.place, readLink(p.place))], [[], true], 'no hand did this');
});

test('invariant 2: what does not run from its new place is given back, a directory as before', async () => {
  const p = await directory('gives-back');
  const python = join(p.project.env.link, 'bin/python');
  // A link that leads out of the tree by a relative path ends elsewhere from one folder deeper.
  symlinkSync(realpathSync(python), join(p.project.path, 'base-python'));
  for (const name of readdirSync(join(p.project.env.link, 'bin')).filter((one) => one.startsWith('python'))) unlinkSync(join(p.project.env.link, 'bin', name));
  symlinkSync('../../base-python', python);
  const { digest } = await takeManifest(host.ctx, { tree: p.project.env.link, owner: p.place.owner, scope: 'without-bytecode', record: false });
  const plan = { ...p.adoption, present: { ...p.adoption.present!, manifestDigest: digest } };
  await armUndo(host.ctx, testScope(), p.order('arm'), plan);
  const version = answers(p.project);
  await assert.rejects(adoptLink(host.ctx, testScope(), p.order('adopt')), { type: 'VerificationFailed', nonRetryable: true, message: /it was not what it had been: .*; it is a directory again$/ });
  assert.deepEqual([isLink(p.project.env.link), answers(p.project)], [false, version]);
  assert.deepEqual([readdirSync(p.project.venvs), host.ctx.store.armed.adopted(p.place.link)], [[p.next], []]);
  assert.deepEqual(linkDrift(host.ctx, p.place, readLink(p.place)), []);
});

test('a file that was changed after arming: given back, and named', async () => {
  const p = await armed('edited');
  writeFileSync(join(p.project.env.link, 'late.pth'), '');
  await assert.rejects(adoptLink(host.ctx, testScope(), p.order('adopt')), { type: 'VerificationFailed', message: /late\.pth appeared/ });
  assert.equal(isLink(p.project.env.link), false);
});

test('invariant 1: nothing armed, or something else: nothing is adopted', async () => {
  const p = await directory('unarmed');
  await assert.rejects(adoptLink(host.ctx, testScope(), p.order('adopt')), { type: 'UndoNotProven' });
  const managed = await prepared(host, { name: 'managed' });
  await armUndo(host.ctx, testScope(), managed.order('arm'), managed.plan);
  await assert.rejects(adoptLink(host.ctx, testScope(), managed.order('adopt')), { type: 'UndoNotProven', message: /got something else armed/ });
  assert.deepEqual([isLink(p.project.env.link), readLink(managed.place).treeId], [false, managed.old]);
});

test('what is no directory any more is left alone', async () => {
  const p = await armed('moved');
  renameSync(p.project.env.link, join(p.project.path, 'elsewhere'));
  await assert.rejects(adoptLink(host.ctx, testScope(), p.order('adopt')), { type: 'PlanChanged', message: /expected a directory, got nothing there/ });
  symlinkSync('elsewhere', p.project.env.link);
  await assert.rejects(adoptLink(host.ctx, testScope(), p.order('adopt')), { type: 'PlanChanged', message: /which is not ours/ });
  assert.equal(readlinkSync(p.project.env.link), 'elsewhere');
});

test('a taken name in .venvs is no place to adopt to', async () => {
  const p = await armed('taken');
  writeFileSync(join(p.project.venvs, p.old), 'somebody\'s');
  await assert.rejects(adoptLink(host.ctx, testScope(), p.order('adopt')), { type: 'HostRefused', message: /expected a free name for the adopted tree/ });
  rmSync(join(p.project.venvs, p.old));
  assert.ok(lstatSync(p.project.env.link).isDirectory());
});

describe('invariant 10, decision 15: killed at any point of an adoption and given again, it is adopted once', () => {
  for (const point of ['intent', 'exchanged', 'adopted', 'acted', 'receipt']) {
    test(`killed at ${point}`, async () => {
      const p = await armed(`killed-${point}`);
      const order = p.order('adopt');
      const killed = await inProcess<Adopted>(host, 'adoptLink', [order], { dieAt: `adopt:${point}` });
      assert.equal(killed.signal, 'SIGKILL', JSON.stringify(killed));
      const version = answers(p.project);
      const again = await inProcess<Adopted>(host, 'adoptLink', [order], { attempt: 2 });
      assert.deepEqual([again.failure, again.answer?.tree, again.answer?.version], [undefined, p.old, version]);
      assert.equal(readLink(p.place).treeId, p.old);
      const receipts = host.ctx.store.journal.entries(p.place.link).filter(({ kind, op }) => kind === 'receipt' && op.endsWith('/adopt'));
      assert.deepEqual([receipts.length, host.ctx.store.armed.adopted(p.place.link)], [1, [p.old]]);
    });
  }
});
