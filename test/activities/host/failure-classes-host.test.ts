/** Classes the host itself causes: interpreters, environments, rights, and imports; each made to happen. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { uvEnvironment } from '../../../activities/host/index-flags.js';
import { treeInterpreter } from '../../../activities/host/interpreters.js';
import { pipFor } from '../../../activities/host/installers/pip-command.js';
import { agentOwner } from '../../../activities/host/owner.js';
import { branchOf } from '../../../policy/diagnosis.js';
import { classifyOutput } from '../../../policy/failures.js';
import type { Interpreter } from '../../../policy/model.js';
import { sharedUv, someInterpreter, testHost } from '../../support/host.js';
import type { TestHost } from '../../support/host.js';
import { testIndex } from '../../support/index.js';
import type { TestIndex } from '../../support/index.js';
import { facts, realCommand } from '../../support/real-tools.js';
import type { Failure } from '../../support/real-tools.js';

let index: TestIndex;
let python: Interpreter;
let uv: string;
let on: TestHost;
let names = 0;

before(async () => {
  uv = await sharedUv();
  index = await testIndex([{ name: 'pure', version: '1.0', files: { 'pure.py': '' } }]);
  on = testHost({ uv, index: { url: index.url } });
  python = await someInterpreter(on.ctx);
});
after(() => {
  index.close();
  on.close();
});

const fresh = (): string => {
  const path = join(on.folder, `place-${++names}`);
  mkdirSync(path);
  return path;
};

/** uv with its usual environment and this interpreter. */
const byUv = (...args: string[]): Promise<Failure | null> => realCommand('uv', python, { file: uv, args, env: uvEnvironment(on.ctx, join(on.folder, 'cache')) });
const intoUv = (interpreter: string): Promise<Failure | null> => byUv('pip', 'install', '--default-index', index.url, '--python', interpreter, 'pure');
async function byPip(interpreter: string): Promise<Failure | null> {
  const { file, args } = await pipFor(on.ctx, agentOwner(), python.realpath, python.realpath);
  const pip = args.includes('--python') ? args.slice(0, args.indexOf('--python')) : args;
  return realCommand('pip', python, { file, args: [...pip, '--python', interpreter, 'install', '--no-input', '--disable-pip-version-check', '--index-url', index.url, 'pure'] });
}

/** An interpreter of its own that leads to the real one's library: it can be marked, damaged and removed. */
function scratchInterpreter(): { folder: string; file: string; stdlib: string } {
  const folder = fresh();
  const line = `python${python.version.split('.').slice(0, 2).join('.')}`;
  const real = execFileSync(python.realpath, ['-I', '-S', '-c', 'import sysconfig; print(sysconfig.get_paths()["stdlib"])'], { encoding: 'utf8' }).trim();
  const stdlib = join(folder, 'lib', line);
  mkdirSync(join(folder, 'bin'));
  mkdirSync(join(stdlib, 'site-packages'), { recursive: true });
  copyFileSync(python.realpath, join(folder, 'bin/python3'));
  for (const name of readdirSync(real)) if (name !== 'site-packages' && name !== 'EXTERNALLY-MANAGED') symlinkSync(join(real, name), join(stdlib, name));
  return { folder, file: join(folder, 'bin/python3'), stdlib };
}

test('an interpreter that is not there', async () => {
  const file = join(fresh(), 'bin/python3');
  assert.deepEqual(facts(await intoUv(file)), ['INTERPRETER_MISSING', false, 'interpreter']);
  assert.deepEqual(facts(await byPip(file)), ['INTERPRETER_MISSING', false, 'interpreter']);
  assert.deepEqual(facts(await byUv('pip', 'install', '--target', fresh(), '--python', file, 'pure')), ['INTERPRETER_MISSING', false, 'interpreter']);
  assert.deepEqual(facts(await byUv('venv', '--python', '3.99', join(fresh(), 'v'))), ['INTERPRETER_MISSING', false, 'interpreter']);
});

test('a shim instead of an interpreter', async () => {
  const shim = join(fresh(), 'python3.13');
  writeFileSync(shim, '#!/bin/sh\necho "pyenv: python3.13: command not found" >&2\nexit 127\n');
  chmodSync(shim, 0o755);
  for (const failure of [await intoUv(shim), await byPip(shim), await realCommand('python', python, { file: shim, args: ['-c', '1'] })]) {
    assert.deepEqual(facts(failure), ['INTERPRETER_SHIM', false, 'interpreter'], failure?.text);
  }
});

test('an environment where one stands already', async () => {
  const place = join(fresh(), 'v');
  assert.equal(await byUv('venv', '--python', python.realpath, place), null);
  assert.deepEqual(facts(await byUv('venv', '--python', python.realpath, place)), ['VENV_EXISTS', false, 'ask-a-person']);
});

