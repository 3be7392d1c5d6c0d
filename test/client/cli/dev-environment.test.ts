/** `runbook env create PATH --profile dev`: a developer's own environment, with neither server nor agent. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, realpathSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { stringify } from 'yaml';
import { envCommand } from '../../../client/cli/commands/env.js';
import { checkCli, type CheckCli } from '../../support/check-cli.js';
import { PACKAGES, RIGHT } from '../../support/checked-environment.js';
import { testIndex, type ReleaseSpec, type TestIndex } from '../../support/index.js';
import { inProcess } from '../../support/in-process.js';

/** Every start of its interpreter ends before it could say anything. */
const BROKEN: ReleaseSpec = { name: 'broken', version: '1.0', files: { 'broken.py': '', 'broken.pth': 'import os; os._exit(3)\n' } };
let it: CheckCli;
let index: TestIndex;
let made = 0;
before(async () => {
  it = checkCli();
  index = await testIndex([...PACKAGES.filter(({ name }) => ['pandas', 'numpy', 'beta'].includes(name)), BROKEN]);
  writeFileSync(path.join(process.env['RUNBOOK_HOME']!, 'config/agent.yaml'), stringify({ roots: ['/'], index: { url: index.url } }));
}, { timeout: 120_000 });
after(() => {
  index?.close();
  it.close();
});

/** A project that belongs to whoever runs the tests. */
function project(files: Record<string, string>): string {
  const folder = path.join(it.cwd, `dev-${++made}`);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  return realpathSync(folder);
}
const LOCK = RIGHT.map((pin) => `${pin}\n`).join('');
const dev = (...words: string[]) => inProcess(envCommand, 'env', 'create', ...words, '--profile', 'dev');

test('PV-21: .venv from the primary interpreter, its version confirmed, the lock installed, the project imported', { timeout: 180_000 }, async () => {
  const folder = project({ 'requirements.txt': LOCK, 'runbook.yaml': 'name: app\nimportModule: app\n', 'app/__init__.py': 'import pandas\n' });
  const { code, stdout, stderr } = await dev(folder);
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /^✓ interpreter {2}Python 3\.12\.\d+, .*\n✓ environment .*\.venv, Python 3\.12\.\d+ confirmed\n✓ packages .* from requirements\.txt\n✓ app imports$/);
  assert.equal(execFileSync(path.join(folder, '.venv/bin/python'), ['-c', 'import sys, beta; print("%d.%d" % sys.version_info[:2])'], { encoding: 'utf8' }).trim(), '3.12');
  const again = await dev(folder);
  assert.equal(again.code, 64);
  assert.match(again.stderr, /\.venv: expected nothing there yet, got a folder[^]*nothing was started$/);
});

test('PV-21: a lock that can\'t be installed leaves nothing behind, and says why', { timeout: 180_000 }, async () => {
  const folder = project({ 'requirements.txt': 'nosuch==1.0\n' });
  const { code, stderr } = await dev(folder);
  assert.equal(code, 1, stderr);
  assert.match(stderr, /^failed: installing the lock: .*nosuch[^]*nothing was left behind$/);
  assert.deepEqual(readdirSync(folder), ['requirements.txt']);
});

test('PV-21: an interpreter that a package keeps from starting is not confirmed: nothing is left behind, and the next attempt is not in its way', { timeout: 180_000 }, async () => {
  const folder = project({ 'requirements.txt': 'broken==1.0\n' });
  for (const attempt of [1, 2]) {
    const { code, stderr } = await dev(folder);
    assert.equal(code, 1, `${attempt}: ${stderr}`);
    assert.match(stderr, /^failed: confirming the version: expected 3\.12\.\d+, got .+[^]*nothing was left behind$/);
    assert.deepEqual(readdirSync(folder), ['requirements.txt']);
  }
});

test('PV-21: a project that does not import is told, with what to do; the environment stays for looking', { timeout: 180_000 }, async () => {
  const folder = project({ 'requirements.txt': 'numpy==1.26.4\n', 'runbook.yaml': 'name: app\nimportModule: app\n', 'app/__init__.py': 'import pandas\n' });
  const { code, stdout } = await dev(folder, '--json');
  assert.equal(code, 1);
  assert.deepEqual((JSON.parse(stdout) as { imports: { module: string; ok: boolean } }).imports, { module: 'app', ok: false, error: "ModuleNotFoundError: No module named 'pandas'" });
  assert.ok(existsSync(path.join(folder, '.venv')));
});

test('bad input: no lock, another profile, a version of one\'s own', { timeout: 60_000 }, async () => {
  const locked = project({ 'requirements.txt': LOCK });
  const cases: [string[], RegExp][] = [
    [[project({ 'readme.md': '' }), '--profile', 'dev'], /a project with a lock, got none/],
    [[locked, '--profile', 'prod'], /--profile: expected dev alone.*, got prod/],
    [[locked, '--profile', 'dev', '--to', '3.11'], /got --to with it/],
  ];
  for (const [words, says] of cases) {
    const { code, stderr } = await inProcess(envCommand, 'env', 'create', ...words);
    assert.equal(code, 64);
    assert.match(stderr, says);
    assert.match(stderr, /nothing was started$/);
  }
  assert.deepEqual(readdirSync(locked), ['requirements.txt']);
});

test('a primary that this machine does not have is refused before anything is made', { timeout: 60_000 }, async () => {
  const folder = project({ 'requirements.txt': LOCK });
  it.policy({ interpreters: { primary: { version: '3.99.x', justification: 'test' }, fallback: { version: '3.11.13', justification: 'test' } } });
  const { code, stderr } = await dev(folder);
  it.policy();
  assert.equal(code, 64);
  assert.match(stderr, /the primary interpreter: expected Python 3\.99\.x .*, got .*3\.12/);
  assert.deepEqual(readdirSync(folder), ['requirements.txt']);
});
