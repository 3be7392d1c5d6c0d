/** `runbook guard` stands in the place of its command: streams, signals, a terminal's keys, exit codes and deaths. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { guardedUser, linesOf, type GuardedUser } from '../support/guarded.js';

let user: GuardedUser;
let project: string;
before(async () => {
  user = await guardedUser();
  project = user.project('app');
  user.venv(path.join(project, '.venv'));
  user.guard(project, ['true']);
});
after(() => user.close());

/** Says each signal that it hears; ends at the end of its input. */
const LISTENER = `
import os, signal, sys
for name in sys.argv[1:]: signal.signal(getattr(signal, name), lambda number, frame: os.write(1, (signal.Signals(number).name + "\\n").encode()))
print("up", flush=True)
for line in sys.stdin: pass
raise SystemExit(9)
`;

test('every signal that can be heard is passed on, once; the exit code comes through', async () => {
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGALRM', 'SIGPWR', 'SIGABRT', 'SIGPIPE', 'SIGURG'] as const;
  const child = user.spawn(project, ['python', '-c', LISTENER, ...signals]);
  const next = linesOf(child);
  assert.equal(await next(), 'up');
  for (const signal of [...signals, ...signals]) {
    child.kill(signal);
    assert.equal(await next(), signal);
  }
  child.stdin!.end();
  assert.deepEqual(await once(child, 'exit'), [9, null]);
  await assert.rejects(next(), /its end and ""/, 'nothing was passed twice');
});

test('a death by signal is ours too, by the same signal', async () => {
  for (const signal of ['SIGKILL', 'SIGTERM', 'SIGSEGV', 'SIGHUP', 'SIGPIPE', 'SIGUSR1', 'SIGABRT'] as const) {
    const child = user.spawn(project, ['python', '-c', `import os, signal; signal.signal(signal.SIGPIPE, signal.SIG_DFL); os.kill(os.getpid(), signal.${signal})`]);
    assert.deepEqual(await once(child, 'exit'), [null, signal]);
  }
  const child = user.spawn(project, ['python', '-c', 'import time; print("up", flush=True); time.sleep(60)']);
  await linesOf(child)();
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGTERM'], 'one that does not catch it dies of it');
});

test('no core file of ours takes the place of the command\'s: where cores are written, the code of shells', { skip: !writesCoreFiles() && 'cores go elsewhere here' }, () => {
  const { status, signal } = spawnSync('/bin/sh', ['-c', 'ulimit -c unlimited; exec "$@"', 'sh', ...user.command, 'python', '-c', 'import os; os.kill(os.getpid(), 3)'], { cwd: path.join(project), env: user.env });
  assert.deepEqual([status, signal], [131, null]);
});

function writesCoreFiles(): boolean {
  return !readFileSync('/proc/sys/kernel/core_pattern', 'utf8').startsWith('|') && spawnSync('/bin/sh', ['-c', 'ulimit -c unlimited']).status === 0;
}

test('exit codes come through, those of refusals too', () => {
  for (const code of [0, 1, 2, 64, 69, 127, 255]) assert.equal(user.guard(project, ['sh', '-c', `exit ${code}`]).code, code);
});

test('streams are its own: binary both ways, and a reader that goes away early is the command\'s matter', () => {
  const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, at) => (at * 7) % 256));
  const echo = spawnSync(user.command[0]!, [...user.command.slice(1), 'cat'], { cwd: project, env: user.env, input: bytes, maxBuffer: 1e6 });
  assert.ok(echo.stdout.equals(bytes));
  const pipe = spawnSync('/bin/bash', ['-c', '"$@" | head -c 2; echo " ${PIPESTATUS[0]}"', 'bash', ...user.command, 'yes'], { cwd: project, env: user.env, encoding: 'utf8' });
  assert.equal(pipe.stdout, 'y\n 141\n');
});

/** The keys of a terminal reach every process of a job. */
function onTerminal(steps: { expect: string; send: string }[]): string {
  const { status, stdout, stderr } = spawnSync(user.python['3.12'].file, ['-I', path.resolve(import.meta.dirname, '../../../test/support/terminal.py')], { input: JSON.stringify({ cwd: project, steps }), env: { ...user.env, TERM: 'dumb' }, encoding: 'utf8', timeout: 200_000, killSignal: 'SIGKILL' });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as string;
}

test('at a terminal Ctrl-C reaches the command once; Ctrl-Z stops the job, fg continues it; its end is the shell\'s to see', () => {
  writeFileSync(path.join(project, 'listen.py'), LISTENER);
  const typed = `${user.command.join(' ')} python listen.py`;
  const text = onTerminal([
    { expect: 'ready> ', send: `${typed} SIGINT SIGQUIT SIGCONT\n` },
    { expect: 'up\r\n', send: '\u0003' },
    { expect: 'SIGINT\r\n', send: '\u001c' },
    { expect: 'SIGQUIT\r\n', send: '\u001a' },
    { expect: 'Stopped.*\r\nready> ', send: 'fg\n' },
    { expect: 'SIGCONT\r\n', send: '\u0004' },
    { expect: 'ready> ', send: 'echo "code $?"\n' },
    { expect: 'code 9\r\n', send: '' },
  ]);
  assert.equal(text.match(/SIGINT\r\n/g)?.length, 1, text);
  assert.equal(text.match(/SIGQUIT\r\n/g)?.length, 1, text);
});

test('at a terminal a command that dies of Ctrl-C looks to the shell as if it had been started alone', () => {
  onTerminal([
    { expect: 'ready> ', send: `${user.command.join(' ')} python -c 'import time; print("u" + "p", flush=True); time.sleep(60)'\n` },
    { expect: 'up\r\n', send: '\u0003' },
    { expect: 'ready> ', send: 'echo "code $?"\n' },
    { expect: 'code (130|1)\r\n', send: '' },
  ]);
});

test('at a terminal a stopped job is stopped whole, and goes on whole', () => {
  writeFileSync(path.join(project, 'wait.py'), 'import sys\nprint("up", flush=True)\nsys.stdin.readline()\nprint("done", flush=True)\n');
  onTerminal([
    { expect: 'ready> ', send: `${user.command.join(' ')} python wait.py\n` },
    { expect: 'up\r\n', send: '\u001a' },
    { expect: 'Stopped.*\r\nready> ', send: 'for p in $(jobs -p); do tr "\\0" " " < /proc/$p/cmdline | cut -c1-4; for c in /proc/$p/task/*/children; do for k in $(cat $c); do cut -d")" -f2 /proc/$k/stat | cut -c2; done; done; done\n' },
    { expect: '\nT\r\n', send: 'fg\n' },
    { expect: 'wait\\.py\r\n', send: '\n' },
    { expect: 'done\r\n', send: '' },
  ]);
});
