import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from '../../../activities/host/command.js';
import type { CommandInput, CommandResult } from '../../../activities/host/command.js';
import type { Guard } from '../../../activities/host/context.js';
import { agentOwner } from '../../../activities/host/owner.js';
import { isGroupAlive, signalGroup } from '../../../activities/host/process-group.js';
import { testScope } from '../../support/host.js';

const folder = mkdtempSync(join(tmpdir(), 'command-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const node = (program: string, input: Partial<CommandInput> = {}): Promise<CommandResult> =>
  runCommand({ file: process.execPath, args: ['-e', program], cwd: folder, owner: agentOwner(), timeoutMs: 30_000, ...input });

/** A guard that notes groups; `started` resolves with the first. */
function noteGroups(): { guard: Guard; started: Promise<number>; ended: number[] } {
  let tell: (pgid: number) => void = () => {};
  const started = new Promise<number>((resolve) => (tell = resolve));
  const ended: number[] = [];
  return { started, ended, guard: { op: 'chain/1/test', attempt: 1, commit: (change) => change(), groupStarted: (pgid) => tell(pgid), groupEnded: (pgid) => void ended.push(pgid) } };
}

/** Waits for a condition by looking, not by guessing a time; 20 s at most. */
async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 1000) throw new Error(`waited 20 s for: ${what}`);
    await sleep(20);
  }
}

const outputHas = (path: string, text: string) => (): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined && readFileSync(path, 'utf8').includes(text);

test('a command that works: output, exit code and a readable command line', async () => {
  const result = await node('console.log("out"); console.error("err")');
  assert.equal(result.failed, false);
  assert.equal(result.exitCode, 0);
  assert.equal(result.stdout, 'out\n');
  assert.match(result.tail, /out/);
  assert.match(result.tail, /err/);
  assert.match(result.command, /-e/);
});

test('a command that fails is a result, not an exception', async () => {
  const result = await node('process.exit(7)');
  assert.deepEqual([result.failed, result.exitCode, result.spawnError], [true, 7, null]);
});

test('a file that is not there, and one that is not executable, are results', async () => {
  const missing = await runCommand({ file: '/nonexistent/tool', args: [], cwd: folder, owner: agentOwner(), timeoutMs: 1000 });
  assert.equal(missing.failed, true);
  assert.match(missing.spawnError!, /ENOENT/);
  const directory = await runCommand({ file: folder, args: [], cwd: folder, owner: agentOwner(), timeoutMs: 1000 });
  assert.match(directory.spawnError!, /EACCES/);
});

test('a relative executable is a mistake of the caller', async () => {
  await assert.rejects(runCommand({ file: 'python', args: [], cwd: folder, owner: agentOwner(), timeoutMs: 1000 }), /expected an absolute path, got "python"/);
});

test('no shell: arguments with its signs arrive as they are', async () => {
  const args = ['a; rm -rf /', '$(id)', '--index-url=x', '`x`', '*'];
  const result = await runCommand({ file: process.execPath, args: ['-e', 'console.log(JSON.stringify(process.argv.slice(1)))', '--', ...args], cwd: folder, owner: agentOwner(), timeoutMs: 30_000 });
  assert.deepEqual(JSON.parse(result.stdout), args);
});

