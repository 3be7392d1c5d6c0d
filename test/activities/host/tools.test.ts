import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { indexLabel, pipIndexArgs, uvEnvironment, uvIndexArgs } from '../../../activities/host/index-flags.js';
import { agentOwner } from '../../../activities/host/owner.js';
import { ownerCache } from '../../../activities/host/owner-cache.js';
import { runFolder } from '../../../activities/host/run-files.js';
import { findUv, installerOf } from '../../../activities/host/tools.js';
import { runCommand } from '../../../activities/host/command.js';
import { UV_VERSION } from '../../../activities/host/uv-release.js';
import { sharedUv, testHost } from '../../support/host.js';
import type { AgentFields, TestHost } from '../../support/host.js';
import { testIndex } from '../../support/index.js';

const hosts: TestHost[] = [];
const host = (fields?: AgentFields): TestHost => {
  const made = testHost(fields);
  hosts.push(made);
  return made;
};
before(() => sharedUv());
after(() => hosts.forEach((one) => one.close()));

function script(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}

/** Runs with this PATH. */
async function withPath<T>(path: string, act: () => Promise<T>): Promise<T> {
  const before = process.env['PATH'];
  process.env['PATH'] = path;
  try {
    return await act();
  } finally {
    process.env['PATH'] = before;
  }
}

test('uv: the agent file\'s first, else the host\'s own', async () => {
  const maker = host();
  const named = script(join(maker.folder, 'named/uv'), '#!/bin/sh\necho "uv 0.13.1"\n');
  const onPath = script(join(maker.folder, 'bin/uv'), '#!/bin/sh\necho "uv 0.12.0 (abc 2026-01-01)"\n');
  await withPath(join(maker.folder, 'bin'), async () => {
    assert.deepEqual(await findUv(host({ uv: named }).ctx), { file: named, version: '0.13.1' });
    assert.deepEqual(await findUv(host().ctx), { file: onPath, version: '0.12.0' });
  });
});

test('uv: the agent file may forbid it, and one that does not work is none', async () => {
  assert.equal(await installerOf(host({ installer: 'pip' }).ctx), 'pip');
  assert.equal(await findUv(host({ uv: '/nonexistent/uv' }).ctx), null);
  const maker = host();
  assert.equal(await findUv(host({ uv: script(join(maker.folder, 'uv'), '#!/bin/sh\nexit 1\n') }).ctx), null);
});

test('uv is installed once from the index of the agent file, into the agent\'s own folder; too old ones of the host are passed over', async () => {
  const maker = host();
  script(join(maker.folder, 'bin/uv'), '#!/bin/sh\necho "uv 0.1.0"\n');
  const on = host();
  await withPath(`${join(maker.folder, 'bin')}:/usr/bin:/bin`, async () => {
    const both = await Promise.all([findUv(on.ctx), findUv(on.ctx)]);
    assert.deepEqual(both[0], both[1]);
    assert.equal(both[0]!.version, UV_VERSION);
    assert.equal(both[0]!.file, join(on.ctx.stateDir, 'tools', `uv-${UV_VERSION}`, 'bin/uv'));
  });
  assert.deepEqual(readdirSync(join(on.ctx.stateDir, 'tools')), [`uv-${UV_VERSION}`]);
});

test('an index that offers another program as uv gets nowhere: pip it is', async () => {
  const index = await testIndex([{ name: 'uv', version: UV_VERSION, files: { 'uv/__init__.py': '' } }]);
  try {
    const on = host({ index: { url: index.url } });
    assert.equal(await withPath('/usr/bin:/bin', () => installerOf(on.ctx)), 'pip');
    assert.ok(index.requests.length > 0);
    assert.deepEqual(readdirSync(join(on.ctx.stateDir, 'tools')), []);
  } finally {
    index.close();
  }
});

test('the index comes from the agent file alone, in each tool\'s words', () => {
  const none = host().ctx;
  assert.deepEqual([indexLabel(none), uvIndexArgs(none), pipIndexArgs(none)], ["the installer's default index", [], []]);
  const { ctx } = host({ index: { url: 'https://index.example/simple', ca: '/etc/ca.pem', findLinks: '/srv/wheels' }, linkMode: 'copy' });
  assert.equal(indexLabel(ctx), 'https://index.example/simple, and wheels in /srv/wheels');
  assert.deepEqual(uvIndexArgs(ctx), ['--default-index', 'https://index.example/simple', '--find-links', '/srv/wheels']);
  assert.deepEqual(pipIndexArgs(ctx), ['--index-url', 'https://index.example/simple', '--find-links', '/srv/wheels', '--cert', '/etc/ca.pem']);
  const env = uvEnvironment(ctx, '/cache');
  assert.deepEqual([env['SSL_CERT_FILE'], env['UV_LINK_MODE'], env['UV_PYTHON_DOWNLOADS'], env['UV_NO_CONFIG'], env['UV_CACHE_DIR']], ['/etc/ca.pem', 'copy', 'never', '1', '/cache']);
});

test('each owner has a cache of their own, closed to others, and reaches the agent\'s tools but not its store', { skip: process.getuid?.() !== 0 }, async () => {
  const on = host();
  const nobody = { uid: 65534, gid: 65534, name: 'nobody' };
  const mine = ownerCache(on.ctx, agentOwner(), on.folder);
  const theirs = ownerCache(on.ctx, nobody, on.folder);
  assert.notEqual(mine, theirs);
  const tool = script(join(on.ctx.stateDir, 'tools/uv-0/bin/uv'), '#!/bin/sh\necho ok\n');
  const as = (file: string, ...args: string[]) => runCommand({ file, args, cwd: '/', owner: nobody, timeoutMs: 10_000 });
  assert.equal((await as(tool)).failed, false);
  assert.equal((await as('/bin/touch', join(theirs, 'x'))).failed, false);
  assert.equal((await as('/bin/ls', mine)).failed, true);
  assert.equal((await as('/bin/ls', on.ctx.stateDir)).failed, true);
  assert.equal((await as('/bin/cat', on.ctx.store.path)).failed, true);
});

test('a run\'s folder is made from its id and from nothing else', () => {
  const on = host();
  assert.equal(runFolder(on.ctx, 'ch-7k2m'), join(on.ctx.stateDir, 'runs/ch-7k2m'));
  for (const run of ['../x', '--help', '', '.', 'a/b', 'a\nb', '..']) assert.throws(() => runFolder(on.ctx, run), /short id of a run/, run);
  assert.equal(existsSync(join(on.ctx.stateDir, 'x')), false);
});
