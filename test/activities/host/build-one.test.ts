import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { missingTools, toolchainOf } from '../../../activities/host/build-toolchain.js';
import { agentOwner } from '../../../activities/host/owner.js';
import { isGroupAlive, signalGroup } from '../../../activities/host/process-group.js';
import { processStat } from '../../../activities/host/proc.js';
import { recordedWheels } from '../../../activities/host/wheelhouse.js';
import type { Interpreter } from '../../../policy/model.js';
import { someInterpreter, testScope } from '../../support/host.js';
import type { AgentFields, TestHost } from '../../support/host.js';
import { testIndex } from '../../support/index.js';
import type { TestIndex } from '../../support/index.js';
import { testBuilder } from '../../support/builder.js';
import type { Builder } from '../../support/builder.js';
import { extensionText, writeSdists } from '../../support/sdists.js';
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

/** What stands in a wheelhouse after the work: wheels and records, nothing half done. */
const left = (house: string): string[] => readdirSync(house).filter((name) => !/\.whl(\.sha256)?$/.test(name));

test('PV-36: the source release must be one the lock has a hash for', async () => {
  const { house, sdists, build } = await builder([{ name: 'signed', version: '1.0' }]);
  const bad = await build([{ project: 'signed', version: '1.0', hashes: [`sha256:${'ab'.repeat(32)}`] }]);
  assert.deepEqual([bad.built, bad.failed[0]!.class, bad.failed[0]!.branch, readdirSync(house)], [[], 'HASH_MISMATCH', 'stop', []]);
  const good = await build([{ project: 'signed', version: '1.0', hashes: [`sha256:${'cd'.repeat(32)}`, `sha256:${sdists[0]!.sha256}`] }]);
  assert.equal(good.failed.length, 0);
});

test('WF-20: a build that fails is a finding of its own; the others are built', async () => {
  const { house, build } = await builder([
    { name: 'fine', version: '1.0' },
    { name: 'old-api', version: '1.0', c: extensionText('PyLong_FromLong(((PyThreadState *)0)->no_such_member)') },
    { name: 'no-header', version: '1.0', c: '#include <no_such_library.h>\n' },
    { name: 'raises', version: '1.0', before: 'import distutils_of_yore' },
    { name: 'liar', version: '1.0', claims: '9.9' },
  ]);
  const { built, failed } = await build(['old-api==1.0', 'no-header==1.0', 'fine==1.0', 'raises==1.0', 'liar==1.0', 'absent==1.0']);
  assert.deepEqual(built.map((one) => one.project), ['fine']);
  const by = new Map(failed.map((one) => [one.project, one]));
  for (const [project, kind] of [['old-api', 'BUILD'], ['no-header', 'BUILD'], ['raises', 'BUILD']] as const) assert.equal(by.get(project)!.class, kind, project);
  assert.equal(by.get('absent')!.class, 'PROJECT_NOT_FOUND', JSON.stringify(by.get('absent')));
  assert.equal(by.get('no-header')!.cause, 'missing-system-dependency');
  assert.equal(by.get('old-api')!.cause, 'python-version-mismatch');
  assert.match(by.get('old-api')!.evidence, /no_such_member/);
  assert.match(by.get('liar')!.evidence, /9\.9/);
  for (const one of failed) assert.ok(one.remedy.length > 10 && existsSync(one.logPath) && one.branch, one.project);
  assert.deepEqual(left(house), []);
});

test('a build that hangs ends at its time limit, with all it started', async () => {
  const { house, build } = await builder([{ name: 'endless', version: '1.0', before: 'import subprocess, sys, time\nsubprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(900)"])\ntime.sleep(900)' }], { limits: { buildSeconds: 4 } });
  const before = new Set(sleepers());
  const { failed } = await build(['endless==1.0']);
  assert.deepEqual([failed[0]!.class, /no end within 4 s/.test(failed[0]!.evidence)], ['KILLED', true]);
  assert.deepEqual(sleepers().filter((pid) => !before.has(pid)), []);
  assert.deepEqual(left(house), []);
});

/** Processes that this file's endless build starts. */
const sleepers = (): string[] => readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).filter((pid) => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('time.sleep(900)');
  } catch {
    return false;
  }
});