test('the environment is an allow-list: nothing of the agent leaks', async () => {
  const leaks = { PIP_INDEX_URL: 'http://evil', VIRTUAL_ENV: '/x', PYTHONPATH: '/x', PYTHONDONTWRITEBYTECODE: '1', AWS_SECRET_ACCESS_KEY: 's3cret', UV_INDEX_URL: 'http://evil' };
  const before = { ...process.env };
  Object.assign(process.env, leaks);
  try {
    const result = await node('console.log(JSON.stringify(process.env))', { env: { WANTED: 'yes' }, guard: noteGroups().guard });
    const seen = JSON.parse(result.stdout) as Record<string, string>;
    for (const name of Object.keys(leaks)) assert.equal(seen[name], undefined, name);
    assert.equal(seen['PATH'], '/usr/local/bin:/usr/bin:/bin');
    assert.equal(seen['LANG'], 'C.UTF-8');
    assert.equal(seen['WANTED'], 'yes');
    assert.equal(seen['INTERPRETER_RUNBOOKS_OP'], 'chain/1/test');
    const allowed = /^(PATH|HOME|LANG|LC_ALL|TMPDIR|SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE|WANTED|INTERPRETER_RUNBOOKS_OP|(https?|all|no)_proxy|(HTTPS?|ALL|NO)_PROXY|__CF_USER_TEXT_ENCODING)$/;
    assert.deepEqual(Object.keys(seen).filter((name) => !allowed.test(name)), []);
  } finally {
    for (const name of Object.keys(leaks)) if (before[name] === undefined) delete process.env[name];
    Object.assign(process.env, before);
  }
});

test('a child inherits nothing the agent has open', async () => {
  const list = async (): Promise<string[]> => (await runCommand({ file: '/bin/ls', args: ['/proc/self/fd'], cwd: folder, owner: agentOwner(), timeoutMs: 30_000 })).stdout.trim().split('\n');
  // What this process itself was given by its own parent is no business of ours.
  const before = await list();
  const opened = Array.from({ length: 20 }, () => openSync('/etc/passwd', 'r'));
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  assert.deepEqual(await list(), before);
  for (const fd of opened) closeSync(fd);
  server.close();
});

test('decision 14: a child that the store can\'t remember does not run on', async () => {
  const pids: number[] = [];
  const guard = { op: 'x', attempt: 1, commit: <R>(change: () => R) => change(), groupStarted: (pgid: number) => { pids.push(pgid); throw new Error('database or disk is full'); }, groupEnded: () => undefined };
  await assert.rejects(runCommand({ file: '/bin/sleep', args: ['600'], cwd: '/', owner: agentOwner(), timeoutMs: 600_000, guard }), /disk is full/);
  assert.equal(pids.length, 1);
  assert.equal(isGroupAlive(pids[0]!), false);
});

test('files a child makes have umask 022, whatever the agent has', async () => {
  const before = process.umask(0o077);
  try {
    await node('require("fs").writeFileSync("made", "")');
    assert.equal(process.umask(), 0o077);
  } finally {
    process.umask(before);
  }
  assert.equal(statSync(join(folder, 'made')).mode & 0o777, 0o644);
});

test('200 MB of output: the file has all of it, memory only pieces; the file is private', async () => {
  const outputPath = join(folder, 'much.log');
  const before = process.memoryUsage().rss;
  const result = await node('const b = Buffer.alloc(1 << 20, 97); let n = 0; (function more() { if (n++ < 200) process.stdout.write(b, more); else console.log("END"); })()', { outputPath });
  assert.equal(result.failed, false);
  assert.equal(result.stdout.length, 4 * 1024 * 1024);
  assert.equal(result.stdoutTruncated, true);
  assert.ok(result.tail.length <= 8 * 1024);
  assert.ok(result.tail.endsWith('END\n'));
  const { size, mode } = statSync(outputPath);
  assert.ok(size > 200 * 1024 * 1024, `${size}`);
  assert.equal(mode & 0o777, 0o600);
  // What was read and is not collected yet counts, too: a limit far below all of it, and far above that.
  const grown = process.memoryUsage().rss - before;
  assert.ok(grown < 100 * 1024 * 1024, `grew by ${grown}`);
});

test('credentials in an address do not reach the tail', async () => {
  const result = await node('console.error("GET https://joe:hunter2@index.example/simple failed")');
  assert.match(result.tail, /https:\/\/\*\*\*@index\.example/);
  assert.doesNotMatch(result.tail, /hunter2/);
});

