import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { discoverInterpreters } from '../../../activities/host/interpreters.js';
import { measure } from '../../../activities/host/measure.js';
import type { Performance, PerformanceProbe } from '../../../policy/model.js';
import { makeVenv } from '../../support/environments.js';
import { testHost, testScope, type TestHost, type TestProject, type TestScope } from '../../support/host.js';

let host: TestHost;
let p: TestProject;
before(async () => {
  host = testHost({ limits: { importSeconds: 30 } });
  p = host.project('app', { 'requirements.txt': '', 'own.py': 'FACTOR = 3\n', 'json.py': 'raise SystemExit("the file of the project")\n' });
  mkdirSync(p.venvs);
  await makeVenv(host, join(p.venvs, 'old-1'), '3.11');
  await makeVenv(host, join(p.venvs, 'new-1'), '3.12');
});
after(() => host.close());

const SUM: PerformanceProbe = { name: 'sum', setup: '', statement: 'sum(range(100000))' };
function run(input: { probe?: Partial<PerformanceProbe>; before?: string | null; after?: string; run?: string; scope?: TestScope; on?: TestHost }): Promise<Performance> {
  const { probe = {}, before: old = 'old-1', after: next = 'new-1', run: id = 'fb-1', scope = testScope(), on = host } = input;
  return measure(on.ctx, scope, { env: p.env, run: id, probe: { ...SUM, ...probe }, before: old, after: next });
}

/** Limits of one test's own, on the same project and store. */
const withSeconds = (importSeconds: number): TestHost => ({ ...host, ctx: { ...host.ctx, agentFile: { ...host.ctx.agentFile, limits: { ...host.ctx.agentFile.limits, importSeconds } } } });

async function gone(pid: number): Promise<void> {
  const isRunning = (): boolean => {
    try {
      return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
      return false;
    }
  };
  for (let tries = 0; isRunning(); tries++) {
    assert.ok(tries < 500, `process ${pid} still runs 10 s later`);
    await sleep(20);
  }
}

const pidsIn = (name: string): number[] => readFileSync(join(p.path, name), 'utf8').trim().split('\n').map(Number);

test('WF-48, PV-26: both environments are timed in turns; the new one\'s time is the baseline the next run compares with', async () => {
  const probe = { name: 'turns' };
  const first = await run({ probe });
  assert.equal(first.ran, true);
  assert.ok(first.beforeMs! > 0 && first.afterMs! > 0, first.summary);
  assert.ok(Math.abs(first.ratio! - first.afterMs! / first.beforeMs!) < 1e-9);
  assert.notEqual(first.band, 'unknown');
  assert.match(first.summary, /^turns: [\d.]+ ms before, [\d.]+ ms after, least of ([5-9]|1[0-5]) rounds, /);
  assert.equal(first.baselineMs, null);
  const next = await run({ probe, run: 'fb-2', before: null });
  assert.deepEqual([next.baselineMs, next.beforeMs, next.ratio], [first.afterMs, null, next.afterMs! / first.afterMs!]);
});

test('PV-26: a repeated call of one run compares with what stood before that run, and another interpreter line, link or probe text is another baseline', async () => {
  const probe = { name: 'again' };
  const first = await run({ probe, run: 'fb-1', before: null });
  const second = await run({ probe, run: 'fb-2', before: null });
  const repeated = await run({ probe, run: 'fb-2', before: null });
  const third = await run({ probe, run: 'fb-3', before: null });
  assert.deepEqual([first.baselineMs, second.baselineMs, repeated.baselineMs, third.baselineMs], [null, first.afterMs, first.afterMs, repeated.afterMs]);
  assert.equal((await run({ probe, run: 'fb-4', before: null, after: 'old-1' })).baselineMs, null);
  assert.equal((await run({ probe: { ...probe, statement: 'sum(range(9))' }, run: 'fb-5', before: null })).baselineMs, null);
  const other = { ...p.env, link: join(p.path, '.venv-other') };
  assert.equal((await measure(host.ctx, testScope(), { env: other, run: 'fb-6', probe: { ...SUM, ...probe }, before: null, after: 'new-1' })).baselineMs, null);
});

test('WF-48: a setup that fails in one environment is a result in words, and the other one is measured', async () => {
  const oldFails = await run({ probe: { name: 'fails-1', setup: 'import tomllib, sys\nif sys.version_info < (3, 12): import pandas_is_not_here' } });
  assert.deepEqual([oldFails.ran, oldFails.beforeMs, oldFails.ratio, oldFails.band], [true, null, null, 'unknown']);
  assert.match(oldFails.summary, /not measured in the environment before \(ModuleNotFoundError: No module named 'pandas_is_not_here'\), [\d.]+ ms now/);
  const newFails = await run({ probe: { name: 'fails-2', setup: 'import sys\nif sys.version_info >= (3, 12): raise SystemExit("https://me:secret@host/ is down")' } });
  assert.deepEqual([newFails.ran, newFails.afterMs, newFails.baselineMs], [false, null, null]);
  assert.ok(newFails.beforeMs! > 0);
  assert.match(newFails.summary, /SystemExit: https:\/\/\*\*\*@host\/ is down/);
  assert.equal((await run({ probe: { name: 'fails-2' }, run: 'fb-9' })).baselineMs, null);
});

