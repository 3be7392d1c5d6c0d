import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { armUndo } from '../../../activities/host/arm.js';
import { CONFIG_FORMATS, ConfigTextError, editText } from '../../../activities/host/config-text.js';
import { configure, undoEdits } from '../../../activities/host/configure.js';
import type { ConfigEdit } from '../../../activities/host/contract.js';
import { resolvePlace } from '../../../activities/host/paths.js';
import { switchLink } from '../../../activities/host/switch.js';
import { undo } from '../../../activities/host/undo.js';
import { writeDocuments } from '../../../activities/host/write-documents.js';
import { prepared } from '../../support/environments.js';
import { testHost, testScope, type TestHost } from '../../support/host.js';

let host: TestHost;
before(() => {
  host = testHost();
});
after(() => host.close());

const NOTHING = { conflicts: [], problems: [] };
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
  assert.equal(p.read('.app_config'), '# kept by hand\npython_version=3.11.7   \nother = x\nfallback_reason=wheel_failure\n');
  assert.equal(p.read('config.yaml'), YAML.replace('3.12.x', '3.11.7'));
  assert.deepEqual(p.undo(), NOTHING);
  assert.equal(p.read('.env'), env);
  assert.equal(p.read('.app_config'), '# kept by hand\npython_version=3.11   \nother = x\n');
  assert.equal(p.read('config.yaml'), YAML);
});

test('a value that somebody changed since is theirs: left, and named with file, key, their value and ours; the rest is undone', async () => {
  const p = await project('changed', { '.app_config': 'python_version=3.12.1\nkeep=1\ngone=1\n', 'config.yaml': 'python_version: 3.12.1\n', '.env': 'A_X=1\n' });
  await p.edit(
    { path: '.app_config', format: 'keyvalue', set: { python_version: '3.11.7', keep: '2', gone: '2', added: '3' } },
    { path: 'config.yaml', format: 'yaml', set: { python_version: '3.11.7' } },
    { path: '.env', format: 'env', set: { A_X: '2' } },
  );
  p.write('.app_config', 'python_version=3.10.0\nkeep=2\nmore=3\nadded=password=hunter2\n');
  p.write('config.yaml', 'python_version: [3.11.7\n');
  rmSync(join(p.path, '.env'));
  const { conflicts, problems } = p.undo();
  assert.deepEqual(problems, []);
  assert.deepEqual(conflicts.slice(0, 3), [
    '.app_config: python_version is "3.10.0", not our "3.11.7"; left as it is; before the change it was "3.12.1"',
    '.app_config: gone is gone, not our "2"; left as it is; before the change it was "1"',
    '.app_config: added is "password=***", not our "3"; left as it is; before the change it was not there',
  ]);
  assert.match(conflicts[3]!, /^config\.yaml: python_version is unreadable \(Flow sequence in block collection .*\), not our "3\.11\.7"/);
  assert.equal(conflicts[4], '.env: A_X is gone with its file, not our "2"; left as it is; before the change it was "1"');
  assert.equal(conflicts.length, 5);
  assert.equal(p.read('.app_config'), 'python_version=3.10.0\nkeep=1\nmore=3\nadded=password=hunter2\n');
  assert.equal(p.read('config.yaml'), 'python_version: [3.11.7\n');
  assert.equal(existsSync(join(p.path, '.env')), false);
});

test('an undo given again finds what it undid as it was, and says the same conflicts', async () => {
  const p = await project('undo-again', { '.app_config': 'a=1\nb=1\n' });
  await p.edit({ path: '.app_config', format: 'keyvalue', set: { a: '2', b: '2', c: '2' } });
  p.write('.app_config', p.read('.app_config').replace('b=2', 'b=9'));
  const first = p.undo();
  assert.equal(first.conflicts.length, 1);
  assert.equal(p.read('.app_config'), 'a=1\nb=9\n');
  assert.deepEqual(p.undo(), first);
});

