import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import type { ApplicationFailure } from '@temporalio/common';
import type { Prepared } from '../../../activities/host/contract.js';
import { agentOwner } from '../../../activities/host/owner.js';
import { ownerCache } from '../../../activities/host/owner-cache.js';
import { prepare } from '../../../activities/host/prepare.js';
import { signalGroup } from '../../../activities/host/process-group.js';
import type { Interpreter, PlannedFile } from '../../../policy/model.js';
import type { CommandFailure } from '../../../policy/names.js';
import { sharedUv, someInterpreter, testHost, testScope } from '../../support/host.js';
import type { AgentFields, TestHost, TestProject } from '../../support/host.js';
import { testIndex } from '../../support/index.js';
import type { IndexMode, TestIndex } from '../../support/index.js';

let index: TestIndex;
let python: Interpreter;
let uv: string;
const hosts: TestHost[] = [];
let runs = 0;

before(async () => {
  uv = await sharedUv();
  index = await testIndex([
    { name: 'alpha', version: '1.0', files: { 'alpha/__init__.py': 'VALUE = 1\n', 'alpha/tests/test_a.py': '' } },
    { name: 'beta-x', version: '2.1', files: { 'beta_x.py': 'import alpha\n' } },
    { name: 'heavy', version: '1.0', files: { 'heavy.py': '' }, bulk: 2_000_000 },
  ]);
});
afterEach(() => (index.mode = 'ok'));
after(() => {
  index.close();
  hosts.forEach((host) => host.close());
});

async function host(fields: AgentFields = {}): Promise<TestHost> {
  const made = testHost({ uv, index: { url: index.url }, ...fields });
  hosts.push(made);
  python ??= await someInterpreter(made.ctx);
  return made;
}

const two = (): PlannedFile[] => [index.file('alpha', '1.0'), index.file('beta-x', '2.1')];

interface Attempt {
  installer?: 'uv' | 'pip';
  files?: PlannedFile[];
  attempt?: number;
  interpreter?: Partial<Interpreter>;
  run?: string;
  scope?: ReturnType<typeof testScope>;
}

async function build(on: TestHost, project: TestProject, { installer = 'uv', files = two(), attempt = 1, interpreter = {}, run = `ch-${++runs}`, scope = testScope(attempt) }: Attempt = {}): Promise<Prepared> {
  const order = (await on.orders(project, run))('prepare');
  return prepare(on.ctx, scope, order, on.plan(project, { ...python, ...interpreter }, files, { installer }));
}

const project = (on: TestHost): TestProject => on.project('shop', { 'requirements.txt': 'alpha==1.0\nbeta-x==2.1\n' });

/** The failure of a build, which must leave nothing below `.venvs`. */
async function failure(on: TestHost, at: TestProject, how: Attempt = {}): Promise<ApplicationFailure & { facts: CommandFailure }> {
  const error = await build(on, at, how).then(() => assert.fail('expected the build to fail'), (e: unknown) => e as ApplicationFailure);
  assert.deepEqual(existsSync(at.venvs) ? readdirSync(at.venvs) : [], [], 'something half built was left');
  return Object.assign(error, { facts: error.details?.[0] as CommandFailure });
}

