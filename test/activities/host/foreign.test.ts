import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { findForeign, tell, whyNotAsk } from '../../../activities/host/foreign.js';
import { interpretersInUse, libraryOf, readMaps } from '../../../activities/host/foreign-processes.js';
import type { ForeignRow } from '../../../activities/host/store-health.js';
import type { CheckPolicy } from '../../../policy/checks/model.js';
import type { Interpreter, Owner } from '../../../policy/model.js';
import { prepared } from '../../support/environments.js';
import { exception, byClock } from '../../support/exceptions.js';
import { healthRules, noon, NO_SUCH, watching } from '../../support/health.js';
import { someInterpreter, testHost, type TestHost } from '../../support/host.js';
import { until } from '../../support/processes.js';

const isRoot = process.getuid?.() === 0;
const nobody: Owner = { uid: 65534, gid: 65534, name: 'nobody' };
const never = new AbortController().signal;
let host: TestHost;
let old: Interpreter;
let newer: Interpreter;
/** One that a root agent may start as nobody, also as a copy. */
let anybodys: Interpreter;
const started: number[] = [];

before(async () => {
  host = testHost();
  [old, newer] = [await someInterpreter(host.ctx, '3.11'), await someInterpreter(host.ctx, '3.12')];
  anybodys = isRoot ? await someInterpreter(host.ctx, undefined, nobody) : newer;
});
after(() => {
  for (const pid of started) try { process.kill(-pid, 'SIGKILL'); } catch { /* gone */ }
  host.close();
});

const policyOf = (primary: string, fallback = NO_SUCH): CheckPolicy => healthRules(primary, fallback).policy;
const find = (policy: CheckPolicy, asked: ForeignRow['asked'] = {}): Promise<ForeignRow> => findForeign(host.ctx, policy, asked, never);

/** A process that is no child of this one, as a service is none of the agent; ends with the test's folder at the latest. */
async function service(file: string, owner?: Owner): Promise<number> {
  const note = join(host.folder, `pid-${process.hrtime.bigint()}`);
  writeFileSync(note, '');
  if (owner) chownSync(note, owner.uid, owner.gid);
  const text = `import os, time\nopen(${JSON.stringify(note)}, "w").write(str(os.getpid()))\nwhile os.path.exists(${JSON.stringify(note)}): time.sleep(0.2)`;
  spawn('/usr/bin/setsid', ['--fork', file, '-c', text], { stdio: 'ignore', env: {}, cwd: '/', ...(owner ? { uid: owner.uid, gid: owner.gid } : {}) });
  const pid = Number(await until('the service to begin', () => readFileSync(note, 'utf8') || null));
  assert.ok(pid > 1);
  started.push(pid);
  return pid;
}

test('PV-35: an interpreter in use that the policy does not approve, outside environments and by one, with its version and who uses it; approved ones are not told', async () => {
  const p = await prepared(host, { name: 'by-environment', files: { 'requirements.txt': '#\n' } });
  const file = copyOf(anybodys, join(host.folder, 'outside'));
  await service(file);
  await service(file);
  await service(join(p.project.env.link, 'bin/python'));
  const { found } = await find(policyOf(old.version, NO_SUCH));
  const foreign = found.find(({ path }) => path === file);
  assert.deepEqual([foreign!.version, foreign!.processes], [anybodys.version, 2]);
  assert.match(foreign!.why, /approved are .*; used by 2 processes outside managed environments \(.*outside\/python3\.\d+ -c\)$/);
  assert.equal(found.some(({ path }) => path === old.realpath), false, 'approved');

  const reversed = await find(policyOf(newer.version, anybodys.version));
  const own = reversed.found.find(({ path }) => path === old.realpath)!;
  assert.deepEqual([own.version, own.processes >= 1], [old.version, true]);
  assert.match(own.why, /; used by .*by-environment\/\.venv/);
  assert.equal(reversed.found.some(({ path }) => path === file), false);

  const behind = await findForeign(host.ctx, { ...policyOf(newer.version, anybodys.version), minPatch: { [lineOf(anybodys)]: 99 } }, {}, never);
  assert.match(behind.found.find(({ path }) => path === file)!.why, /older than 3\.\d+\.99/);
});

