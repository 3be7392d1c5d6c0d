import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, chownSync, cpSync, existsSync, linkSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { takeManifest } from '../../../activities/host/manifest.js';
import type { Manifest, ManifestInput } from '../../../activities/host/manifest.js';
import { agentOwner } from '../../../activities/host/owner.js';
import { removeTree } from '../../../activities/host/remove-tree.js';
import { testHost } from '../../support/host.js';
import type { TestHost } from '../../support/host.js';

let host: TestHost;
before(() => void (host = testHost()));
after(() => host.close());

const SITE = 'lib/python3.11/site-packages';
let trees = 0;

/** A tree as installers leave it: two packages with RECORDs, a link, a script, bytecode. */
function tree(): string {
  const path = join(host.folder, `tree-${++trees}`);
  const site = join(path, SITE);
  const files: Record<string, string> = { 'a/__init__.py': 'A = 1\n', 'a/data.txt': 'data\n', 'b.py': 'B = 2\n', '../../../bin/b': '#!/bin/sh\n' };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(site, name, '..'), { recursive: true });
    writeFileSync(join(site, name), text);
  }
  const record = (name: string, owned: string[]): void => {
    const info = join(site, `${name}-1.0.dist-info`);
    mkdirSync(info, { recursive: true });
    const row = (file: string): string => {
      const hash = execFileSync('openssl', ['dgst', '-sha256', '-binary', join(site, file)]).toString('base64url');
      return `${file},sha256=${hash},${statSync(join(site, file)).size}`;
    };
    writeFileSync(join(info, 'RECORD'), [...owned.map(row), `${name}-1.0.dist-info/RECORD,,`].join('\n'));
  };
  record('a', ['a/__init__.py', 'a/data.txt']);
  record('b', ['b.py', '../../../bin/b']);
  mkdirSync(join(site, 'a/__pycache__'));
  writeFileSync(join(site, 'a/__pycache__/__init__.cpython-311.pyc'), 'bytecode');
  symlinkSync('/usr/bin/python3', join(path, 'bin/python'));
  writeFileSync(join(site, '_virtualenv.pth'), 'import _virtualenv');
  return path;
}

const take = (path: string, fields: Partial<ManifestInput> = {}): Promise<Manifest> => takeManifest(host.ctx, { tree: path, owner: agentOwner(), scope: 'all', record: true, ...fields });

test('a whole tree: every RECORD line checked, nothing bad, lines kept under their digest', async () => {
  const path = tree();
  const seen = await take(path);
  assert.deepEqual(seen.record, { checked: 6, bad: [] });
  const lines = readFileSync(seen.storedAt, 'utf8').trimEnd().split('\n');
  assert.ok(lines.some((line) => line.startsWith('l\t-\t-\t/usr/bin/python3\tbin/python')));
  assert.equal(lines.filter((line) => /^[fl]/.test(line)).length, seen.files);
  assert.equal(statSync(seen.storedAt).mode & 0o777, 0o600);
});

test('the digest does not depend on the order on disk, nor on times', async () => {
  const path = tree();
  const one = (await take(path)).digest;
  const copy = join(host.folder, 'copied');
  mkdirSync(copy);
  chmodSync(copy, statSync(path).mode);
  for (const name of readdirSync(path).reverse()) cpSync(join(path, name), join(copy, name), { recursive: true, verbatimSymlinks: true });
  assert.equal((await take(copy)).digest, one);
});

