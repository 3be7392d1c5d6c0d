import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApplicationFailure } from '@temporalio/common';
import { assess } from '../../../activities/host/assess.js';
import { agentOwner } from '../../../activities/host/owner.js';
import { ownerCache } from '../../../activities/host/owner-cache.js';
import { prepare } from '../../../activities/host/prepare.js';
import { livingProcesses } from '../../../activities/host/proc.js';
import { proposeLocks } from '../../../activities/host/propose-locks.js';
import { hostPlatform } from '../../../activities/host/store-locks.js';
import { verifyTree } from '../../../activities/host/verify.js';
import { parseRequirementsLock } from '../../../policy/lock.js';
import type { Interpreter, LockProposal } from '../../../policy/model.js';
import { sharedUv, someInterpreter, testHost, testScope } from '../../support/host.js';
import type { AgentFields, TestHost, TestProject } from '../../support/host.js';
import { testIndex } from '../../support/index.js';
import type { ReleaseSpec, TestIndex } from '../../support/index.js';

let index: TestIndex;
let uv: string;
let python: Interpreter;
let runs = 0;
const hosts: TestHost[] = [];
const folder = mkdtempSync(join(tmpdir(), 'propose-'));
/** Where a module that never ends writes its process. */
const marker = join(folder, 'pid');

/** A wheel for an interpreter nobody has. */
const FOREIGN = 'cp27-cp27mu-manylinux1_x86_64';
const module = (name: string, text = ''): Record<string, string> => ({ [`${name}.py`]: text });

before(async () => {
  uv = await sharedUv();
  index = await testIndex([
    ...['0.9', '1.2', '2.0'].map((version): ReleaseSpec => ({ name: 'base', version, files: module('base', `VERSION = "${version}"\n`) })),
    { name: 'base', version: '1.0', tag: FOREIGN },
    { name: 'app', version: '1.0', requires: ['base>=1.0'], files: module('app', 'import base\n') },
    { name: 'core', version: '1.0', tag: FOREIGN },
    ...['1.1', '1.2'].map((version): ReleaseSpec => ({ name: 'core', version, files: module('core') })),
    ...['1.0', '1.1'].map((version): ReleaseSpec => ({ name: 'front', version, requires: [`core==${version}`], files: module('front', 'import core\n') })),
    // Installs everywhere, and imports from 1.4 on.
    ...Array.from({ length: 8 }, (_, at): ReleaseSpec => ({ name: 'brittle', version: `1.${at}`, files: module('brittle', at < 4 ? 'raise AssertionError("not on this Python")\n' : '') })),
    // Imports beside a newer helper only, whatever its release.
    ...['1.0', '1.1', '1.2'].map((version): ReleaseSpec => ({ name: 'needy', version, requires: ['helper'], files: module('needy', 'import helper\nassert helper.NEW\n') })),
    ...['1.0', '3.0'].map((version): ReleaseSpec => ({ name: 'helper', version, files: module('helper', `NEW = ${version === '3.0' ? 'True' : 'False'}\n`) })),
    { name: 'sleepy', version: '1.0', files: module('sleepy', `import os, time\nopen(${JSON.stringify(marker)}, "w").write(str(os.getpid()))\ntime.sleep(600)\n`) },
    { name: 'dead-end', version: '1.0', tag: FOREIGN },
    { name: 'dead-end', version: '0.9', files: module('dead_end') },
  ]);
});
afterEach(() => (index.mode = 'ok'));
after(() => {
  index.close();
  rmSync(folder, { recursive: true });
  hosts.forEach((host) => host.close());
});

async function host(lock: string, fields: AgentFields = {}, owner?: { uid: number; gid: number; name: string }): Promise<{ on: TestHost; at: TestProject; propose: (missing: string[], knownGood?: Record<string, string>, scope?: ReturnType<typeof testScope>) => Promise<LockProposal[]>; run: () => string }> {
  const on = testHost({ uv, index: { url: index.url }, ...fields });
  hosts.push(on);
  python ??= await someInterpreter(on.ctx);
  const at = on.project('shop', { 'requirements.txt': lock }, owner);
  const interpreter = owner ? await someInterpreter(on.ctx, undefined, owner) : python;
  return { on, at, run: () => `fb-${runs}`, propose: (missing, knownGood = {}, scope = testScope()) => proposeLocks(on.ctx, scope, { env: at.env, run: `fb-${++runs}`, interpreter, missing, knownGood }) };
}

const told = (proposals: LockProposal[]): [string, string[], boolean][] => proposals.map(({ rung, changes, tried }) => [rung, changes.map((one) => `${one.project} ${one.from}→${one.to}`), tried.installed && tried.imports.passed === tried.imports.total]);

