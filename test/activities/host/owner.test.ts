import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { armUndo } from '../../../activities/host/arm.js';
import { closeChange } from '../../../activities/host/close.js';
import { configure } from '../../../activities/host/configure.js';
import { asOwner, ownerOf } from '../../../activities/host/owner.js';
import { readLink } from '../../../activities/host/paths.js';
import { switchLink } from '../../../activities/host/switch.js';
import { undo } from '../../../activities/host/undo.js';
import { prepared } from '../../support/environments.js';
import { testHost, testScope, type TestHost } from '../../support/host.js';

const NOBODY = { uid: 65534, gid: 65534, name: 'nobody' };
const needsRoot = process.getuid!() === 0 ? {} : { skip: 'only root can act as another user' };

let host: TestHost;
before(() => {
  host = testHost();
});
after(() => host.close());

test('a root agent acts with the owner\'s rights for exactly one block, whatever happens in it', needsRoot, () => {
  const secret = join(host.folder, 'secret');
  writeFileSync(secret, 'x', { mode: 0o600 });
  const groups = process.getgroups!();
  assert.throws(() => asOwner(NOBODY, () => readFileSync(secret)), { code: 'EACCES' });
  assert.deepEqual(asOwner(NOBODY, () => [process.geteuid!(), process.getegid!(), process.getgroups!()]), [65534, 65534, [65534]]);
  assert.throws(() => asOwner(NOBODY, () => Promise.resolve()), /expected a synchronous block/);
  assert.deepEqual([process.geteuid!(), process.getegid!(), process.getgroups!()], [0, 0, groups]);
  assert.equal(readFileSync(secret, 'utf8'), 'x');
  assert.equal(ownerOf(secret).uid, 0);
});

test('a project of another user: adopted, switched, edited, undone and closed, and everything in it stays theirs', needsRoot, async () => {
  const p = await prepared(host, { name: 'theirs', owner: NOBODY, start: 'directory', lines: ['3.11', '3.11'], files: { 'app.cfg': 'python_version=1\n' } });
  await armUndo(host.ctx, testScope(), p.order('arm'), p.plan);
  const switched = await switchLink(host.ctx, testScope(), p.order('switch'), { plan: p.plan, tree: p.next });
  assert.equal(switched.adopted, true);
  await configure(host.ctx, testScope(), p.order('configure'), [{ path: 'app.cfg', format: 'keyvalue', set: { python_version: '2' } }]);
  const undone = await undo(host.ctx, testScope(), p.order('undo'), { chain: p.order('x').chain });
  assert.deepEqual([undone.outcome, undone.verified, undone.problem], ['restored', true, '']);
  await closeChange(host.ctx, testScope(), p.order('close'), { keepPin: false });
  const theirs = [p.project.env.link, p.project.venvs, join(p.project.path, 'app.cfg'), ...readdirSync(p.project.venvs).map((name) => join(p.project.venvs, name))];
  assert.deepEqual(theirs.filter((path) => lstatSync(path).uid !== NOBODY.uid), []);
});

test('a user\'s link can not make a root agent write where only root may', needsRoot, async () => {
  const p = await prepared(host, { name: 'attack', owner: NOBODY, lines: ['3.11', '3.11'] });
  const rootsOwn = join(host.folder, 'roots-own');
  mkdirSync(rootsOwn, { mode: 0o700 });
  await armUndo(host.ctx, testScope(), p.order('arm'), p.plan);
  // The project's `.env` is a link to a folder of root: refused, because it leads out; and the README's folder is swapped.
  symlinkSync(join(rootsOwn, 'env'), join(p.project.path, '.env'));
  await assert.rejects(configure(host.ctx, testScope(), p.order('configure'), [{ path: '.env', format: 'env', set: { A: '1' } }]));
  assert.deepEqual(readdirSync(rootsOwn), []);
  // The name of the next link is taken by something of the user's: it is replaced as the user, who could do that anyway.
  symlinkSync(join(rootsOwn, 'x'), `${p.project.env.link}.runbook-next`);
  await switchLink(host.ctx, testScope(), p.order('switch'), { plan: p.plan, tree: p.next });
  assert.equal(readLink(p.place).treeId, p.next);
  assert.deepEqual(readdirSync(rootsOwn), []);
  unlinkSync(p.project.env.link);
  symlinkSync(rootsOwn, p.project.env.link);
  const undone = await undo(host.ctx, testScope(), p.order('undo'), { chain: p.order('x').chain });
  assert.equal(undone.outcome, 'superseded');
  assert.equal(existsSync(join(rootsOwn, 'pyvenv.cfg')), false);
});