test('PEP 668: an interpreter that belongs to the system', async () => {
  const { file, stdlib } = scratchInterpreter();
  writeFileSync(join(stdlib, 'EXTERNALLY-MANAGED'), '[externally-managed]\nError=Use the package manager of this system.\n');
  assert.deepEqual(facts(await intoUv(file)), ['SYSTEM_PYTHON', false, 'interpreter']);
  assert.deepEqual(facts(await byPip(file)), ['SYSTEM_PYTHON', false, 'interpreter']);
});

test('an environment whose base interpreter was removed', async () => {
  const { folder, file } = scratchInterpreter();
  const tree = join(fresh(), 'v');
  execFileSync(file, ['-I', '-m', 'venv', '--without-pip', '--symlinks', tree]);
  assert.equal((await treeInterpreter(on.ctx, tree, agentOwner())).runs, true);
  renameSync(folder, `${folder}-gone`);
  const started = await realCommand('python', python, { file: join(tree, 'bin/python'), args: ['-c', '1'] });
  assert.deepEqual(facts(started), ['VENV_BASE_GONE', false, 'interpreter'], started?.text);
  const script = join(dirname(tree), 'script');
  writeFileSync(script, `#!${tree}/bin/python\n`);
  chmodSync(script, 0o755);
  const through = await realCommand('python', python, { file: '/bin/sh', args: ['-c', 'exec "$0"', script] });
  assert.deepEqual(facts(through), ['VENV_BASE_GONE', false, 'interpreter'], through?.text);
});

test('an interpreter without ensurepip can make no environment with pip', async () => {
  const { file, stdlib } = scratchInterpreter();
  renameSync(join(stdlib, 'ensurepip'), join(stdlib, 'ensurepip-gone'));
  mkdirSync(join(stdlib, 'ensurepip'));
  writeFileSync(join(stdlib, 'ensurepip/__init__.py'), 'raise SystemExit(1)\n');
  const failure = await realCommand('venv', python, { file, args: ['-m', 'venv', join(fresh(), 'v')] });
  assert.deepEqual(facts(failure), ['VENV_CREATE', false, 'system-package'], failure?.text);
});

test('a cache that belongs to somebody else', async () => {
  const cache = fresh();
  chmodSync(cache, 0o500);
  const nobody = { uid: 65534, gid: 65534, name: 'nobody' };
  const isRoot = process.getuid?.() === 0;
  const failure = await realCommand('uv', python, { file: uv, args: ['pip', 'install', '--default-index', index.url, '--python', python.realpath, '--target', join(cache, 't'), 'pure'], env: uvEnvironment(on.ctx, join(cache, 'c')), ...(isRoot ? { owner: nobody } : {}) });
  assert.deepEqual(facts(failure), ['PERMISSION', false, 'ask-a-person'], failure?.text);
});

/** What the rules say of an import by the real interpreter. */
async function importing(folder: string, module: string): Promise<Failure | null> {
  return realCommand('python', python, { file: python.realpath, args: ['-I', '-c', `import sys; sys.path.insert(0, ${JSON.stringify(folder)}); import ${module}`] });
}

test('imports that fail: a module Python no longer has, a library that is gone, an error of the package itself, a crash', async () => {
  const folder = fresh();
  writeFileSync(join(folder, 'old.py'), 'import asynchat, distutils, imp, cgi, telnetlib\n');
  writeFileSync(join(folder, 'broken.py'), 'raise AssertionError("inherits what it may not")\n');
  writeFileSync(join(folder, 'crash.py'), 'import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n');
  writeFileSync(join(folder, 'gone.c'), 'int gone(void) { return 1; }\n');
  writeFileSync(join(folder, 'linked.c'), 'int gone(void);\nvoid *PyInit_linked(void) { gone(); return 0; }\n');
  execFileSync('cc', ['-shared', '-fPIC', '-o', join(folder, 'libgone.so'), join(folder, 'gone.c')]);
  execFileSync('cc', ['-shared', '-fPIC', '-o', join(folder, 'linked.so'), join(folder, 'linked.c'), `-L${folder}`, '-lgone']);
  renameSync(join(folder, 'libgone.so'), join(folder, 'elsewhere'));
  const linked = await importing(folder, 'linked');
  assert.deepEqual([facts(linked), linked?.findings[0]?.cause], [['IMPORT_NATIVE', false, 'system-package'], 'missing-system-dependency'], linked?.text);
  const old = await importing(folder, 'old');
  const isNew = Number(python.version.split('.')[1]) >= 12;
  if (isNew) assert.deepEqual(facts(old), ['IMPORT_STDLIB_REMOVED', false, 'fallback-interpreter'], old?.text);
  assert.deepEqual(facts(await importing(folder, 'broken')), ['IMPORT_INCOMPATIBLE', false, 'relock']);
  assert.deepEqual(facts(await importing(folder, 'crash')), ['IMPORT_NATIVE', false, 'system-package']);
  assert.deepEqual([branchOf('KILLED', null), classifyOutput('', 'python', 137).class], ['ask-again', 'KILLED']);
});