/** Trees left over, and notes of them. */
const scratches = (on: TestHost, at: TestProject, owner = agentOwner()): string[] => [...readdirSync(ownerCache(on.ctx, owner, at.path)).filter((name) => name.startsWith('.')), ...readdirSync(join(on.ctx.stateDir, 'scratch'))];

test('the nearest release with a wheel is proposed, tried and told; nothing of the project changes', async () => {
  const { on, at, propose, run } = await host('app==1.0\nBase==1.0\n');
  const proposals = await propose(['base']);
  assert.deepEqual(told(proposals), [['relock', ['base 1.0→1.2'], true]]);
  const [{ lock, lockSha256, deviation, interpreter, tried }] = proposals as [LockProposal];
  assert.deepEqual([deviation, interpreter, tried], [true, python.version, { installed: true, imports: { passed: 2, total: 2 }, problem: '' }]);
  assert.equal(lockSha256, createHash('sha256').update(lock).digest('hex'));
  const read = parseRequirementsLock(lock);
  assert.deepEqual([read.problems, read.pins.map((pin) => [pin.project, pin.version, pin.hashes[0]])], [[], [['app', '1.0', `sha256:${index.file('app', '1.0').sha256}`], ['base', '1.2', `sha256:${index.file('base', '1.2').sha256}`]]]);
  assert.deepEqual([existsSync(at.venvs), readFileSync(join(at.path, 'requirements.txt'), 'utf8')], [false, 'app==1.0\nBase==1.0\n']);
  assert.deepEqual(scratches(on, at), []);
  const commands = readFileSync(join(on.ctx.stateDir, 'runs', run(), 'propose-relock.log'), 'utf8').split('\n').filter((line) => line.startsWith('$ '));
  assert.ok(commands.length >= 3 && commands.every((line) => !/ -j\b| --only-binary[= ]all\b/.test(line)), 'DEF-06');
  // As a lock of the project it needs no more.
  const next = await host(lock);
  const [verdict] = await assess(next.on.ctx, testScope(), { env: next.at.env, interpreters: [python] });
  assert.deepEqual([verdict!.missing, verdict!.error], [[], null]);
});

test('coupled pins move together, by the resolver', async () => {
  const { propose } = await host('front==1.0\ncore==1.0\n');
  assert.deepEqual(told(await propose(['core'])), [['relock', ['core 1.0→1.1', 'front 1.0→1.1'], true]]);
});

test('an older release is never proposed for want of a newer one: it says so', async () => {
  const { propose } = await host('dead-end==1.0\n');
  const [only, ...rest] = await propose(['dead-end']);
  assert.deepEqual([only!.rung, only!.tried.installed, only!.lock, only!.changes, rest], ['relock', false, '', [], []]);
  assert.match(only!.tried.problem, /the resolver said /);
});

test('WF-40, DIS-20: known-good pins of the policy are proposed before a relock, as a deviation', async () => {
  const { propose } = await host('app==1.0\nbase==1.0\n');
  const proposals = await propose(['base'], { Base: '2.0', unknown: '1' });
  assert.deepEqual([told(proposals), proposals[0]!.deviation], [[['known-good', ['base 1.0→2.0'], true]], true]);
});

test('known-good pins that can not be had leave the relock', async () => {
  const { propose } = await host('app==1.0\nbase==1.0\n');
  const proposals = await propose(['base'], { base: '7.7' });
  assert.deepEqual(told(proposals), [['known-good', [], false], ['relock', ['base 1.0→1.2'], true]]);
  assert.match(proposals[0]!.tried.problem, /VERSION_NOT_FOUND/);
});

test('a lock that this host verified before is proposed first: it is remembered when its tree is sealed', async () => {
  const { on, at, propose } = await host('app==1.0\nbase==1.0\n');
  const files = [index.file('app', '1.0'), index.file('base', '2.0')];
  const order = await on.orders(at, 'ch-verified');
  const plan = on.plan(at, python, files);
  const { id } = await prepare(on.ctx, testScope(), order('prepare'), plan);
  const line = python.version.split('.').slice(0, 2).join('.');
  assert.deepEqual(on.ctx.store.locks.ofLine(line, hostPlatform()), []);
  const { ok } = await verifyTree(on.ctx, testScope(), order('verify'), { plan, tree: id, seal: true });
  const [row] = on.ctx.store.locks.ofLine(line, hostPlatform());
  assert.deepEqual([ok, row!.sha256, row!.python, row!.run, row!.pins], [true, plan.lock.sha256, python.version, 'ch-verified', [{ project: 'app', version: '1.0' }, { project: 'base', version: '2.0' }]]);
  assert.deepEqual([on.ctx.store.locks.ofLine('3.1', hostPlatform()), on.ctx.store.locks.ofLine(line, 'other_cpu')], [[], []]);
  assert.deepEqual(told(await propose(['base'])), [['verified-pins', ['base 1.0→2.0'], true]]);
});

