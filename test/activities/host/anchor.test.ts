import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { anchorTree, bridgeTo } from '../../../activities/host/anchor.js';
import { discoverInterpreters } from '../../../activities/host/interpreters.js';
import type { Interpreter } from '../../../policy/model.js';
import { testHost } from '../../support/host.js';

let project: string;
let primary: Interpreter;
let fallback: Interpreter;

function makeTree(id: string, interpreter: Interpreter): void {
  const tree = join(project, '.venvs', id);
  execFileSync(interpreter.realpath, ['-I', '-m', 'venv', '--without-pip', tree]);
  const minor = interpreter.version.split('.').slice(0, 2).join('.');
  writeFileSync(join(tree, 'lib', `python${minor}`, 'site-packages', 'alpha.py'), `NAME = ${JSON.stringify(id)}\n`);
  anchorTree(tree, interpreter.version);
}

function turn(from: string | null, to: string): void {
  if (from !== null) bridgeTo(join(project, '.venvs'), from);
  symlinkSync(join('.venvs', to), join(project, '.venv.next'));
  renameSync(join(project, '.venv.next'), join(project, '.venv'));
}

const ASK = 'import alpha, sys, json, subprocess; print(json.dumps([alpha.NAME, sys.prefix, sys.executable]))';
const asked = (out: string): string[] => JSON.parse(out) as string[];

/** Starts an interpreter as if the link had been turned right after the kernel resolved `.venv/bin/python`. */
function startedBeforeTurn(interpreter: Interpreter, code: string): string {
  const start = 'import os, sys; os.execve(sys.argv[1], [sys.argv[2], "-I", "-c", sys.argv[3]], {})';
  return execFileSync(fallback.realpath, ['-I', '-c', start, interpreter.realpath, join(project, '.venv/bin/python'), code], { encoding: 'utf8' });
}

before(async () => {
  const host = testHost();
  const found = await discoverInterpreters(host.ctx);
  host.close();
  [primary, fallback] = ['3.12.', '3.11.'].map((line) => found.find((i) => i.version.startsWith(line))!) as [Interpreter, Interpreter];
  project = realpathSync(mkdtempSync(join(tmpdir(), 'anchor-')));
  mkdirSync(join(project, '.venvs'));
  makeTree('old-1', primary);
  makeTree('new-1', fallback);
});
after(() => rmSync(project, { recursive: true, force: true }));

test('a process started through the link is anchored in its tree, and so is what it starts', () => {
  turn(null, 'old-1');
  const tree = join(project, '.venvs/old-1');
  assert.deepEqual(asked(execFileSync(join(project, '.venv/bin/python'), ['-I', '-c', ASK], { encoding: 'utf8' })), ['old-1', tree, join(tree, 'bin/python')]);
  const child = `import subprocess, sys; print(subprocess.run([sys.executable, "-I", "-c", ${JSON.stringify(ASK)}], capture_output=True, text=True, check=True).stdout)`;
  assert.deepEqual(asked(execFileSync(join(project, '.venv/bin/python'), ['-I', '-c', child], { encoding: 'utf8' })), ['old-1', tree, join(tree, 'bin/python')]);
});

test('invariant 2: a process caught by the turn between its start and its first import has the environment it was started from', () => {
  turn('old-1', 'new-1');
  assert.deepEqual(asked(startedBeforeTurn(primary, ASK)).slice(0, 2), ['old-1', join(project, '.venvs/old-1')]);
  turn('new-1', 'old-1');
  assert.deepEqual(asked(startedBeforeTurn(fallback, ASK)).slice(0, 2), ['new-1', join(project, '.venvs/new-1')]);
});

test('invariant 2: a late import after the turn is of the tree the process began in', () => {
  turn('new-1', 'old-1');
  const late = `import os, sys, time; open(sys.argv[1], "w").close()\nwhile os.path.exists(sys.argv[1]): time.sleep(0.01)\nimport alpha; print(alpha.NAME)`;
  const flag = join(project, 'flag');
  const shell = `import subprocess, sys, os, time
p = subprocess.Popen([sys.argv[1], "-I", "-c", sys.argv[2], sys.argv[3]], stdout=subprocess.PIPE, text=True)
while not os.path.exists(sys.argv[3]): time.sleep(0.005)
os.symlink(".venvs/new-1", sys.argv[4] + ".x"); os.rename(sys.argv[4] + ".x", sys.argv[4])
os.unlink(sys.argv[3]); print(p.communicate()[0])`;
  const out = execFileSync(fallback.realpath, ['-I', '-c', shell, join(project, '.venv/bin/python'), late, flag, join(project, '.venv')], { encoding: 'utf8' });
  assert.equal(out.trim(), 'old-1');
});
