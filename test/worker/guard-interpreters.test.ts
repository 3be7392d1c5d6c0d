/** `runbook guard` where more than one interpreter is about: a second one in the tree, and scripts of other environments. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { guardedUser, type Answer, type GuardedUser } from '../support/guarded.js';

let user: GuardedUser;
before(async () => {
  user = await guardedUser();
});
after(() => user.close());

const TELL = 'import sys; print(sys.prefix, "%d.%d" % sys.version_info[:2])';

function assertRefused({ code, signal, stdout, stderr }: Answer, expected: number, text: RegExp): void {
  assert.deepEqual([code, signal, stdout], [expected, null, ''], stderr);
  assert.match(stderr, text);
  assert.match(stderr, /^refused: .+: expected .+, got .+\n {2}try: .+\nnothing was started\n$/);
}

function script(file: string, head: string): string {
  writeFileSync(file, `${head}\n${TELL}\n`, { mode: 0o755 });
  return file;
}

/** What `pythonX -m venv` by another interpreter leaves in an environment when it is not told to clear it. */
function twice(name: string): { project: string; tree: string } {
  const project = user.project(name);
  const tree = user.tree(project, `ch-${name}-1`);
  user.turn(project, `ch-${name}-1`);
  for (const line of ['3.11', '3.12'] as const) user.venv(tree, line);
  if (!existsSync(path.join(tree, 'bin/python3.11'))) symlinkSync(user.python['3.11'].file, path.join(tree, 'bin/python3.11'));
  return { project, tree };
}

const SECOND = /interpreter .*bin\/python3\.11: expected that of .*\.venv, .*3\.12.*, got another one, .*3\.11.*\n {2}try: start it by python, or rebuild it with one interpreter: runbook env reset /;

test('PV-19: a second interpreter in the tree is not the one that was measured: exit code 1, by name and by path', () => {
  const { project, tree } = twice('second');
  for (const name of ['python', 'python3', 'python3.12', '.venv/bin/python3.12']) assert.equal(user.guard(project, [name, '-c', TELL]).stdout, `${tree} 3.12\n`, name);
  for (const name of ['python3.11', '.venv/bin/python3.11', path.join(tree, 'bin/python3.11')]) assertRefused(user.guard(project, [name, '-c', TELL]), 1, SECOND);
  symlinkSync('python3.11', path.join(tree, 'bin/py'));
  assertRefused(user.guard(project, ['py', '-c', TELL]), 1, /bin\/py: expected that of/);
  copyFileSync(user.python['3.11'].file, path.join(tree, 'bin/python3.10'));
  assertRefused(user.guard(project, ['python3.10', '-c', TELL]), 1, /bin\/python3\.10: expected that of/);
});

test('PV-19: nor does a script start it by its first line, however that names it', () => {
  const { project, tree } = twice('lines');
  const alias = path.join(user.folder, 'alias');
  symlinkSync(project, alias);
  const long = (words: string): string => `#!/bin/sh\n'''exec' ${words} "$0" "$@"\n' '''`;
  const heads = (python: string): string[] => [
    `#!${tree}/bin/${python}`, `#! ${tree}/bin/${python} -I`, `#!${project}/.venv/bin/${python}`, `#!${alias}/.venv/bin/${python}`, `#!${alias}/.venvs/ch-lines-1/bin/${python}`,
    `#!/usr/bin/env ${python}`, `#!/usr/bin/env -S ${python} -I`, `#!/usr/bin/env -S A=b ${python}`, `#!/usr/bin/env ${tree}/bin/${python}`, `#!.venv/bin/${python}`,
    long(`${tree}/bin/${python}`), long(`"${tree}/bin/${python}"`), long(`'${tree}/bin/${python}'`),
  ];
  const inTree = [long(`"$(dirname -- "$(realpath -- "$0")")"/'python3.11'`), `#!${user.python['3.11'].file}`];
  for (const head of [...heads('python3.11'), ...inTree]) {
    script(path.join(tree, 'bin/app'), head);
    assertRefused(user.guard(project, ['app']), 1, /: expected that of .*, got another one, .*3\.11/);
  }
  for (const head of heads('python3.11')) assertRefused(user.guard(project, [script(path.join(project, 'manage.py'), head)]), 1, SECOND);
  for (const head of [...heads('python'), long(`"$(dirname -- "$(realpath -- "$0")")"/'python'`)]) {
    script(path.join(tree, 'bin/app'), head);
    const { stdout, stderr } = user.guard(project, ['app']);
    assert.equal(stdout, `${tree} 3.12\n`, `${head}: ${stderr}`);
  }
});