test('PV-35: what a granted exception allows its environment is none, until it ends or runs elsewhere, too', async () => {
  const clock = { now: noon() };
  const ctx = byClock(host, clock);
  const p = await exception(host, ctx, new Date(clock.now + 3_600_000).toISOString(), { name: 'allowed', start: 'missing', files: { 'requirements.txt': '#\n' } });
  const links = (row: ForeignRow): boolean => row.found.some(({ why }) => why.includes(p.project.env.link));
  const others = watching(host, clock).ctx;
  const policy = policyOf(old.version);
  const allowed = await findForeign(others, policy, {}, never);
  // Others on this machine may run the same interpreter.
  const isElsewhere = allowed.found.some(({ path, why }) => path === newer.realpath && why.includes('outside managed'));
  assert.equal(links(allowed), isElsewhere, JSON.stringify(allowed.found));
  clock.now += 3_600_000;
  assert.equal(links(await findForeign(others, policy, {}, never)), true);
});

const lineOf = ({ version }: Interpreter): string => version.split('.').slice(0, 2).join('.');

/** A copy of an interpreter that can stand anywhere: a wrapper script's process would be the shell. */
function copyOf(python: Interpreter, folder: string, owner?: Owner): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `python${lineOf(python)}`);
  copyFileSync(python.realpath, file);
  chmodSync(file, 0o755);
  if (owner) for (const path of [folder, file]) chownSync(path, owner.uid, owner.gid);
  return file;
}

test('PV-35: each executable is asked once, as long as its file is the same; one that was replaced under a process is told and not started', async () => {
  const file = copyOf(anybodys, join(host.folder, 'copies'));
  await service(file);
  const policy = policyOf(old.version);
  const first = await find(policy);
  assert.equal(first.asked[file]?.implementation, 'CPython');
  const marked = { ...first.asked, [file]: { ...first.asked[file]!, version: '3.5.1' } };
  const again = await find(policy, marked);
  assert.equal(again.found.find(({ path }) => path === file)!.version, '3.5.1', 'the answer was kept');
  const other = `${file}.new`;
  copyFileSync(file, other);
  chmodSync(other, 0o755);
  renameSync(other, file);
  const replaced = (await find(policy, marked)).found.find(({ path }) => path === file)!;
  assert.equal(replaced.version, null);
  assert.match(replaced.why, /^not asked for its version: it was removed or replaced/);
});

