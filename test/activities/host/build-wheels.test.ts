import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, existsSync, lstatSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ApplicationFailure } from '@temporalio/common';
import { buildArgs } from '../../../activities/host/build-command.js';
import { buildsAtOnce } from '../../../activities/host/build-toolchain.js';
import { buildWheels } from '../../../activities/host/build-wheels.js';
import { recordedWheels } from '../../../activities/host/wheelhouse.js';
import type { Interpreter, WheelBuild } from '../../../policy/model.js';
import { someInterpreter, testScope } from '../../support/host.js';
import type { AgentFields, TestHost } from '../../support/host.js';
import { testIndex } from '../../support/index.js';
import type { TestIndex } from '../../support/index.js';
import { testBuilder } from '../../support/builder.js';
import type { Builder } from '../../support/builder.js';
import { extensionText } from '../../support/sdists.js';
import type { SdistSpec } from '../../support/sdists.js';

let index: TestIndex;
let python: Interpreter;
const hosts: TestHost[] = [];

before(async () => (index = await testIndex([])));
after(() => {
  index.close();
  hosts.forEach((host) => host.close());
});

async function builder(specs: SdistSpec[], fields: AgentFields = {}): Promise<Builder> {
  const made = await testBuilder(index.url, specs, fields);
  hosts.push(made.on);
  python ??= await someInterpreter(made.on.ctx);
  return made;
}

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
/** What stands in a wheelhouse after the work: wheels and records, nothing half done. */
const left = (house: string): string[] => readdirSync(house).filter((name) => !/\.whl(\.sha256)?$/.test(name));

test('WF-37: builds single pins from source, each with its log, into the wheelhouse by hash', async () => {
  const { on, house, build } = await builder([{ name: 'pure-one', version: '1.0', files: { 'pure_one.py': 'VALUE = 1\n' } }, { name: 'native', version: '2.0', c: extensionText() }]);
  const made = await build(['Pure_One==1.0', { project: 'native', version: '2.0', native: true }], { run: 'fb-good' });
  assert.deepEqual([made.host, made.wheelhouse, made.failed], [on.ctx.host, house, []]);
  const [pure, native] = made.built;
  assert.deepEqual([pure!.project, pure!.version, pure!.file.name, pure!.warnings], ['pure-one', '1.0', 'pure_one-1.0-py3-none-any.whl', []]);
  assert.match(native!.file.name, /^native-2\.0-cp3\d+-cp3\d+-.*\.whl$/);
  for (const { file } of made.built) {
    assert.equal(sha256(join(house, file.name)), file.sha256);
    assert.equal(lstatSync(join(house, file.name)).mode & 0o777, 0o644);
  }
  execFileSync('sha256sum', ['--check', '--quiet', ...readdirSync(house).filter((name) => name.endsWith('.sha256'))], { cwd: house });
  assert.deepEqual(left(house), []);
  const logs = readdirSync(join(on.ctx.stateDir, 'runs/fb-good')).filter((name) => name.endsWith('.log'));
  assert.deepEqual(logs.sort(), ['build-native-2.0.log', 'build-pure-one-1.0.log']);
  assert.deepEqual(readdirSync(join(on.ctx.stateDir, 'scratch')), []);
});

test('what is there is not built again; a wheel whose bytes changed stops everything', async () => {
  const { on, house, sources, build } = await builder([{ name: 'once', version: '1.0' }]);
  const first = await build(['once==1.0']);
  const [{ file }] = first.built as [WheelBuild['built'][number]];
  rmSync(join(sources, 'once-1.0.tar.gz'));
  const again = await build(['once==1.0'], { run: 'fb-again' });
  assert.deepEqual([again.built[0]!.file, again.built[0]!.durationMs], [file, 0]);
  assert.deepEqual(existsSync(join(on.ctx.stateDir, 'runs/fb-again/build-once-1.0.log')), false);
  writeFileSync(join(house, file.name), 'something else');
  const tampered = await build(['once==1.0']);
  assert.deepEqual([tampered.built, tampered.failed[0]!.class, tampered.failed[0]!.branch], [[], 'HASH_MISMATCH', 'stop']);
});

test('a wheel without its record, as a builder that died leaves it, is built and recorded anew', async () => {
  const { house, build } = await builder([{ name: 'torn', version: '1.0' }]);
  const name = 'torn-1.0-py3-none-any.whl';
  writeFileSync(join(house, name), 'half');
  assert.deepEqual(recordedWheels(house), []);
  const { built } = await build(['torn==1.0']);
  assert.equal(sha256(join(house, name)), built[0]!.file.sha256);
});

test('two orders at once end with one wheel, one hash, and both right', async () => {
  const { house, build } = await builder([{ name: 'twice', version: '1.0', before: 'import time; time.sleep(0.3)' }]);
  const [a, b] = await Promise.all([build(['twice==1.0']), build(['twice==1.0'])]);
  assert.deepEqual(a!.built[0]!.file, b!.built[0]!.file);
  assert.equal(sha256(join(house, a!.built[0]!.file.name)), a!.built[0]!.file.sha256);
  assert.deepEqual([left(house), recordedWheels(house).length], [[], 1]);
});

