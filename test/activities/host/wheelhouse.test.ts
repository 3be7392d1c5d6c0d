import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ApplicationFailure } from '@temporalio/common';
import { assess } from '../../../activities/host/assess.js';
import { prepare } from '../../../activities/host/prepare.js';
import { verifyTree } from '../../../activities/host/verify.js';
import { folderDigest, recordedWheels } from '../../../activities/host/wheelhouse.js';
import { buildablePins, nextRungs } from '../../../policy/ladder.js';
import type { Interpreter, LockVerdict, PlannedFile } from '../../../policy/model.js';
import type { CommandFailure } from '../../../policy/names.js';
import { testBuilder } from '../../support/builder.js';
import type { Builder } from '../../support/builder.js';
import { sharedUv, someInterpreter, testHost, testScope } from '../../support/host.js';
import type { TestHost, TestProject } from '../../support/host.js';
import { testIndex } from '../../support/index.js';
import type { TestIndex } from '../../support/index.js';
import { extensionText } from '../../support/sdists.js';

let index: TestIndex;
let nothing: TestIndex;
let uv: string;
let python: Interpreter;
let builder: Builder;
const hosts: TestHost[] = [];

before(async () => {
  uv = await sharedUv();
  // What the consumer's index has of the two: no wheel, and a source release that nobody may run.
  index = await testIndex([{ name: 'pure', version: '1.0' }, { name: 'native', version: '2.0', sdist: true }, { name: 'foreign', version: '1.0', tag: 'cp27-cp27mu-manylinux1_x86_64' }]);
  nothing = await testIndex([]);
  builder = await testBuilder(nothing.url, [{ name: 'native', version: '2.0', c: extensionText(), files: { 'native.py': 'import _speed\nVALUE = _speed.value()\n' } }, { name: 'foreign', version: '1.0', files: { 'foreign.py': '' } }]);
  hosts.push(builder.on);
  python = await someInterpreter(builder.on.ctx);
});
after(() => {
  [index, nothing].forEach((one) => one.close());
  hosts.forEach((host) => host.close());
});

/** A consumer whose `findLinks` is a folder of its own. */
function consumer(installer: 'uv' | 'pip', lock: string): { on: TestHost; at: TestProject; links: string; judge: () => Promise<LockVerdict> } {
  const base = testHost({ uv, installer });
  hosts.push(base);
  const links = join(base.folder, 'links');
  mkdirSync(links);
  const on = { ...base, ctx: { ...base.ctx, agentFile: { ...base.ctx.agentFile, index: { url: index.url, findLinks: links } } } };
  const at = on.project('shop', { 'requirements.txt': lock });
  return { on, at, links, judge: async () => (await assess(on.ctx, testScope(), { env: at.env, interpreters: [python] }))[0]! };
}

const copyHouse = (to: string): void => readdirSync(builder.house).forEach((name) => copyFileSync(join(builder.house, name), join(to, name)));
const filesOf = ({ pins }: LockVerdict): PlannedFile[] => pins.map(({ project, version, file }) => ({ project, version, ...file! }));
const SDIST_ONLY = 'f'.repeat(64);