test('PV-35: what another user could replace is not started by an agent of other rights, and by root only as that user', { skip: isRoot ? false : 'needs root' }, async () => {
  const theirs = await someInterpreter(host.ctx, undefined, nobody);
  const own = copyOf(theirs, join(host.folder, 'theirs'), nobody);
  assert.equal(whyNotAsk(own), null);
  assert.equal(whyNotAsk(own, { uid: 1000, gid: 1000, name: 'agent' }), 'it belongs to another user, and the agent does not run as root');
  assert.equal(whyNotAsk(own, nobody), null);
  chmodSync(own, 0o777);
  assert.match(whyNotAsk(own)!, /theirs\/python3\.\d+ can be written by others$/);
  chmodSync(own, 0o755);
  chownSync(own, 1000, 1000);
  assert.equal(whyNotAsk(own), 'several users could put another file there');
  chownSync(own, 65534, 65534);
  assert.match(whyNotAsk(join(host.folder, 'nothing'))!, /^it can't be looked at: ENOENT$/);

  await service(own, nobody);
  const told = (await find(policyOf(NO_SUCH))).found.find(({ path }) => path === own)!;
  assert.deepEqual([told.version, told.processes], [theirs.version, 1]);
});

test('PV-35: a root agent starts what is all root\'s as nobody, and says where nobody may not; one it has probed to build from is not started again', { skip: isRoot ? false : 'needs root' }, async () => {
  const folder = join(host.folder, 'roots');
  const file = copyOf(anybodys, folder);
  await service(file);
  const open = await find(policyOf(NO_SUCH));
  assert.equal(open.found.find(({ path }) => path === file)!.version, anybodys.version);
  chmodSync(folder, 0o700);
  const closed = (await find(policyOf(NO_SUCH))).found.find(({ path }) => path === file)!;
  assert.equal(closed.version, null, 'not started as root');
  assert.match(closed.why, /^not asked for its version: it gave no answer to user nobody, as whom it was started; used by 1 process/);
  const known = await find(policyOf(NO_SUCH), { [old.realpath]: { stamp: 'another', version: null, implementation: '' } });
  assert.equal(known.asked[old.realpath]?.version, old.version);
});

test('PV-35: Python as a library is found by the name of the mapped file alone, whatever any user writes into the lines', () => {
  const line = (path: string): string => `7f0000000000-7f0000001000 r-xp 00000000 fd:01 1234                       ${path}\n`;
  const version = (text: string): string | null => libraryOf(text)?.library ?? null;
  assert.deepEqual(libraryOf(line('/bin/cat') + line('/opt/a b/libpython3.9.so.1.0') + line('/x')), { path: '/opt/a b/libpython3.9.so.1.0', problem: 'it is a library inside another program', library: '3.9' });
  assert.equal(version(line('/usr/lib/libpython3.13td.so (deleted)')), '3.13');
  for (const other of ['/srv/libpython3.9.so/tool', '/srv/libpython3.9.so.txt', '/srv/my-libpython3.9.so', '/usr/lib/libpython3.so', '[anon:/x/libpython3.9.so]']) assert.equal(version(line(other)), null, other);
  const hostile = [line('/libpython'.repeat(400_000)), line(`${'/'.repeat(2_000_000)}libpython`), line(`/libpython3.${'9'.repeat(2_000_000)}`), line('/a/libpython3.9.soX').repeat(40_000)];
  const began = process.cpuUsage();
  assert.equal(version(hostile.join('') + line('/usr/lib/libpython3.8.so.1.0')), '3.8');
  // Quadratic work on these would take minutes.
  const { user, system } = process.cpuUsage(began);
  assert.ok(user + system < 5_000_000, `${(user + system) / 1e6} s of processor`);
});

test('PV-35: what a process has mapped is read up to 4 MiB of whole lines, and other work goes on between two processes', async () => {
  const maps = join(host.folder, 'maps');
  const line = `${'x'.repeat(99)}\n`;
  writeFileSync(maps, line.repeat(41_000));
  assert.deepEqual(readMaps(maps), { text: line.repeat(41_000), isWhole: true });
  writeFileSync(maps, line.repeat(50_000));
  const cut = readMaps(maps)!;
  assert.deepEqual([cut.isWhole, cut.text.length, cut.text.endsWith('\n')], [false, Math.floor((4 * 1024 * 1024) / 100) * 100, true]);
  assert.deepEqual(readMaps(join(host.folder, 'no-such-maps')), { text: '', isWhole: true });
  assert.equal(readMaps('/proc/self/maps')!.isWhole, true);
  let turns = 0;
  let isOver = false;
  const count = (): void => void (isOver || ((turns += 1), setImmediate(count)));
  setImmediate(count);
  await interpretersInUse(host.ctx, never);
  isOver = true;
  assert.ok(turns >= 5, `${turns} turns`);
  const canceled = AbortSignal.abort(new Error('the agent stops'));
  await assert.rejects(interpretersInUse(host.ctx, canceled), /the agent stops/);
});

test('PV-35: processes that can\'t be inspected are counted and told', { skip: isRoot ? false : 'needs root' }, async (t) => {
  const text = `
    const { findForeign } = await import(${JSON.stringify(new URL('../../../activities/host/foreign.js', import.meta.url).href)});
    const ctx = { host: 'h', agentFile: { environments: [] }, now: () => new Date(), store: { leases: { all: () => [] }, fence: { groups: () => [] } } };
    const { found } = await findForeign(ctx, ${JSON.stringify(policyOf(old.version))}, {}, new AbortController().signal);
    process.stdout.write(JSON.stringify(found));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', text], { stdio: ['ignore', 'pipe', 'inherit'], uid: nobody.uid, gid: nobody.gid, cwd: '/' });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0) return t.skip('the build is in a folder that this user can\'t read');
  const found = JSON.parse(Buffer.concat(chunks).toString()) as ForeignRow['found'];
  const hidden = found.find(({ path }) => path === '')!;
  assert.ok(hidden.processes >= 1);
  assert.match(hidden.why, /^\d+ process(es)? could not be inspected by the agent's user/);
});

test('PV-35: of more than a report has room for, root\'s and those with a version come first, and the others are counted', () => {
  const fakes = Array.from({ length: 60 }, (_, at) => ({ rank: 3, path: `/tmp/${at}/python3`, version: null, processes: 2, why: 'not asked' }));
  const real = { path: '/usr/bin/python3.9', version: '3.9.1', processes: 1, why: 'not approved' };
  const told = tell([...fakes, { ...real, rank: 0 }]);
  assert.deepEqual(told[0], real);
  assert.deepEqual([told.length, told.at(-1)!.path, told.at(-1)!.processes], [51, '', 22]);
  assert.match(told.at(-1)!.why, /^11 more that the policy does not approve/);
  assert.equal(tell(fakes.slice(0, 50)).some(({ path }) => path === ''), false);
});