for (const installer of ['uv', 'pip'] as const) {
  describe(`by ${installer}`, () => {
    test('WF-25, WF-34: builds exactly the planned files in a fresh directory, without pip, bytecode compiled', async () => {
      const on = await host();
      const at = project(on);
      const made = await build(on, at, { installer, run: 'ch-good' });
      assert.deepEqual([made.id, made.path, made.installer, made.packages], ['ch-good-1', join(at.venvs, 'ch-good-1'), installer, 2]);
      const site = join(made.path, 'lib', `python${python.version.split('.').slice(0, 2).join('.')}`, 'site-packages');
      const names = readdirSync(site);
      assert.ok(names.includes('alpha') && names.includes('beta_x.py'));
      assert.deepEqual(names.filter((name) => /^pip|setuptools/.test(name)), []);
      assert.ok(readdirSync(join(site, '__pycache__')).some((name) => name.startsWith('beta_x.') && name.endsWith('.pyc')));
      assert.equal(existsSync(join(made.path, '.lock')), false);
      assert.equal(lstatSync(site).mode & 0o777, 0o755);
      assert.equal(lstatSync(join(site, 'beta_x.py')).mode & 0o777, 0o644);
      const log = join(on.ctx.stateDir, 'runs/ch-good/prepare-1.log');
      assert.match(readFileSync(log, 'utf8'), /^\$ .*(uv|python).*venv/);
      assert.equal(lstatSync(log).mode & 0o777, 0o600);
    });

    test('a wrong hash stops everything: final, and nothing is left', async () => {
      const on = await host();
      index.mode = 'wrong-hash';
      const error = await failure(on, project(on), { installer });
      assert.deepEqual([error.type, error.nonRetryable, error.facts.class], ['CommandFailed', true, 'HASH_MISMATCH']);
    });

    test('a file the plan does not name by this hash is not installed', async () => {
      const on = await host();
      const [alpha, beta] = two();
      const error = await failure(on, project(on), { installer, files: [alpha!, { ...beta!, sha256: 'ab'.repeat(32) }] });
      assert.deepEqual([error.nonRetryable, error.facts.class], [true, 'HASH_MISMATCH']);
    });

    const modes: [IndexMode, string, boolean][] = [
      [401, 'INDEX_AUTH', false],
      [403, 'INDEX_AUTH', false],
      [429, 'INDEX_RATE_LIMIT', true],
      [500, 'INDEX_DOWN', true],
      ['wrong-type', 'INDEX_NOT_AN_INDEX', false],
    ];
    for (const [mode, kind, retryable] of modes) {
      test(`an index that answers ${mode} is ${kind}`, async () => {
        const on = await host();
        index.mode = mode;
        const error = await failure(on, project(on), { installer });
        assert.deepEqual([error.facts.class, error.nonRetryable], [kind, !retryable]);
        assert.ok(error.facts.remedy.length > 10 && error.facts.tail.length > 0);
      });
    }

    test('an index that is not there is a refused connection, which may be tried again', async () => {
      const on = await host({ index: { url: 'http://127.0.0.1:9/simple' } });
      const error = await failure(on, project(on), { installer });
      assert.deepEqual([error.facts.class, error.nonRetryable], ['NET_REFUSED', false]);
    });

    test('an index that breaks off in the middle of a file leaves nothing', async () => {
      const on = await host();
      index.mode = 'truncated';
      const error = await failure(on, project(on), { installer, files: [index.file('heavy', '1.0')] });
      assert.equal(error.type, 'CommandFailed');
    });

    test('the installer killed in the middle: may be tried again, no half tree is ever reported', async () => {
      const on = await host();
      const at = project(on);
      index.mode = 'drip';
      index.onDrip = () => on.ctx.store.fence.groups(at.env.link).forEach(({ pgid }) => signalGroup(pgid, 'SIGKILL'));
      const run = `ch-kill-${installer}`;
      const error = await failure(on, at, { installer, files: [index.file('heavy', '1.0')], run });
      assert.deepEqual([error.facts.class, error.nonRetryable], ['KILLED', false]);
      index.mode = 'ok';
      const made = await build(on, at, { installer, files: [index.file('heavy', '1.0')], run, attempt: 2 });
      assert.equal(made.id, `${run}-2`);
    });

    test('canceled in the middle: the cancellation comes out, the half-built directory goes', async () => {
      const on = await host();
      const scope = testScope();
      const reason = new Error('aborted by an operator');
      index.mode = 'drip';
      index.onDrip = () => scope.cancel(reason);
      const error = await failure(on, project(on), { installer, files: [index.file('heavy', '1.0')], scope });
      assert.equal(error, reason);
    });

    test('configuration of the agent\'s own surroundings is not used', async () => {
      const on = await host();
      const asked = index.requests.length;
      const leaks = { PIP_INDEX_URL: 'http://127.0.0.1:9/', UV_DEFAULT_INDEX: 'http://127.0.0.1:9/', PIP_FIND_LINKS: '/nonexistent', PIP_TARGET: '/nonexistent', VIRTUAL_ENV: '/nonexistent', UV_PROJECT_ENVIRONMENT: '/nonexistent' };
      const before = Object.fromEntries(Object.keys(leaks).map((name) => [name, process.env[name]]));
      Object.assign(process.env, leaks);
      try {
        await build(on, project(on), { installer });
      } finally {
        for (const [name, value] of Object.entries(before)) {
          if (value === undefined) delete process.env[name];
          else process.env[name] = value;
        }
      }
      assert.ok(index.requests.length > asked);
    });

    test('as root, all of it runs as the owner of the project and belongs to them', { skip: process.getuid?.() !== 0 }, async () => {
      const owner = { uid: 65534, gid: 65534, name: 'nobody' };
      // Its own uv, which the owner must be able to reach through the agent's folder.
      const on = testHost({ index: { url: index.url }, uv });
      hosts.push(on);
      const at = on.project('theirs', { 'requirements.txt': 'alpha==1.0\n' }, owner);
      const theirs = await someInterpreter(on.ctx, undefined, owner);
      const made = await build(on, at, { installer, interpreter: theirs });
      assert.equal(made.asUser, 'nobody');
      for (const name of ['pyvenv.cfg', 'bin', 'lib']) assert.equal(lstatSync(join(made.path, name)).uid, 65534, name);
      assert.equal(lstatSync(on.ctx.store.path).mode & 0o077, 0);
    });
  });
}