test('a conflict is said by a verified undo: the environment is back', async () => {
  const p = await prepared(host, { name: 'conflict', files: { '.app_config': 'python_version=3.11.7\nother=1\n' } });
  await armUndo(host.ctx, testScope(), p.order('arm'), p.plan);
  await switchLink(host.ctx, testScope(), p.order('switch'), { plan: p.plan, tree: p.next });
  await configure(host.ctx, testScope(), p.order('configure'), [{ path: '.app_config', format: 'keyvalue', set: { python_version: '3.12.1', other: '2' } }]);
  writeFileSync(join(p.project.path, '.app_config'), 'python_version=by hand\nother=2\n');
  const undone = await undo(host.ctx, testScope(), p.order('undo'), { chain: p.order('x').chain });
  assert.deepEqual([undone.outcome, undone.verified], ['restored', true]);
  assert.equal(undone.problem, '.app_config: python_version is "by hand", not our "3.12.1"; left as it is; before the change it was "3.11.7"');
  assert.equal(readFileSync(join(p.project.path, '.app_config'), 'utf8'), 'python_version=by hand\nother=1\n');
});

test('every other byte stays: line ends, a missing last one, comments behind values, a byte order mark, notes in an old encoding', async () => {
  const p = await project('bytes', { 'crlf.cfg': '# c\r\nv = 1\r\nlast=2', '.env': '\uFEFFexport A_V=\'3 # 12\'  # set by hand\r\nB="x"\r\n', 'c.yaml': '\uFEFFa: 1\r\nv:   # none yet\r\nb: |\r\n  text' });
  const latin = Buffer.from('# gr\xfc\xdfe\nv=1\n', 'latin1');
  writeFileSync(join(p.path, 'latin.cfg'), latin);
  const before = ['crlf.cfg', '.env', 'c.yaml'].map(p.read);
  await p.edit(
    { path: 'crlf.cfg', format: 'keyvalue', set: { v: '3.11.7', added: 'x', more: 'y' } },
    { path: '.env', format: 'env', set: { A_V: '3.11.7', B: 'a $b', C: 'c' } },
    { path: 'c.yaml', format: 'yaml', set: { v: '3.11.7', added: 'x' } },
    { path: 'latin.cfg', format: 'keyvalue', set: { v: '3.11.7', added: 'x' } },
  );
  assert.equal(p.read('crlf.cfg'), '# c\r\nv = 3.11.7\r\nlast=2\r\nadded=x\r\nmore=y');
  assert.equal(p.read('.env'), '\uFEFFexport A_V=3.11.7  # set by hand\r\nB="a \\$b"\r\nC=c\r\n');
  assert.equal(p.read('c.yaml'), '\uFEFFa: 1\r\nv: 3.11.7   # none yet\r\nb: |\r\n  text\r\nadded: x');
  assert.deepEqual(readFileSync(join(p.path, 'latin.cfg')), Buffer.from('# gr\xfc\xdfe\nv=3.11.7\nadded=x\n', 'latin1'));
  assert.deepEqual(p.undo(), NOTHING);
  assert.deepEqual(['crlf.cfg', '.env', 'c.yaml'].map(p.read), before);
  assert.deepEqual(readFileSync(join(p.path, 'latin.cfg')), latin);
});