test('an environment of copies: each name is a file of its own, and still the same interpreter', () => {
  const project = user.project('copies');
  const link = path.join(project, '.venv');
  execFileSync(user.python['3.12'].file, ['-I', '-m', 'venv', '--without-pip', '--copies', link]);
  for (const name of ['python', 'python3', 'python3.12']) {
    const { stdout, stderr } = user.guard(project, [name, '-c', TELL]);
    assert.equal(stdout, `${link} 3.12\n`, stderr);
  }
  const copy = path.join(link, 'bin/python3');
  rmSync(copy);
  const bytes = readFileSync(path.join(link, 'bin/python'));
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(copy, bytes, { mode: 0o755 });
  assertRefused(user.guard(project, ['python3', '-c', '']), 1, /bin\/python3: expected that of/);
});

test('a script of another environment is refused, from PATH and by its path: exit code 64; those of the system start', () => {
  const project = user.project('others');
  const tree = user.tree(project, 'ch-others-1');
  user.turn(project, 'ch-others-1');
  const elsewhere = path.join(user.folder, 'old/venv');
  user.venv(elsewhere, '3.11');
  const before = user.tree(project, 'ch-before-1', '3.11');
  const env = { PATH: `${elsewhere}/bin:/usr/bin:/bin` };
  const refused = (name: string, folder: string): void => assertRefused(user.guard(project, [name], { env }), 64, new RegExp(`command .*: expected a program of .*/\\.venv or of the system, got a script that runs in another environment, ${folder}\n {2}try: install it into .*, or name with --env`));
  for (const head of [`#!${elsewhere}/bin/python`, `#!${elsewhere}/bin/python3.11 -I`, `#!/bin/sh\n'''exec' '${elsewhere}/bin/python' "$0" "$@"\n' '''`, `#!/usr/bin/env python3.11`]) {
    script(path.join(elsewhere, 'bin/server'), head);
    refused('server', elsewhere);
    refused(path.join(elsewhere, 'bin/server'), elsewhere);
  }
  script(path.join(before, 'bin/app'), `#!${before}/bin/python`);
  refused('.venvs/ch-before-1/bin/app', before);
  // An environment that was copied from elsewhere keeps the lines of its scripts.
  script(path.join(tree, 'bin/server'), `#!${elsewhere}/bin/python`);
  refused('server', elsewhere);
  const system = path.join(user.folder, 'system/bin');
  mkdirSync(system, { recursive: true });
  for (const [name, head] of [['direct', `#!${user.python['3.11'].file}`], ['found', '#!/usr/bin/env python3']] as const) {
    script(path.join(system, name), head);
    const { code, stdout, stderr } = user.guard(project, [name], { env: { PATH: `${system}:/usr/bin:/bin` } });
    assert.deepEqual([code, name === 'direct' ? / 3\.11\n$/.test(stdout) : stdout], [0, name === 'direct' ? true : `${tree} 3.12\n`], stderr);
  }
});

test('a pipe in the place of the seal, of state.json or of the command is not waited for', () => {
  const project = user.project('pipes');
  const tree = user.tree(project, 'ch-pipes-1');
  user.turn(project, 'ch-pipes-1');
  const pipeAt = (file: string): void => {
    rmSync(file, { force: true });
    execFileSync('mkfifo', [file]);
    chmodSync(file, 0o777);
  };
  pipeAt(path.join(project, 'pipe'));
  assertRefused(user.guard(project, ['./pipe']), 64, /pipe: expected a program/);
  pipeAt(path.join(project, '.venvs/state.json'));
  assertRefused(user.guard(project, ['true']), 69, /state\.json/);
  pipeAt(path.join(tree, '.complete'));
  assertRefused(user.guard(project, ['true']), 1, /sealed by \.complete/);
});