test('a statement that is no Python, raises, ends the process or closes everything, and a tree that does not start: words each', async () => {
  const cases: [Partial<PerformanceProbe>, RegExp][] = [
    [{ statement: 'sum(' }, /not measured in the new environment \(SyntaxError/],
    [{ statement: '1 / 0' }, /ZeroDivisionError/],
    [{ statement: 'import os; os._exit(3)' }, /ended the process with code 3/],
    [{ statement: 'import os; os.kill(os.getpid(), 11)' }, /ended by signal 11/],
    [{ statement: 'import os; os.closerange(3, 100); os.kill(os.getpid(), 19)' }, /closed its output/],
  ];
  for (const [probe, words] of cases) {
    const result = await run({ probe, before: null });
    assert.equal(result.ran, false);
    assert.match(result.summary, words);
  }
  mkdirSync(join(p.venvs, 'empty-1'), { recursive: true });
  assert.match((await run({ before: 'empty-1' })).summary, /not measured in the environment before \(.*empty-1\/bin\/python does not start: No such file/);
  await assert.rejects(run({ before: '../../etc' }), { type: 'BadInput' });
});

test('a probe may print, read, change globals and use the project\'s modules, never instead of the environment\'s; it leaves nothing behind', async () => {
  const files = readdirSync(p.path).sort();
  const setup = 'import os, sys, json, own\ncount = own.FACTOR\ndef work():\n    text = """a\n b"""\n    return len(text)\n';
  const result = await run({ probe: { name: 'talks', setup, statement: 'count += work()\nprint("x" * 100); sys.stderr.write("y"); os.write(1, b"{}\\n"); sys.stdin.read()' } });
  assert.ok(result.ran && result.beforeMs !== null, result.summary);
  assert.deepEqual(readdirSync(p.path).sort(), files);
});

test('WF-48: a statement that hangs in one environment ends at its limit with its children; the other one is still measured', async () => {
  const setup = 'import os, sys, signal, time';
  const statement = 'if sys.version_info < (3, 12):\n    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    child = os.fork()\n    open("hung", "a").write("%d\\n" % os.getpid())\n    while True: time.sleep(60)\n';
  const result = await run({ probe: { name: 'hangs', setup, statement }, on: withSeconds(2) });
  assert.equal(result.beforeMs, null);
  assert.match(result.summary, /not measured in the environment before \(the statement did not end within 2 s\)/);
  assert.equal(result.ran, true);
  assert.equal(pidsIn('hung').length, 2);
  for (const pid of pidsIn('hung')) await gone(pid);
  rmSync(join(p.path, 'hung'));
});

test('a canceled measurement ends its whole group', async () => {
  const scope = testScope();
  const statement = 'open("canceled", "a").write("%d\\n" % os.getpid())\nwhile True: pass';
  const hanging = run({ probe: { setup: 'import os', statement }, scope });
  const file = join(p.path, 'canceled');
  const stop = setInterval(() => existsSync(file) && pidsIn('canceled').length === 2 && scope.cancel(), 20);
  await assert.rejects(hanging, /canceled by the test/).finally(() => clearInterval(stop));
  for (const pid of pidsIn('canceled')) await gone(pid);
  rmSync(file);
});

test('a directory that is not adopted yet is measured where it stands', async () => {
  renameSync(join(p.venvs, 'old-1'), p.env.link);
  try {
    const result = await run({ before: 'adopted-abc123', probe: { name: 'directory' } });
    assert.ok(result.beforeMs! > 0, result.summary);
  } finally {
    renameSync(p.env.link, join(p.venvs, 'old-1'));
  }
});

test('as the owner of the project', { skip: process.getuid?.() !== 0 && 'needs root' }, async (t) => {
  const owner = { uid: 12345, gid: 12345, name: '12345' };
  const open = (await discoverInterpreters(host.ctx, owner)).find((one) => /^3\.\d+\.\d+$/.test(one.version));
  if (!open) return t.skip('needs an interpreter that other users can start');
  const theirs = host.project('theirs', { 'requirements.txt': '' }, owner);
  mkdirSync(theirs.venvs);
  await makeVenv(host, join(theirs.venvs, 'new-1'), open.version.split('.').slice(0, 2).join('.'), owner);
  const probe = { ...SUM, setup: 'import os\nassert os.getuid() == os.geteuid() == 12345 and os.getcwd().endswith("theirs")' };
  const result = await measure(host.ctx, testScope(), { env: theirs.env, run: 'fb-1', probe, before: null, after: 'new-1' });
  assert.equal(result.ran, true, result.summary);
});