test('a lock that failed its verification is not remembered', async () => {
  const { on, at } = await host('brittle==1.0\n');
  const order = await on.orders(at, 'ch-bad');
  const plan = on.plan(at, python, [index.file('brittle', '1.0')]);
  const { id } = await prepare(on.ctx, testScope(), order('prepare'), plan);
  assert.equal((await verifyTree(on.ctx, testScope(), order('verify'), { plan, tree: id, seal: true })).ok, false);
  assert.deepEqual(on.ctx.store.locks.ofLine(python.version.split('.').slice(0, 2).join('.'), hostPlatform()), []);
});

test('what installs and does not import is moved to its first release that does, in six probes at most', async () => {
  const { propose } = await host('brittle==1.0\nbase==1.0\n');
  const asked = index.requests.length;
  const proposals = await propose(['base']);
  assert.deepEqual(told(proposals), [['relock', ['base 1.0→1.2'], false], ['bump', ['base 1.0→1.2', 'brittle 1.0→1.4'], true]]);
  assert.match(proposals[0]!.tried.problem, /brittle does not import: AssertionError: not on this Python/);
  const fetched = new Set(index.requests.slice(asked).filter((path) => /brittle-.*\.whl$/.test(path)));
  assert.ok(fetched.size <= 7, [...fetched].join(' '));
});

test('a lock that only fails to import is bumped too; the relock that changes nothing is no proposal', async () => {
  const { propose } = await host('brittle==1.2\n');
  assert.deepEqual(told(await propose([])), [['bump', ['brittle 1.2→1.4'], true]]);
});

test('where no release imports beside what the lock has, what it needs is moved up with it', async () => {
  const { propose } = await host('needy==1.0\nhelper==1.0\n');
  assert.deepEqual(told(await propose([])), [['bump', ['helper 1.0→3.0', 'needy 1.0→1.1'], true]]);
});

test('markers stay, and pins for other platforms stay as they are', async () => {
  const { propose } = await host('base==1.0 ; python_version >= "3"\nghost==1.0 ; sys_platform == "win32"\n');
  const [{ lock, changes }] = (await propose(['base'])) as [LockProposal];
  assert.deepEqual(changes.map((one) => one.project), ['base']);
  assert.match(lock, /^base==1\.2 ; python_version >= "3" \\\n {4}--hash=sha256:[0-9a-f]{64}\nghost==1\.0 ; sys_platform == "win32"\n$/);
});

test('an index that does not answer is a problem in words, never a proposal', async () => {
  const { propose } = await host('base==1.0\n', { index: { url: 'http://127.0.0.1:9/simple' } });
  const proposals = await propose(['base']);
  assert.deepEqual([told(proposals), /NET_REFUSED/.test(proposals[0]!.tried.problem)], [[['relock', [], false]], true]);
});

test('without uv there are no proposals, and it says why', async () => {
  const { propose } = await host('base==1.0\n', { installer: 'pip' });
  await assert.rejects(propose(['base']), (error: ApplicationFailure) => error.type === 'HostRefused' && /expected uv: only its resolver/.test(error.message));
});

test('canceled while it imports: the cancellation comes out, no scratch tree and no process is left', async () => {
  const { on, at, propose } = await host('sleepy==1.0\nbase==1.0\n');
  const scope = testScope();
  const reason = new Error('aborted by an operator');
  const proposing = propose(['base'], {}, scope);
  proposing.catch(() => {});
  while (!existsSync(marker) || readFileSync(marker, 'utf8') === '') await sleep(20);
  scope.cancel(reason);
  await assert.rejects(proposing, reason);
  assert.deepEqual([scratches(on, at), livingProcesses().some(({ pid }) => String(pid) === readFileSync(marker, 'utf8'))], [[], false]);
});

test('as root, all of it runs as the owner of the project', { skip: process.getuid?.() !== 0 }, async () => {
  const owner = { uid: 65534, gid: 65534, name: 'nobody' };
  const { on, at, propose } = await host('app==1.0\nbase==1.0\n', {}, owner);
  // One that this user can reach.
  on.ctx.agentFile.uv = join(on.folder, 'uv');
  copyFileSync(uv, on.ctx.agentFile.uv);
  assert.deepEqual(told(await propose(['base'])), [['relock', ['base 1.0→1.2'], true]]);
  assert.deepEqual(scratches(on, at, owner), []);
});
