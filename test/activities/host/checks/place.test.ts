import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CheckRefused, placeForChecks } from '../../../../activities/host/checks/place.js';
import { testHost, type TestHost } from '../../../support/host.js';

let host: TestHost;
before(() => {
  host = testHost();
});
after(() => host.close());

let made = 0;
const project = (files: Record<string, string> = {}): string => host.project(`place-${++made}`, files).path;
const refusal = (path: string, name: string | null = null): RegExp | string => {
  try {
    placeForChecks(path, name);
    return 'taken';
  } catch (error) {
    assert.ok(error instanceof CheckRefused);
    assert.ok(error.objections.every(({ what, expected, got, wayOut }) => what && expected && got && wayOut));
    return error.message;
  }
};

test('a folder, with or without runbook.yaml; a lock need not be there', () => {
  const bare = project({ 'requirements.txt': '' });
  assert.deepEqual([placeForChecks(bare, null).link, placeForChecks(bare, null).settings.lock, placeForChecks(bare, null).settings.name], [join(bare, '.venv'), 'requirements.txt', bare.split('/').at(-1)]);
  const both = project({ 'requirements.txt': '', 'requirements.lock': '', '.smvm_config': '' });
  assert.deepEqual([placeForChecks(both, null).settings.lock, placeForChecks(both, null).settings.configFiles], ['requirements.lock', [{ path: '.smvm_config', format: 'keyvalue' }]]);
  const named = project({ 'runbook.yaml': 'name: pricer\nlock: locks/all.txt\nlink: env\n' });
  assert.deepEqual([placeForChecks(named, null).link, placeForChecks(named, null).settings.lock, placeForChecks(named, null).settings.name], [join(named, 'env'), 'locks/all.txt', 'pricer']);
  assert.equal(placeForChecks(named, '.venv-next').link, join(named, '.venv-next'));
});

test('an environment stands for the folder it lies in, a dangling link too; a link to a project is that project', () => {
  const at = project({ 'env/pyvenv.cfg': '' });
  symlinkSync('env', join(at, '.venv'));
  symlinkSync('.venvs/gone', join(at, '.venv-old'));
  for (const name of ['env', '.venv', '.venv-old']) assert.deepEqual([placeForChecks(join(at, name), null).project, placeForChecks(join(at, name), null).link], [at, join(at, name)]);
  assert.equal(placeForChecks(join(at, 'env'), '.venv').link, join(at, '.venv'));
  const other = `${at}-link`;
  symlinkSync(at, other);
  assert.deepEqual([placeForChecks(other, null).project, placeForChecks(other, null).link], [at, join(at, '.venv')]);
});

test('what is no place is refused, with a way out', () => {
  const at = project({ file: '', 'bad/runbook.yaml': 'name: x\nlok: y\n' });
  assert.match(String(refusal(join(at, 'nowhere'))), /expected the folder of a project, got nothing there/);
  assert.match(String(refusal(join(at, 'file'))), /got a file/);
  assert.match(String(refusal(join(at, 'bad'))), /runbook\.yaml.*lok/);
  for (const name of ['../x', 'a/b', '', '.venvs', '-x']) assert.match(String(refusal(at, name)), /expected the name of a link/);
  mkdirSync(join(at, 'folder/runbook.yaml'), { recursive: true });
  assert.match(String(refusal(join(at, 'folder'))), /got something else/);
});
