import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isNetworkFileSystem, mountOf } from '../../../activities/host/mounts.js';
import { readLink, resolveEnvironment, resolvePlace } from '../../../activities/host/paths.js';
import type { Objection } from '../../../policy/model.js';
import { testHost, type TestHost } from '../../support/host.js';

let host: TestHost;
let outside: string;
before(() => {
  host = testHost();
  outside = realpathSync(mkdtempSync(join(tmpdir(), 'outside-')));
  writeFileSync(join(outside, 'requirements.txt'), '');
});
after(() => {
  rmSync(outside, { recursive: true });
  return host.close();
});

const root = (): string => host.ctx.agentFile.roots[0]!;

/** The one reason of a refusal. */
function refused(link: string, name = host.ctx.host): Objection {
  try {
    resolveEnvironment(host.ctx, { host: name, link });
  } catch (error) {
    const { type, nonRetryable, details } = error as { type: string; nonRetryable: boolean; details: [Objection[]] };
    assert.deepEqual([type, nonRetryable], ['HostRefused', true], String(error));
    const [objection] = details[0];
    for (const part of ['what', 'expected', 'got', 'wayOut'] as const) assert.ok(objection![part].length > 0, part);
    return objection!;
  }
  throw new assert.AssertionError({ message: `${link} was not refused` });
}

test('invariant 11, invariant 14: paths an agent refuses, each in four parts', () => {
  const { path } = host.project('fine', { 'requirements.txt': '' });
  host.project('no-lock', { 'README': '' });
  host.project('conda', { 'requirements.txt': '', '.venv/conda-meta/history': '' });
  symlinkSync(outside, join(root(), 'leads-out'));
  writeFileSync(join(root(), 'a-file'), '');
  const table: [string, RegExp, RegExp][] = [
    ['srv/app/.venv', /absolute path/, /relative/],
    [`${path}/../fine/.venv`, /without "\.\."/, /such a part/],
    [`${root()}//fine/.venv`, /without/, /such a part/],
    [`${path}/.venv\n`, /printable/, /control/],
    [`${path}/.ve\0nv`, /printable/, /control/],
    [`${path}/--index-url=x`, /link name/, /index-url/],
    [`${path}/a; rm -rf ~`, /link name/, /rm -rf/],
    [`${path}/.venvs`, /usually \.venv/, /folder of the trees/],
    [`/${'a/'.repeat(600)}.venv`, /at most 1024/, /12/],
    [`${outside}/.venv`, /below/, new RegExp(outside)],
    ['/etc/.venv', /below/, /\/etc/],
    [`${root()}/leads-out/.venv`, /below/, new RegExp(`leads to ${outside}`)],
    [`${root()}/nope/.venv`, /a directory with a lock file/, /nothing there/],
    [`${root()}/a-file/.venv`, /a directory with a lock file/, /a file/],
    [`${root()}/no-lock/.venv`, /a directory with a lock file/, /neither runbook\.yaml nor requirements\.txt/],
    [`${root()}/conda/.venv`, /venv, virtualenv or uv/, /conda/],
  ];
  for (const [link, expected, got] of table) {
    const objection = refused(link);
    assert.match(objection.expected, expected, JSON.stringify(link));
    assert.match(objection.got, got, JSON.stringify(link));
  }
  assert.match(refused(`${path}/.venv`, 'another-host').what, /another-host/);
});

test('a sibling whose name begins like a root is outside', () => {
  mkdirSync(`${root()}-more/app`, { recursive: true });
  assert.match(refused(`${root()}-more/app/.venv`).expected, /below/);
});

test('owners: a user that the agent file does not list is refused', () => {
  const { env } = host.project('by-user', { 'requirements.txt': '' });
  host.ctx.agentFile.users.push('somebody-else');
  assert.match(refused(env.link).expected, /one of somebody-else/);
  host.ctx.agentFile.users.length = 0;
});