test('WF-70: a pin that another one needs to be built is built first, and the lock\'s version of it is used', async () => {
  const { on, build } = await builder([
    { name: 'needs-it', version: '1.0', requires: ['base-x'], before: 'import base_x\nassert base_x.VERSION == "1.0", base_x.VERSION' },
    { name: 'base-x', version: '1.0', files: { 'base_x.py': 'VERSION = "1.0"\n' } },
    { name: 'too-new', version: '1.0', requires: ['base-x>=2'], before: 'import base_x\nassert base_x.VERSION == "2.0", base_x.VERSION' },
  ]);
  // A newer one is offered as a wheel: only the lock holds the build to the older.
  const other = await builder([{ name: 'base-x', version: '2.0', files: { 'base_x.py': 'VERSION = "2.0"\n' } }]);
  await other.build(['base-x==2.0']);
  const first = await build(['needs-it==1.0', 'base-x==1.0']);
  assert.deepEqual([first.failed, first.built.map((one) => one.project)], [[], ['needs-it', 'base-x']]);
  const [wheel] = recordedWheels(other.house);
  writeFileSync(join(on.folder, 'sources', wheel!.name), readFileSync(join(other.house, wheel!.name)));
  const second = await build(['too-new==1.0', 'base-x==1.0']);
  assert.deepEqual([second.failed, second.built.map((one) => one.project)], [[], ['too-new', 'base-x']], 'a requirement the lock contradicts is not held to it');
  rmSync(join(on.folder, 'wheelhouse', 'needs_it-1.0-py3-none-any.whl.sha256'));
  const third = await build(['needs-it==1.0', 'base-x==1.0']);
  assert.deepEqual(third.failed, []);
});

test('WF-69: up to four builds at once, one where there is little of anything', () => {
  const GiB = 1024 ** 3;
  assert.deepEqual([buildsAtOnce(2, 64 * GiB), buildsAtOnce(64, 2 * GiB), buildsAtOnce(4, 64 * GiB), buildsAtOnce(8, 64 * GiB), buildsAtOnce(64, 512 * GiB), buildsAtOnce(1, GiB)], [1, 1, 2, 4, 4, 1]);
});

test('DEF-06, WF-38: every flag is one that pip has, and build kinds are written as pip takes them', async () => {
  const { on } = await builder([]);
  const help = execFileSync(python.realpath, ['-I', '-m', 'pip', 'wheel', '--help'], { encoding: 'utf8', env: {} });
  const request = { project: 'numpy', version: '1.25.2', wheelhouse: '/srv/wheels', requirement: '/r.txt', out: '/out', log: null };
  const one = buildArgs(on.ctx, { ...request, mode: 'one' });
  const all = buildArgs(on.ctx, { ...request, mode: 'all' });
  for (const word of [...one, ...all].filter((it) => it.startsWith('-'))) assert.ok(help.includes(word.split('=')[0]!), word);
  for (const args of [one, all]) assert.ok(!args.some((word) => /^-j|^--jobs|=all$/.test(word)), args.join(' '));
  assert.deepEqual(one.filter((word) => /binary/.test(word)), ['--only-binary=:all:', '--no-binary=numpy']);
  assert.deepEqual(all.filter((word) => /binary/.test(word)), ['--no-binary=:all:']);
});

test('WF-38: everything from source, build requirements included', async () => {
  const { build, log } = await builder([
    { name: 'top', version: '1.0', requires: ['tool-x'], before: 'import tool_x' },
    { name: 'tool-x', version: '1.0', files: { 'tool_x.py': '' } },
  ]);
  const one = await build(['top==1.0'], { run: 'fb-one' });
  assert.equal(one.built.length, 0, 'as wheels alone, its build requirement is not to be had');
  const all = await build(['top==1.0'], { mode: 'all', run: 'fb-all' });
  assert.deepEqual([all.failed, all.built.map((it) => it.project)], [[], ['top']]);
  assert.match(log('fb-all'), /--no-binary=:all:/);
});

test('a host that is no builder, or has no folder for it, refuses with the way out', async () => {
  for (const [fields, text] of [[{ roles: [] }, /roles: \[builder\]/], [{ wheelhouse: undefined }, /make a folder/], [{ wheelhouse: '/nonexistent/house' }, /mkdir -p/]] as const) {
    const { build } = await builder([], fields as AgentFields);
    await assert.rejects(build(['x==1.0']), (error: ApplicationFailure) => error.type === 'HostRefused' && error.nonRetryable === true && text.test(error.message));
  }
  const { on } = await builder([]);
  await assert.rejects(buildWheels(on.ctx, testScope(), { run: 'fb-x', interpreter: '3.99.1', pins: [], mode: 'one' }), /CPython 3\.99/);
});

test('names that are options, paths or shell words never reach pip', async () => {
  const { build, house } = await builder([]);
  for (const [project, version] of [['--index-url=x', '1'], ['a/../../b', '1'], ['x', '1.0 -r /etc/passwd'], ['x', '../1'], ['-e', '.']] as const) {
    await assert.rejects(build([{ project, version }]), (error: ApplicationFailure) => error.type === 'BadInput', project + version);
  }
  assert.deepEqual(readdirSync(house), []);
});

test('as root, the owner of the wheelhouse builds, and owns what is built', { skip: process.getuid?.() !== 0 }, async () => {
  const { house, on } = await builder([{ name: 'theirs', version: '1.0', c: extensionText(), before: 'import os\nassert os.getuid() == 65534' }]);
  chownSync(house, 65534, 65534);
  const theirs = await someInterpreter(on.ctx, undefined, { uid: 65534, gid: 65534, name: 'nobody' });
  const made = await buildWheels(on.ctx, testScope(), { run: 'fb-nobody', interpreter: theirs.version, pins: [{ project: 'theirs', version: '1.0' }], mode: 'one' });
  assert.deepEqual(made.failed, []);
  for (const name of readdirSync(house)) assert.equal(lstatSync(join(house, name)).uid, 65534, name);
});