test('canceled in the middle: the cancellation comes out, nothing is left', async () => {
  const { on, house, build } = await builder([]);
  const marker = join(on.folder, 'began');
  writeSdists(join(on.folder, 'sources'), [{ name: 'slow', version: '1.0', before: `import time\nopen(${JSON.stringify(marker)}, "w").close()\ntime.sleep(600)` }]);
  const scope = testScope();
  const reason = new Error('aborted by an operator');
  const building = build(['slow==1.0'], { scope });
  building.catch(() => {});
  while (!existsSync(marker)) await sleep(20);
  scope.cancel(reason);
  await assert.rejects(building, reason);
  assert.deepEqual([readdirSync(house), readdirSync(join(on.ctx.stateDir, 'scratch'))], [[], []]);
});

test('what a killed agent left, children included, is ended and removed by the next order', async () => {
  const { on, house, build } = await builder([{ name: 'next', version: '1.0' }]);
  const path = join(house, '.scratch-dead');
  mkdirSync(join(path, 'tmp'), { recursive: true });
  const child = spawn('/bin/sleep', ['600'], { detached: true, stdio: 'ignore' });
  const pid = child.pid!;
  try {
    mkdirSync(join(on.ctx.stateDir, 'scratch'));
    const note = (agent: unknown) => JSON.stringify({ path, owner: agentOwner(), agent, groups: [{ pid, started: processStat(pid)!.started }] });
    writeFileSync(join(on.ctx.stateDir, 'scratch/dead.json'), note({ pid: process.pid, started: processStat(process.pid)!.started }));
    await build(['next==1.0']);
    assert.ok(existsSync(path) && isGroupAlive(pid), 'an agent that lives keeps its own');
    writeFileSync(join(on.ctx.stateDir, 'scratch/dead.json'), note({ pid: process.pid, started: 1 }));
    await build(['next==1.0']);
    assert.deepEqual([existsSync(path), isGroupAlive(pid), readdirSync(join(on.ctx.stateDir, 'scratch'))], [false, false, []]);
  } finally {
    signalGroup(pid, 'SIGKILL');
  }
});

test('without a compiler: a native pin is told so before any build, a bare wheel is refused, a pure one is built', async () => {
  const { on, house, build } = await builder([
    { name: 'native', version: '1.0', c: extensionText() },
    { name: 'quiet', version: '1.0', c: extensionText(), optional: true },
    { name: 'plain', version: '1.0' },
  ]);
  const path = join(on.folder, 'empty');
  mkdirSync(path);
  const { built, failed } = await build([{ project: 'native', version: '1.0', native: true }, 'quiet==1.0', 'plain==1.0'], { path, run: 'fb-cc' });
  assert.deepEqual(built.map((one) => one.project), ['plain']);
  assert.deepEqual(failed.map((one) => [one.project, one.class, one.cause]), [['native', 'BUILD', 'missing-system-dependency'], ['quiet', 'BUILD', 'missing-system-dependency']]);
  assert.match(failed[0]!.evidence, /C compiler/);
  assert.match(failed[1]!.evidence, /no compiled part .*speed\.c/);
  assert.doesNotMatch(readFileSync(failed[0]!.logPath, 'utf8'), /^\$ /m, 'no build was started');
  assert.deepEqual(recordedWheels(house).map((one) => one.project), ['plain']);
});

test('a wheel that lost its compiled part although there is a compiler is kept, with a warning', async () => {
  const { build } = await builder([{ name: 'slower', version: '1.0', c: '#error not for this platform\n', optional: true }]);
  const { built, failed } = await build(['slower==1.0']);
  assert.deepEqual(failed, []);
  assert.match(built[0]!.warnings[0]!, /no compiled part in slower-1\.0.* although the source release has .*speed\.c/);
});

test('WF-63: the compiler and the headers of the interpreter itself are what counts', async () => {
  const { on } = await builder([]);
  const tools = await toolchainOf(on.ctx, python, agentOwner());
  assert.deepEqual(missingTools(tools), []);
  assert.ok(tools.cc.startsWith('/') && tools.header.endsWith('/Python.h'));
  assert.deepEqual(missingTools(await toolchainOf(on.ctx, python, agentOwner(), '/nonexistent')), ['a C compiler']);
  assert.deepEqual(missingTools({ ...tools, header: '' }), ['Python.h']);
});