test('a project file with a typo is refused with its name, and undo does not need it', () => {
  const { env } = host.project('typo', { 'runbook.yaml': 'name: typo\nlokc: a.txt\n', 'requirements.txt': '' });
  assert.match(JSON.stringify(refused(env.link)), /lokc/);
  assert.equal(resolvePlace(host.ctx, env).link, env.link);
});

test('without a project file: defaults, named after the folder', () => {
  const { env } = host.project('plain', { 'requirements.txt': '' });
  const { settings, unit } = resolveEnvironment(host.ctx, env);
  assert.deepEqual([settings.name, settings.lock, settings.link, settings.tests], ['plain', 'requirements.txt', '.venv', []]);
  assert.deepEqual(unit, { link: env.link, onSwitch: 'idle', units: [] });
});

test('invariant 3: one environment has one name, also when a link inside the root leads to its project', () => {
  const { env, path } = host.project('real', { 'requirements.txt': '' });
  symlinkSync(path, join(root(), 'alias'));
  assert.equal(resolvePlace(host.ctx, { ...env, link: join(root(), 'alias/.venv') }).link, env.link);
});

test('what stands at the link: nothing, a directory, ours, nowhere, somebody else\'s, a file', () => {
  const { env, venvs, path } = host.project('states', { 'requirements.txt': '' });
  const place = resolvePlace(host.ctx, env);
  const stand = (target: string): ReturnType<typeof readLink> => {
    symlinkSync(target, env.link);
    const view = readLink(place);
    unlinkSync(env.link);
    return view;
  };
  assert.equal(readLink(place).state, 'missing');
  mkdirSync(join(venvs, 'tree-1'), { recursive: true });
  symlinkSync('/usr', join(venvs, 'linked'));
  const ours = { state: 'managed', treePath: join(venvs, 'tree-1'), treeId: 'tree-1' };
  assert.deepEqual(stand('.venvs/tree-1'), { ...ours, target: '.venvs/tree-1' });
  assert.deepEqual(stand(join(venvs, 'tree-1')), { ...ours, target: join(venvs, 'tree-1') });
  assert.equal(stand('.venvs/gone').state, 'dangling');
  assert.equal(stand('.venv').state, 'dangling');
  assert.equal(stand('/usr').state, 'foreign-link');
  assert.equal(stand('.venvs/linked').state, 'foreign-link');
  assert.equal(stand('.venvs/tree-1/../../..').state, 'foreign-link');
  assert.equal(stand('.venvs').state, 'foreign-link');
  writeFileSync(env.link, '');
  assert.equal(readLink(place).state, 'foreign-link');
  unlinkSync(env.link);
  mkdirSync(env.link);
  assert.deepEqual(readLink(place), { state: 'directory', treePath: join(path, '.venv'), treeId: null, target: null });
});

test('invariant 11: network file systems, by the longest mount above the path', () => {
  const mountinfo = [
    '21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/vda rw',
    '30 21 0:40 / /srv/shared rw - nfs4 files:/srv rw',
    '31 30 0:41 / /srv/shared/local\\040disk rw - xfs /dev/vdb rw',
    '32 21 0:42 / /home/u/remote rw - fuse.sshfs u@h: rw',
    '33 21 0:43 / /mnt rw - ext4 /dev/vdc rw',
    '34 33 0:44 / /mnt rw - cifs //files/x rw',
  ].join('\n');
  const types: [string, string][] = [['/srv/app', 'ext4'], ['/srv/shared/app', 'nfs4'], ['/srv/sharedapp', 'ext4'], ['/srv/shared/local disk/app', 'xfs'], ['/home/u/remote', 'fuse.sshfs'], ['/mnt/app', 'cifs']];
  for (const [path, type] of types) assert.equal(mountOf(path, mountinfo)?.type, type, path);
  for (const type of ['nfs', 'nfs4', 'cifs', 'smb3', 'fuse.sshfs', '9p', 'ceph']) assert.equal(isNetworkFileSystem(type), true, type);
  for (const type of ['ext4', 'xfs', 'btrfs', 'zfs', 'tmpfs', 'overlay']) assert.equal(isNetworkFileSystem(type), false, type);
});