for (const installer of ['uv', 'pip'] as const) {
  describe(`by ${installer}`, () => {
    test('WF-37, PV-36: a wheel built from source is found by the next assessment, named by hash, installed and verified', async () => {
      const { on, at, links, judge } = consumer(installer, 'pure==1.0\nnative==2.0\nforeign==1.0\n');
      const first = await judge();
      assert.deepEqual([...first.missing].sort(), ['foreign', 'native']);
      assert.ok(nextRungs([first], { hasBuilder: true, build: 'builder' }).some(({ rung }) => rung === 'source-one'));
      const { failed } = await builder.build(['native==2.0', 'foreign==1.0'], { run: `fb-${installer}` });
      assert.deepEqual(failed, []);
      copyHouse(links);
      // Within five minutes: the answer of before must not hide it.
      const second = await judge();
      assert.deepEqual([second.missing, second.error, second.pins.map((pin) => pin.verdict)], [[], null, ['wheel', 'wheel', 'wheel']]);
      const native = second.pins.find((pin) => pin.project === 'native')!;
      const recorded = recordedWheels(builder.house).find((one) => one.project === 'native')!;
      assert.deepEqual(native.file, { name: recorded.name, sha256: recorded.sha256 });
      const order = await on.orders(at, `fb-in-${installer}`);
      const plan = on.plan(at, python, filesOf(second), { installer });
      const made = await prepare(on.ctx, testScope(), order('prepare'), plan);
      const verified = await verifyTree(on.ctx, testScope(), order('verify'), { plan, tree: made.id, seal: true });
      assert.deepEqual([verified.ok, verified.imports.passed], [true, 2], JSON.stringify(verified));
    });

    test('a lock whose hashes name other files still gets the recorded wheel; without its record it does not', async () => {
      await builder.build(['native==2.0']);
      const { links, judge } = consumer(installer, `native==2.0 --hash=sha256:${SDIST_ONLY}\n`);
      const first = await judge();
      assert.deepEqual([first.pins[0]!.verdict === 'wheel', first.pins[0]!.hashes], [false, [`sha256:${SDIST_ONLY}`]], 'a source build must start from what the lock approves');
      copyHouse(links);
      assert.deepEqual((await judge()).missing, []);
      const [name] = readdirSync(links).filter((one) => one.startsWith('native') && one.endsWith('.sha256'));
      rmSync(join(links, name!));
      assert.deepEqual((await judge()).missing, ['native'], 'a file that nobody recorded is nobody\'s');
    });

    test('a wheel changed after it was planned is not installed', async () => {
      await builder.build(['native==2.0']);
      const { on, at, links, judge } = consumer(installer, 'native==2.0\n');
      copyHouse(links);
      const plan = on.plan(at, python, filesOf(await judge()), { installer });
      const wheel = join(links, plan.files[0]!.name);
      writeFileSync(wheel, Buffer.concat([readFileSync(wheel), Buffer.from('\0')]));
      const order = await on.orders(at, `fb-bad-${installer}`);
      await assert.rejects(prepare(on.ctx, testScope(), order('prepare'), plan), (error: ApplicationFailure) => (error.details?.[0] as CommandFailure).class === 'HASH_MISMATCH');
      assert.deepEqual(existsSync(at.venvs) ? readdirSync(at.venvs) : [], []);
    });
  });
}

test('a folder of wheels without records is what it always was: the lock decides', async () => {
  await builder.build(['native==2.0']);
  const { links, judge } = consumer('uv', 'native==2.0\n');
  for (const name of readdirSync(builder.house).filter((one) => one.endsWith('.whl'))) copyFileSync(join(builder.house, name), join(links, name));
  assert.deepEqual([recordedWheels(links), (await judge()).missing], [[], []]);
});

test('records that lie about their file, or are none, are not believed', () => {
  const { links } = consumer('uv', 'native==2.0\n');
  const name = 'x-1.0-py3-none-any.whl';
  const record = (text: string): number => {
    writeFileSync(join(links, name), '');
    writeFileSync(join(links, `${name}.sha256`), text);
    return recordedWheels(links).length;
  };
  const hex = 'ab'.repeat(32);
  assert.deepEqual([record(`${hex}  ${name}\n`), record(`${hex}  y-1.0-py3-none-any.whl\n`), record(hex), record(''), record(`${hex}  ${name}\n${hex}  ${name}\n`), record('x'.repeat(5000))], [1, 0, 0, 0, 0, 0]);
  const digest = folderDigest(links);
  rmSync(join(links, name));
  assert.notEqual(folderDigest(links), digest);
  assert.deepEqual([recordedWheels('/nonexistent'), recordedWheels(links)], [[], []]);
});

test('what can be built is known from the verdict: hashes of the lock, and whether a compiler is needed', async () => {
  const { judge } = consumer('uv', `native==2.0\nforeign==1.0\npure==1.0\n`);
  const verdict = await judge();
  assert.deepEqual(buildablePins(verdict), [{ project: 'native', version: '2.0' }], 'without a source release there is nothing to build');
});