test('the time limit ends a child that ignores TERM, and its grandchildren', async () => {
  const { guard, started, ended } = noteGroups();
  const program = `
    process.on('SIGTERM', () => {});
    const child = require('child_process').spawn(process.execPath, ['-e', "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"], { stdio: 'inherit' });
    child.unref(); setInterval(() => {}, 1000);`;
  const begun = performance.now();
  const result = await node(program, { timeoutMs: 2_000, guard });
  const pgid = await started;
  assert.deepEqual([result.failed, result.timedOut, result.isCanceled, result.signal], [true, true, false, 'SIGKILL']);
  assert.equal(isGroupAlive(pgid), false);
  assert.deepEqual(ended, [pgid]);
  assert.ok(performance.now() - begun < 8000);
});

test('what a command leaves running in its group ends with it', async () => {
  const { guard, started } = noteGroups();
  const result = await node(`require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' }).unref()`, { guard });
  assert.equal(result.exitCode, 0);
  assert.equal(isGroupAlive(await started), false);
});

test('cancellation ends the group and is told apart from a time limit', async () => {
  const scope = testScope();
  const outputPath = join(folder, 'cancel.log');
  const running = node('console.log("up"); setInterval(() => {}, 1000)', { scope, outputPath });
  await until('the child is up', outputHas(outputPath, '\nup\n'));
  scope.cancel();
  const result = await running;
  assert.deepEqual([result.failed, result.isCanceled, result.timedOut], [true, true, false]);
});

test('canceled before the start: nothing is started', async () => {
  const scope = testScope();
  scope.cancel();
  const { guard, ended } = noteGroups();
  const result = await node('require("fs").writeFileSync("must-not-be", "")', { scope, guard });
  assert.equal(result.isCanceled, true);
  assert.deepEqual(ended, []);
  assert.equal(statSync(join(folder, 'must-not-be'), { throwIfNoEntry: false }), undefined);
});

test('a running child is reported every 2 s; a stopped one misses its heartbeat and is ended by the abort, never woken', async () => {
  const scope = testScope();
  const { guard, started } = noteGroups();
  const running = node('process.on("SIGTERM", () => { require("fs").writeFileSync("woken", "") }); setInterval(() => {}, 1000)', { scope, guard });
  const pgid = await started;
  await until('a first heartbeat', () => scope.beats.length > 0);
  signalGroup(pgid, 'SIGSTOP');
  const beats = scope.beats.length;
  // Two beats would have come in this time: an absence can only be waited for.
  await sleep(4500);
  assert.ok(scope.beats.length <= beats + 1, `${scope.beats.length - beats} heartbeats while stopped`);
  scope.cancel();
  const result = await running;
  assert.deepEqual([result.isCanceled, result.signal], [true, 'SIGKILL']);
  assert.equal(isGroupAlive(pgid), false);
  assert.equal(statSync(join(folder, 'woken'), { throwIfNoEntry: false }), undefined);
});

test('a process that left the group and holds the pipe does not hold the result', async () => {
  const begun = performance.now();
  const result = await node(`
    const child = require('child_process').spawn(process.execPath, ['-e', 'setTimeout(() => {}, 15000)'], { stdio: ['ignore', 'inherit', 'inherit'], detached: true });
    console.log(child.pid); child.unref();`);
  assert.equal(result.exitCode, 0);
  assert.ok(performance.now() - begun < 10_000);
  process.kill(Number(result.stdout), 'SIGKILL');
});

test('standard input arrives, and a child that does not read it does no harm', async () => {
  assert.equal((await node('process.stdin.pipe(process.stdout)', { stdin: 'hello' })).stdout, 'hello');
  assert.equal((await node('', { stdin: 'x'.repeat(1 << 20) })).exitCode, 0);
});

test('as root, a child runs as the owner, without root\'s groups', { skip: process.getuid?.() !== 0 }, async () => {
  const owner = { uid: 65534, gid: 65534, name: 'nobody' };
  const result = await runCommand({ file: '/usr/bin/id', args: [], cwd: '/', owner, timeoutMs: 10_000 });
  assert.match(result.stdout, /^uid=65534\S* gid=65534\S* groups=65534\S*\n$/);
});