for (const [what, damage] of [
  ['RECORD cut short', (info: string) => writeFileSync(join(info, 'RECORD'), 'garbage,"')],
  ['METADATA gone', (info: string) => rmSync(join(info, 'METADATA'))],
  ['dist-info gone', (info: string) => rmSync(info, { recursive: true })],
] as const) {
  test(`WF-67: a wheel damaged in the cache (${what}): the cache is dropped, all is fetched once more, and the tree is whole`, async () => {
    const on = await host();
    const at = project(on);
    await build(on, at);
    const archives = join(ownerCache(on.ctx, agentOwner(), at.path), 'uv/archive-v0');
    const infos = readdirSync(archives).flatMap((name) => readdirSync(join(archives, name)).filter((one) => one.startsWith('alpha') && one.endsWith('.dist-info')).map((one) => join(archives, name, one)));
    assert.equal(infos.length, 1);
    damage(infos[0]!);
    const asked = index.requests.length;
    const made = await build(on, at, { run: `ch-corrupt-${++runs}` });
    assert.ok(index.requests.slice(asked).some((path) => path.endsWith('.whl')), 'fetched again');
    assert.match(readFileSync(join(on.ctx.stateDir, `runs/${made.id.replace(/-1$/, '')}/prepare-1.log`), 'utf8'), /Failed to install: alpha/);
    const site = join(made.path, 'lib', `python${python.version.split('.').slice(0, 2).join('.')}`, 'site-packages');
    assert.match(readFileSync(join(site, 'alpha-1.0.dist-info/RECORD'), 'utf8'), /alpha\/__init__\.py,sha256=/);
  });
}

test('a file that differs on the index is a hash mismatch, not a damaged cache: nothing is dropped or fetched again', async () => {
  const on = await host();
  index.mode = 'wrong-hash';
  const asked = index.requests.length;
  const error = await failure(on, project(on), { files: [index.file('alpha', '1.0')] });
  assert.deepEqual([error.facts.class, error.nonRetryable], ['HASH_MISMATCH', true]);
  assert.equal(new Set(index.requests.slice(asked)).size, index.requests.slice(asked).filter((path) => path.endsWith('.whl')).length + 1, 'one page, each file once');
});

