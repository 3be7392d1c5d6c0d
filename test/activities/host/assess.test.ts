import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import type { ApplicationFailure } from '@temporalio/common';
import { assess } from '../../../activities/host/assess.js';
import type { Interpreter, LockVerdict } from '../../../policy/model.js';
import { sharedUv, someInterpreter, testHost, testScope } from '../../support/host.js';
import type { AgentFields, TestHost } from '../../support/host.js';
import { testIndex } from '../../support/index.js';
import type { IndexMode, TestIndex } from '../../support/index.js';

let index: TestIndex;
let python: Interpreter;
let uv: string;
const hosts: TestHost[] = [];

before(async () => {
  uv = await sharedUv();
  index = await testIndex([
    { name: 'pure', version: '1.0' },
    { name: 'pure', version: '1.1' },
    { name: 'other-abi', version: '1.0', tag: 'cp27-cp27mu-manylinux1_x86_64' },
    { name: 'source-only', version: '1.0', sdist: true },
    { name: 'too-new', version: '1.0', requiresPython: '>=4.0' },
    { name: 'too-old', version: '1.0', requiresPython: '<3.5' },
    { name: 'broken-release', version: '1.0', yanked: 'broken' },
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

async function judge(on: TestHost, lock: string, interpreters?: Interpreter[], scope = testScope()): Promise<LockVerdict[]> {
  const { env } = on.project('shop', { 'requirements.txt': lock });
  return assess(on.ctx, scope, { env, interpreters: interpreters ?? [python] });
}

const verdicts = ({ pins }: LockVerdict): Record<string, string> => Object.fromEntries(pins.map((pin) => [pin.project, pin.verdict]));

for (const installer of ['uv', 'pip'] as const) {
  describe(`by ${installer}`, () => {
    const fields: AgentFields = installer === 'pip' ? { installer } : {};

    test('WF-18, WF-19, PV-20: each pin passes or fails by itself, with its file or its reason', async () => {
      const on = await host(fields);
      const lock = ['pure==1.0', 'other-abi==1.0', 'source-only==1.0', 'too-new==1.0', 'nowhere-to-be-found==1.0', 'Pure_2==3', 'broken-release==1.0'].join('\n');
      const [verdict] = await judge(on, lock);
      const got = verdicts(verdict!);
      assert.equal(verdict!.error, null);
      assert.equal(got['pure'], 'wheel');
      assert.equal(got['broken-release'], 'wheel', 'a pin may name a yanked release');
      assert.equal(got['too-new'], 'requires-python');
      assert.equal(got['nowhere-to-be-found'], 'project-not-found');
      assert.equal(got['pure-2'], 'project-not-found');
      assert.ok(['no-wheel', 'sdist-only'].includes(got['other-abi']!), got['other-abi']!);
      assert.ok(['no-wheel', 'sdist-only'].includes(got['source-only']!), got['source-only']!);
      assert.deepEqual([...verdict!.missing].sort(), ['nowhere-to-be-found', 'other-abi', 'pure-2', 'source-only', 'too-new']);
      const { project, version, name, sha256 } = index.file('pure', '1.0');
      assert.deepEqual(verdict!.pins.find((pin) => pin.project === 'pure'), { project, version, verdict: 'wheel', file: { name, sha256 }, why: name });
      for (const pin of verdict!.pins) assert.ok(pin.why.length > 0, pin.project);
    });

    test('a version that does not exist is told apart from a project that does not', async () => {
      const [verdict] = await judge(await host(fields), 'pure==7.7\n');
      assert.deepEqual(verdicts(verdict!), { pure: 'version-not-found' });
      assert.deepEqual([verdict!.missing, verdict!.error], [['pure'], null]);
    });

    const modes: [IndexMode, string][] = [[401, 'INDEX_AUTH'], [403, 'INDEX_AUTH'], [429, 'INDEX_RATE_LIMIT'], [500, 'INDEX_DOWN'], ['wrong-type', 'INDEX_NOT_AN_INDEX'], ['html-page', 'INDEX_NOT_AN_INDEX']];
    for (const [mode, kind] of modes) {
      test(`an index that answers ${mode} is an error (${kind}), never a missing wheel`, async () => {
        const on = await host(fields);
        index.mode = mode;
        const [verdict] = await judge(on, 'pure==1.0\n');
        assert.deepEqual([verdict!.error?.class, verdict!.missing], [kind, []]);
        assert.ok(verdict!.error!.text.length > 5);
      });
    }

    test('an index that is not there is an error, never a missing wheel', async () => {
      const [verdict] = await judge(await host({ ...fields, index: { url: 'http://127.0.0.1:9/simple' } }), 'pure==1.0\n');
      assert.deepEqual([verdict!.error?.class, verdict!.missing], ['NET_REFUSED', []]);
    });

    test('pins whose marker excludes this interpreter are left out, even where they do not exist', async () => {
      const [verdict] = await judge(await host(fields), 'pure==1.0\nghost==1.0 ; python_version < "3"\nphantom==1.0 ; sys_platform == "win32"\n');
      assert.deepEqual([verdicts(verdict!), verdict!.missing, verdict!.error], [{ pure: 'wheel' }, [], null]);
    });

    test('a lock with hashes: the right one passes, another one is a hash mismatch', async () => {
      const on = await host(fields);
      const { sha256 } = index.file('pure', '1.0');
      const [good] = await judge(on, `pure==1.0 --hash=sha256:${sha256}\n`);
      assert.deepEqual([good!.error, verdicts(good!)], [null, { pure: 'wheel' }]);
      const [bad] = await judge(on, `pure==1.0 --hash=sha256:${'ab'.repeat(32)}\n`);
      assert.equal(bad!.error?.class, 'HASH_MISMATCH');
    });

    test('a canceled step ends a silent index at once', async () => {
      const on = await host(fields);
      index.mode = 'hang';
      const scope = testScope();
      const reason = new Error('aborted');
      const asked = index.requests.length;
      const judging = judge(on, 'pure==1.0\n', undefined, scope);
      while (index.requests.length === asked) await new Promise((resolve) => setTimeout(resolve, 20));
      scope.cancel(reason);
      await assert.rejects(judging, reason);
    });
  });
}

test('nothing of a source release is ever run, and nothing is left behind', async () => {
  const on = await host();
  const [verdict] = await judge(on, 'source-only==1.0\n');
  assert.deepEqual(verdicts(verdict!), { 'source-only': 'sdist-only' });
  assert.equal(index.requests.some((path) => path.endsWith('.tar.gz')), false);
  assert.deepEqual(readdirSync(join(on.ctx.stateDir, 'assess')), []);
});

test('a lock that is none is refused with the line, before anything is asked', async () => {
  const on = await host();
  const asked = index.requests.length;
  for (const lock of ['--index-url=http://evil\n', '-e .\n', 'pure>=1.0\n', 'a; rm -rf /\n', '<html>', '-r /etc/passwd\n', '']) {
    await assert.rejects(judge(on, lock), (error: ApplicationFailure) => error.type === 'HostRefused' && error.nonRetryable === true, lock);
  }
  assert.equal(index.requests.length, asked);
});

test('WF-02: several interpreters, each judged by itself', async () => {
  const on = await host();
  const other: Interpreter = { ...python, version: '3.4.10', soabi: 'cpython-34m' };
  const [here, there] = await judge(on, 'pure==1.0\n', [python, other]);
  assert.deepEqual([here!.version, there!.version], [python.version, '3.4.10']);
  assert.deepEqual([here!.missing, there!.missing], [[], []]);
});
