import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CONFIG_FORMATS } from '../../../activities/host/config-text.js';
import { configure, undoEdits } from '../../../activities/host/configure.js';
import type { ConfigEdit } from '../../../activities/host/contract.js';
import { resolvePlace } from '../../../activities/host/paths.js';
import { writeDocuments } from '../../../activities/host/write-documents.js';
import { testHost, testScope, type TestHost } from '../../support/host.js';

let host: TestHost;
before(() => {
  host = testHost();
});
after(() => host.close());

const guard = { op: 'x', attempt: 1, commit: <T>(act: () => T): T => act(), groupStarted: () => {}, groupEnded: () => {} };

async function project(name: string, files: Record<string, string>) {
  const made = host.project(name, { 'requirements.txt': '', ...files });
  const order = await host.orders(made, name);
  const place = resolvePlace(host.ctx, made.env);
  return {
    ...made, place, order,
    edit: (...edits: ConfigEdit[]) => configure(host.ctx, testScope(), order('configure'), edits),
    undo: () => undoEdits(host.ctx, place, order('x').chain, guard),
    read: (path: string) => readFileSync(join(made.path, path), 'utf8'),
    write: (path: string, text: string) => writeFileSync(join(made.path, path), text),
  };
}

const CONFIG = '# kept by hand\npython_version=3.12.1   \nother = x\npython_version=3.11\n';
const YAML = '# Settings. python_version is kept by the runbooks.\nservice: pricer\npython_version: 3.12.x   # the line\nworkers: 1\nnested:\n  python_version: 9\n';

test('WF-28, WF-29, WF-30, WF-33, DEF-12: keys are replaced in place, comments stay, no key stands twice; undo gives the old bytes back', async () => {
  const env = '# env\nexport PRICER_PYTHON_VERSION="3.12"\nPRICER_WHEEL_STATUS=healthy\n';
  const p = await project('edits', { '.app_config': CONFIG, 'config.yaml': YAML, '.env': env });
  const { edited } = await p.edit(
    { path: '.env', format: 'env', set: { PRICER_PYTHON_VERSION: '3.11.7', PRICER_WHEEL_STATUS: 'fallback' } },
    { path: '.app_config', format: 'keyvalue', set: { python_version: '3.11.7', fallback_reason: 'wheel_failure' } },
    { path: 'config.yaml', format: 'yaml', set: { python_version: '3.11.7' } },
  );
  assert.deepEqual(edited, ['.env', '.app_config', 'config.yaml']);
  assert.equal(p.read('.env'), '# env\nexport PRICER_PYTHON_VERSION=3.11.7\nPRICER_WHEEL_STATUS=fallback\n');
  assert.equal(p.read('.app_config'), '# kept by hand\npython_version=3.11.7\nother = x\nfallback_reason=wheel_failure\n');
  assert.equal(p.read('config.yaml'), YAML.replace('3.12.x', '3.11.7'));
  assert.deepEqual(p.undo(), []);
  assert.equal(p.read('.env'), env);
  assert.equal(p.read('.app_config'), '# kept by hand\npython_version=3.11\nother = x\n');
  assert.equal(p.read('config.yaml'), YAML);
});

test('undo leaves a value that somebody changed since, and what they added', async () => {
  const p = await project('changed', { '.app_config': 'python_version=3.12.1\nkeep=1\n' });
  await p.edit({ path: '.app_config', format: 'keyvalue', set: { python_version: '3.11.7', keep: '2' } });
  p.write('.app_config', 'python_version=3.10.0\nkeep=2\nmore=3\n');
  p.undo();
  assert.equal(p.read('.app_config'), 'python_version=3.10.0\nkeep=1\nmore=3\n');
});

test('DIS-15: a missing key file is made and undo removes it again; a missing YAML file stays missing', async () => {
  const p = await project('made', {});
  const { edited } = await p.edit({ path: '.env', format: 'env', set: { A_STATUS: 'with blank' } }, { path: 'config.yaml', format: 'yaml', set: { python_version: '3.11.7' } });
  assert.deepEqual(edited, ['.env']);
  assert.equal(p.read('.env'), 'A_STATUS="with blank"\n');
  p.undo();
  assert.deepEqual([existsSync(join(p.path, '.env')), existsSync(join(p.path, 'config.yaml'))], [false, false]);
});

test('an edit given again keeps the first old value, and a file keeps its mode', async () => {
  const p = await project('again', { '.app_config': 'python_version=3.12.1\n' });
  chmodSync(join(p.path, '.app_config'), 0o640);
  const edit: ConfigEdit = { path: '.app_config', format: 'keyvalue', set: { python_version: '3.11.7' } };
  await p.edit(edit);
  await p.edit({ ...edit, set: { python_version: '3.11.8' } });
  assert.equal(statSync(join(p.path, '.app_config')).mode & 0o777, 0o640);
  p.undo();
  assert.equal(p.read('.app_config'), 'python_version=3.12.1\n');
});