const tampering: [string, (site: string) => void, RegExp | null][] = [
  ['a file of the same size with other bytes', (site) => writeFileSync(join(site, 'b.py'), 'B = 3\n'), /b\.py: sha256 differs/],
  ['a file that grew', (site) => appendFileSync(join(site, 'a/data.txt'), 'more'), /a\/data\.txt: expected 5 bytes, got 9/],
  ['a file that is missing', (site) => unlinkSync(join(site, 'a/data.txt')), /a\/data\.txt: missing/],
  ['a file replaced by a link', (site) => { unlinkSync(join(site, 'b.py')); symlinkSync('/etc/passwd', join(site, 'b.py')); }, /b\.py: expected a regular file/],
  ['an injected .pth', (site) => writeFileSync(join(site, 'evil.pth'), 'import os'), /evil\.pth: no package's RECORD names it/],
  ['an injected sitecustomize', (site) => writeFileSync(join(site, 'sitecustomize.py'), ''), /sitecustomize\.py: no package/],
  ['an injected .pyc without source', (site) => writeFileSync(join(site, 'evil.pyc'), ''), /evil\.pyc: no package/],
  ['a package without a RECORD', (site) => unlinkSync(join(site, 'a-1.0.dist-info/RECORD')), /a-1\.0\.dist-info: no RECORD/],
  ['a script of a package', (site) => appendFileSync(join(site, '../../../bin/b'), 'evil\n'), /bin\/b: expected 10 bytes/],
  // RECORD knows nothing of bytecode: only the manifest sees these.
  ['a changed .pyc', (site) => appendFileSync(join(site, 'a/__pycache__/__init__.cpython-311.pyc'), 'x'), null],
  ['an injected .pyc in __pycache__', (site) => writeFileSync(join(site, 'a/__pycache__/b.cpython-311.pyc'), 'x'), null],
  ['a mode', (site) => chmodSync(join(site, 'b.py'), 0o777), null],
  ['the target of a link', (site) => { unlinkSync(join(site, '../../../bin/python')); symlinkSync('/tmp/python3', join(site, '../../../bin/python')); }, null],
  ['the mode of a folder', (site) => chmodSync(join(site, 'a'), 0o777), null],
];
for (const [what, change, finding] of tampering) {
  test(`found: ${what}`, async () => {
    const path = tree();
    const whole = await take(path);
    change(join(path, SITE));
    const seen = await take(path);
    assert.notEqual(seen.digest, whole.digest);
    if (finding) assert.match(seen.record!.bad.join('\n'), finding);
    else assert.deepEqual(seen.record!.bad, []);
  });
}

test('without bytecode: what Python writes by itself does not matter, all else does', async () => {
  const path = tree();
  const scope = 'without-bytecode';
  const one = await take(path, { scope });
  mkdirSync(join(path, SITE, '__pycache__'));
  writeFileSync(join(path, SITE, '__pycache__/b.cpython-311.pyc'), 'x');
  rmSync(join(path, SITE, 'a/__pycache__'), { recursive: true });
  assert.equal((await take(path, { scope })).digest, one.digest);
  appendFileSync(join(path, SITE, 'b.py'), '#');
  assert.notEqual((await take(path, { scope })).digest, one.digest);
});

test('sealing takes every write permission, and the digest is of that state; links and what they lead to are left alone', async () => {
  const path = tree();
  const outside = join(host.folder, 'outside');
  writeFileSync(outside, '');
  chmodSync(outside, 0o666);
  symlinkSync(outside, join(path, 'bin/out'));
  const sealed = await take(path, { seal: true });
  assert.equal(statSync(join(path, SITE, 'b.py')).mode & 0o222, 0);
  assert.equal(statSync(join(path, SITE, 'a')).mode & 0o222, 0);
  assert.equal(statSync(outside).mode & 0o777, 0o666);
  assert.equal((await take(path)).digest, sealed.digest);
  writeFileSync(join(path, '.complete'), '{}');
  assert.equal((await take(path)).digest, sealed.digest, '.complete is left out');
});

test('names with newlines, tabs and bytes that are no text are told apart', async () => {
  const path = tree();
  const first = await take(path);
  writeFileSync(Buffer.concat([Buffer.from(`${path}/x`), Buffer.from([0xff, 0x0a, 0x09])]), 'y');
  const second = await take(path);
  assert.equal(second.files, first.files + 1);
  const third = join(host.folder, 'third');
  execFileSync('cp', ['-a', path, third]);
  assert.equal((await take(third)).digest, second.digest);
});

test('a pipe or socket in the tree is listed and never opened', { timeout: 30_000 }, async () => {
  const path = tree();
  execFileSync('mkfifo', [join(path, SITE, 'pipe')]);
  assert.match((await take(path)).record!.bad.join(), /pipe: no package/);
});

test('half a manifest proves nothing: a tree that can\'t be read is an error that names the way out', { skip: process.getuid?.() !== 0 }, async () => {
  const path = tree();
  const nobody = { uid: 65534, gid: 65534, name: 'nobody' };
  chmodSync(join(path, SITE, 'b.py'), 0o600);
  await assert.rejects(take(path, { owner: nobody }), /expected every file to be readable for user nobody, got .*Permission denied/);
  await assert.rejects(take(join(host.folder, 'nowhere')), /No such file/);
  assert.deepEqual(readdirSync(join(host.ctx.stateDir, 'manifests')).filter((name) => name.startsWith('.')), []);
});

test('removing one tree leaves another that shares its files by hard links as it was sealed', async () => {
  const one = tree();
  const two = tree();
  rmSync(join(two, SITE, 'b.py'));
  linkSync(join(one, SITE, 'b.py'), join(two, SITE, 'b.py'));
  await take(one, { seal: true });
  const kept = await take(two, { seal: true });
  await removeTree(host.ctx, one, agentOwner());
  assert.equal(existsSync(one), false);
  assert.equal((await take(two)).digest, kept.digest);
});

test('removing follows no link, and as another user removes nothing that is not theirs', { skip: process.getuid?.() !== 0 }, async () => {
  const nobody = { uid: 65534, gid: 65534, name: 'nobody' };
  const precious = join(host.folder, 'precious');
  mkdirSync(precious);
  writeFileSync(join(precious, 'file'), 'x');
  const path = tree();
  symlinkSync(precious, join(path, 'link'));
  await removeTree(host.ctx, path, agentOwner());
  assert.equal(existsSync(join(precious, 'file')), true);
  const link = join(host.folder, 'theirs');
  symlinkSync(precious, link);
  await assert.rejects(removeTree(host.ctx, link, agentOwner()), /expected a folder/);
  chownSync(precious, 65534, 65534);
  chownSync(join(precious, 'file'), 0, 0);
  const roots = tree();
  await assert.rejects(removeTree(host.ctx, roots, nobody), /removing .* as user nobody/);
  assert.equal(existsSync(join(roots, SITE, 'b.py')), true);
});