test('names that are options, shell words or paths never reach an installer', async () => {
  const on = await host();
  const good = index.file('alpha', '1.0');
  const asked = index.requests.length;
  const bad: Partial<PlannedFile>[] = [{ project: '--index-url=x' }, { project: 'a; rm -rf /' }, { project: '../../etc' }, { project: '-e' }, { version: '1.0 --index-url=x' }, { version: '1.0\n-r /etc/passwd' }, { sha256: 'zz' }, { sha256: `${good.sha256} --pre` }];
  for (const fields of bad) {
    const error = await failure(on, project(on), { files: [{ ...good, ...fields }] });
    assert.deepEqual([error.type, error.nonRetryable], ['BadInput', true], JSON.stringify(fields));
  }
  assert.equal(index.requests.length, asked);
});

test('WF-26: the environment must report exactly the planned version', async () => {
  const on = await host();
  const error = await failure(on, project(on), { interpreter: { version: '3.11.99' } });
  assert.deepEqual([error.facts.class, error.nonRetryable], ['INTERPRETER_MISSING', true]);
  assert.match(error.facts.remedy, /expected it to report 3\.11\.99, got 3\.\d+\.\d+; .*plan again/);
});

test('what an earlier attempt left half built is removed; what is complete or live is not', async () => {
  const on = await host();
  const at = project(on);
  for (const name of ['ch-old-1', 'ch-old-2', 'ch-old-3', 'ch-old-x-1', 'other-1']) mkdirSync(join(at.venvs, name, 'lib'), { recursive: true });
  writeFileSync(join(at.venvs, 'ch-old-2/.complete'), JSON.stringify({ run: 'ch-old', version: '3', lockSha256: 'l', manifestDigest: 'm' }));
  symlinkSync('.venvs/ch-old-3', at.env.link);
  const made = await build(on, at, { run: 'ch-old', attempt: 4 });
  assert.equal(made.id, 'ch-old-4');
  assert.deepEqual(readdirSync(at.venvs).sort(), ['ch-old-2', 'ch-old-3', 'ch-old-4', 'ch-old-x-1', 'other-1']);
});

test('a complete environment under this attempt\'s name is never built over', async () => {
  const on = await host();
  const at = project(on);
  mkdirSync(join(at.venvs, 'ch-twin-1'), { recursive: true });
  writeFileSync(join(at.venvs, 'ch-twin-1/.complete'), JSON.stringify({ run: 'ch-twin', version: '3', lockSha256: 'l', manifestDigest: 'm' }));
  await assert.rejects(build(on, at, { run: 'ch-twin' }), (error: ApplicationFailure) => (error.details?.[0] as CommandFailure).class === 'VENV_EXISTS');
  assert.equal(existsSync(join(at.venvs, 'ch-twin-1/.complete')), true);
});

test('the same order again is answered from its receipt; with the tree gone, it builds anew', async () => {
  const on = await host();
  const at = project(on);
  const order = (await on.orders(at, 'ch-again'))('prepare');
  const plan = on.plan(at, python, two());
  const one = await prepare(on.ctx, testScope(1), order, plan);
  const asked = index.requests.length;
  assert.deepEqual(await prepare(on.ctx, testScope(2), order, plan), one);
  assert.equal(index.requests.length, asked);
});

test('a second tree takes its bytecode from the cache, and it is the same code', async () => {
  const on = await host();
  const at = project(on);
  const compiled = async (run: string): Promise<Buffer> => {
    const { path } = await build(on, at, { run });
    const folder = join(path, 'lib', `python${python.version.split('.').slice(0, 2).join('.')}`, 'site-packages/__pycache__');
    const name = readdirSync(folder).find((one) => one.startsWith('beta_x.'))!;
    assert.equal(lstatSync(join(folder, name)).nlink, 1, 'copied, never linked');
    return readFileSync(join(folder, name)).subarray(16);
  };
  const first = await compiled('ch-b1');
  assert.deepEqual(await compiled('ch-b2'), first);
});