test('refused before any edit: paths and links out of the project, bad keys, values with line ends, broken YAML', async () => {
  const p = await project('refused', { 'ok.cfg': 'a=1\n', 'broken.yaml': 'a: [1\nb', 'list.yaml': '- a\n', 'map.yaml': 'python_version:\n  a: 1\n' });
  symlinkSync('/etc/passwd', join(p.path, 'out.cfg'));
  symlinkSync('/etc', join(p.path, 'etc'));
  const bad: ConfigEdit[] = [
    { path: '../x', format: 'keyvalue', set: { a: '1' } },
    { path: '/etc/x', format: 'keyvalue', set: { a: '1' } },
    { path: 'out.cfg', format: 'keyvalue', set: { a: '1' } },
    { path: 'etc/new.cfg', format: 'keyvalue', set: { a: '1' } },
    { path: 'no-folder/x', format: 'keyvalue', set: { a: '1' } },
    { path: 'x', format: 'env', set: { 'A;rm -rf': '1' } },
    { path: 'x', format: 'env', set: { A: '1\nB=2' } },
    { path: 'broken.yaml', format: 'yaml', set: { python_version: '1' } },
    { path: 'list.yaml', format: 'yaml', set: { python_version: '1' } },
    { path: 'map.yaml', format: 'yaml', set: { python_version: '1' } },
  ];
  for (const edit of bad) await assert.rejects(p.edit({ path: 'ok.cfg', format: 'keyvalue', set: { a: '2' } }, edit), { type: 'HostRefused', nonRetryable: true }, JSON.stringify(edit));
  assert.equal(p.read('ok.cfg'), 'a=1\n');
});

test('YAML by key: quoted, empty, missing, twice, first, without a last line end', () => {
  const { read, write, remove, encode } = CONFIG_FORMATS.yaml;
  const set = (text: string, value = '3.11.7') => write(text, 'v', encode(value));
  assert.equal(set('v: "3.12" # c\nb: 1\n'), 'v: 3.11.7 # c\nb: 1\n');
  assert.equal(set('v:\nb: 1\n'), 'v: 3.11.7\nb: 1\n');
  assert.equal(set(''), 'v: 3.11.7\n');
  assert.equal(set('# only a comment\n'), '# only a comment\nv: 3.11.7\n');
  assert.equal(set('a: 1'), 'a: 1\nv: 3.11.7\n');
  assert.equal(set('v: 1\na: 2\nv: 3\n'), 'v: 3.11.7\na: 2\n');
  assert.equal(set('v: 1', '3.11'), 'v: "3.11"');
  assert.equal(read("a: 1\nv: '3.12'\n", 'v'), "'3.12'");
  assert.equal(read('a: 1\n', 'v'), null);
  assert.equal(remove('a: 1\nv: 3 # c\nb: 2\n', 'v'), 'a: 1\nb: 2\n');
  assert.equal(remove('v: 3', 'v'), '');
  const block = 'v: >-\n  long\n  text\nb: 1\n';
  assert.equal(set(block), 'v: 3.11.7\nb: 1\n');
  assert.equal(write(set(block), 'v', read(block, 'v')!), block);
  assert.equal(remove(block, 'v'), 'b: 1\n');
});

test('WF-31, WF-32: a text is appended once per run, after a crash too; a report is replaced whole; nothing leaves the project', async () => {
  const p = await project('documents', { 'deployment.log': 'before' });
  const line = 'wheel_status: fallback_to_3.11.7\n';
  const documents = [{ path: 'deployment.log', mode: 'append' as const, text: line }, { path: 'report.md', mode: 'replace' as const, text: '# report\n' }];
  const give = (run: string) => writeDocuments(host.ctx, testScope(), { env: p.env, run, documents });
  assert.deepEqual(await give('fb-1'), { written: ['deployment.log', 'report.md'] });
  await give('fb-1');
  assert.equal(p.read('deployment.log'), `before\n${line}`);
  assert.equal(p.read('report.md'), '# report\n');
  await give('fb-2');
  assert.equal(p.read('deployment.log'), `before\n${line}${line}`);
  // An intent whose append never happened, and one whose append did, behind lines of others.
  const { edits } = host.ctx.store;
  const { createHash } = await import('node:crypto');
  const digest = createHash('sha256').update(line).digest('hex');
  edits.documentOffset('fb-3', 'deployment.log', digest, p.read('deployment.log').length);
  await give('fb-3');
  assert.equal(p.read('deployment.log').split(line).length - 1, 3);
  edits.documentOffset('fb-4', 'deployment.log', digest, p.read('deployment.log').length);
  p.write('deployment.log', `${p.read('deployment.log')}of others\n${line}`);
  await give('fb-4');
  assert.equal(p.read('deployment.log').split(line).length - 1, 4);
  mkdirSync(join(p.path, 'sub'));
  symlinkSync('/etc/motd', join(p.path, 'sub/out.log'));
  for (const path of ['sub/out.log', '../out.log']) await assert.rejects(writeDocuments(host.ctx, testScope(), { env: p.env, run: 'x', documents: [{ path, mode: 'append', text: 'x' }] }), { type: 'HostRefused' }, path);
});