test('whatever the text: an edit reads back, and its undo gives the old bytes', () => {
  const piece = fc.oneof(fc.constantFrom('v', 'w', '=', ' ', '#', '"', "'", '\\', 'export ', 'V', '3.12', ':', '\u00e9'), fc.string({ maxLength: 3, unit: 'grapheme-ascii' }));
  const line = fc.oneof(fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join('')), fc.constantFrom('v=1', 'v = "a # b" # c', 'export v=', 'w: 1', 'v: 1 # c', 'v:', '# v: 1'));
  const texts = fc.record({ lines: fc.array(line, { maxLength: 6 }), end: fc.constantFrom('\n', '\r\n'), last: fc.boolean() }).map(({ lines, end, last }) => `${lines.join(end)}${last && lines.length > 0 ? end : ''}`);
  let undone = 0;
  fc.assert(
    fc.property(texts, fc.constantFrom('keyvalue' as const, 'env' as const, 'yaml' as const), (text, format) => {
      const { read, encode } = CONFIG_FORMATS[format];
      let old: [string, string | null][], edited: string;
      try {
        old = ['v', 'new_key'].map((key) => [key, read(text, key)]);
        edited = editText(text, format, [['v', encode('3.11.7')], ['new_key', encode('x y')]]);
      } catch (error) {
        assert.ok(error instanceof ConfigTextError, String(error));
        return;
      }
      const copies = text.split('\n').filter((one) => /^\s*(export\s+)?["']?v["']?\s*[=:]/.test(one)).length;
      if (copies > 1) return;
      assert.equal(editText(edited, format, old), text);
      undone++;
    }),
    { numRuns: 2000 },
  );
  assert.ok(undone > 500, `only ${undone} texts were edited`);
});

test('mode, user and group stay; a file whose user or group could not be kept is refused before any edit', { skip: process.getuid?.() !== 0 && 'needs root' }, async () => {
  const owner = { uid: 12345, gid: 12345, name: '12345' };
  const made = host.project('owned', { 'requirements.txt': '', 'own.cfg': 'v=1\n', 'group.cfg': 'v=1\n', 'root.cfg': 'v=1\n' }, owner);
  chownSync(join(made.path, 'root.cfg'), 0, 0);
  chmodSync(join(made.path, 'own.cfg'), 0o600);
  chownSync(join(made.path, 'group.cfg'), 12345, 54321);
  const order = await host.orders(made, 'owned');
  const edit = (path: string): ConfigEdit => ({ path, format: 'keyvalue', set: { v: '2' } });
  for (const path of ['root.cfg', 'group.cfg']) await assert.rejects(configure(host.ctx, testScope(), order('configure'), [edit('own.cfg'), edit(path)]), { type: 'HostRefused', message: /expected a file of user 12345/ });
  assert.equal(readFileSync(join(made.path, 'own.cfg'), 'utf8'), 'v=1\n');
  await configure(host.ctx, testScope(), order('configure'), [edit('own.cfg'), edit('new.cfg')]);
  const facts = (path: string, name: string) => { const { uid, gid, mode } = statSync(join(path, name)); return [uid, gid, mode & 0o777]; };
  assert.deepEqual([facts(made.path, 'own.cfg'), facts(made.path, 'new.cfg')], [[12345, 12345, 0o600], [12345, 12345, 0o644]]);
  const p = await project('roots-own', { 'theirs.cfg': 'v=1\n' });
  chownSync(join(p.path, 'theirs.cfg'), 12345, 54321);
  chmodSync(join(p.path, 'theirs.cfg'), 0o660);
  await p.edit(edit('theirs.cfg'));
  assert.deepEqual(facts(p.path, 'theirs.cfg'), [12345, 54321, 0o660]);
  p.undo();
  assert.deepEqual([facts(p.path, 'theirs.cfg'), p.read('theirs.cfg')], [[12345, 54321, 0o660], 'v=1\n']);
});

test('a file we made goes only if nothing else was added to it; a key we added goes alone', async () => {
  const p = await project('added', { '.app_config': 'a=1\n' });
  await p.edit({ path: '.app_config', format: 'keyvalue', set: { v: '1' } }, { path: 'made.cfg', format: 'keyvalue', set: { v: '1', w: '1' } }, { path: 'kept.cfg', format: 'keyvalue', set: { v: '1' } });
  p.write('kept.cfg', `${p.read('kept.cfg')}theirs=1\n`);
  assert.deepEqual(p.undo(), NOTHING);
  assert.deepEqual([p.read('.app_config'), p.read('kept.cfg'), existsSync(join(p.path, 'made.cfg'))], ['a=1\n', 'theirs=1\n', false]);
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
  const p = await project('refused', { 'ok.cfg': 'a=1\n', 'broken.yaml': 'a: [1\nb', 'list.yaml': '- a\n', 'map.yaml': 'python_version:\n  a: 1\n', 'end.yaml': 'a: 1\n...\n', 'wide.cfg': 'a\0=\0' });
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
    { path: 'end.yaml', format: 'yaml', set: { python_version: '1' } },
    { path: 'wide.cfg', format: 'keyvalue', set: { a: '1' } },
    { path: 'x', format: 'env', set: { A: 'gr\u00fc\u00dfe' } },
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
  assert.equal(set('a: 1'), 'a: 1\nv: 3.11.7');
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
