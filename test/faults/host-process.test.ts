/** Processes that misbehave while an environment is verified: tests that hang, that ignore TERM, that print without end. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { prepare } from '../../activities/host/prepare.js';
import { processStat } from '../../activities/host/proc.js';
import { verifyTree } from '../../activities/host/verify.js';
import type { Interpreter, Plan, Verification } from '../../policy/model.js';
import { sharedUv, someInterpreter, testHost, testScope, type TestHost, type TestProject } from '../support/host.js';
import { testIndex, type TestIndex } from '../support/index.js';
import { until } from '../support/processes.js';

let index: TestIndex;
let host: TestHost;
let python: Interpreter;
let runs = 0;

before(async () => {
  index = await testIndex([{ name: 'alpha', version: '1.0', files: { 'alpha.py': 'VALUE = 1\n' } }]);
  host = testHost({ uv: await sharedUv(), index: { url: index.url } });
  python = await someInterpreter(host.ctx);
});
after(() => {
  index.close();
  host.close();
});

interface Verified {
  project: TestProject;
  verify(scope?: ReturnType<typeof testScope>): Promise<Verification>;
  /** Written by the project's tests: one process id a line. */
  pids(): number[];
}

/** A built tree whose project has this test program. */
async function withTests(program: string, testsTimeoutSeconds: number): Promise<Verified> {
  const run = `ch-p${++runs}`;
  const project = host.project(run, { 'requirements.txt': 'alpha==1.0\n', 'check.py': program });
  const order = await host.orders(project, run);
  const plan: Plan = host.plan(project, python, [index.file('alpha', '1.0')], { tests: ['check.py'], testsTimeoutSeconds });
  const { id } = await prepare(host.ctx, testScope(), order('prepare'), plan);
  const file = join(project.path, 'pids');
  return {
    project,
    verify: (scope = testScope()) => verifyTree(host.ctx, scope, order('verify'), { plan, tree: id, seal: true }),
    pids: () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : []),
  };
}

const runs_ = (pid: number): boolean => !['Z', 'X', undefined].includes(processStat(pid)?.state);

/** A process with a child and a grandchild, all of which ignore TERM and say who they are. */
const STUBBORN = `
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
for generation in range(2):
    if os.fork():
        break
with open('pids', 'a') as file:
    file.write('%d\\n' % os.getpid())
while True:
    time.sleep(600)
`;

test('a test suite that hangs, ignores TERM and has grandchildren: a verdict of no at its time limit, its whole group gone, nothing sealed', async () => {
  const at = await withTests(STUBBORN, 5);
  const seen = await at.verify();
  assert.deepEqual([seen.ok, seen.tests.ok, seen.tests.ran, seen.tests.summary], [false, false, true, 'no end within 5 s']);
  assert.deepEqual([seen.files.ok, seen.lock.ok, seen.imports.ok], [true, true, true]);
  assert.equal(at.pids().length, 3);
  assert.deepEqual(at.pids().filter(runs_), []);
  assert.deepEqual(host.ctx.store.fence.groups(at.project.env.link), []);
  assert.deepEqual(existsSync(join(at.project.venvs, `ch-p${runs}-1`, '.complete')), false);
});

test('the same suite when the step is canceled: the cancellation comes out, and nobody is left', async () => {
  const at = await withTests(STUBBORN, 600);
  const scope = testScope();
  const verifying = assert.rejects(at.verify(scope), /canceled by the test/);
  await until('three generations', () => at.pids().length === 3);
  scope.cancel();
  await verifying;
  assert.deepEqual(at.pids().filter(runs_), []);
});

test('a suite that ends well and leaves processes behind: they end with it', async () => {
  const at = await withTests(`
import os, signal, sys, time
if os.fork():
    while not os.path.exists('pids'):
        time.sleep(0.01)
    print('1 passed')
    sys.exit(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open('pids.next', 'w') as file:
    file.write('%d\\n' % os.getpid())
os.rename('pids.next', 'pids')
time.sleep(600)
`, 60);
  const seen = await at.verify();
  assert.deepEqual([seen.ok, seen.tests.summary], [true, '1 passed'], JSON.stringify(seen));
  assert.deepEqual(at.pids().filter(runs_), []);
});

test('50 MB of test output: all of it on disk, only its end in the result, and memory bounded', async () => {
  const at = await withTests(`
import sys
line = b'x' * 1023 + b'\\n'
for _ in range(200 * 1024):
    sys.stdout.buffer.write(line)
print('5 passed in 1.0s')
`, 120);
  const before = process.memoryUsage().rss;
  const seen = await at.verify();
  const grown = process.memoryUsage().rss - before;
  assert.deepEqual([seen.ok, seen.tests.summary], [true, '5 passed in 1.0s'], seen.tests.summary);
  assert.ok(statSync(seen.tests.outputPath).size > 200 * 1024 * 1024);
  assert.equal(statSync(seen.tests.outputPath).mode & 0o777, 0o600);
  assert.ok(JSON.stringify(seen).length < 20_000, 'the result goes into history');
  assert.ok(grown < 100 * 1024 * 1024, `memory grew by ${grown}`);
});
