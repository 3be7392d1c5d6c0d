/** What is written beside the trees for people and programs, in step with what stands there. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { armUndo } from '../../../activities/host/arm.js';
import { closeChange } from '../../../activities/host/close.js';
import type { HostContext } from '../../../activities/host/context.js';
import { expireDue } from '../../../activities/host/expiry.js';
import { readLink } from '../../../activities/host/paths.js';
import { makePermanent } from '../../../activities/host/permanent.js';
import { writeMissingStates } from '../../../activities/host/readme.js';
import { switchLink } from '../../../activities/host/switch.js';
import { undo } from '../../../activities/host/undo.js';
import { ordersOf, prepared, type Prepared } from '../../support/environments.js';
import { chainOf, exception, inSeconds } from '../../support/exceptions.js';
import { testHost, testScope, type TestHost } from '../../support/host.js';

let host: TestHost;
let ctx: HostContext;
const clock = { now: Date.now() };
before(() => {
  host = testHost();
  ctx = host.ctx;
  ctx.now = () => new Date(clock.now);
});
after(() => host.close());

const fileOf = (p: Prepared): string => join(p.project.venvs, 'state.json');
const stateOf = (p: Prepared): unknown => JSON.parse(readFileSync(fileOf(p), 'utf8'));
const only = (entry: object): unknown => ({ version: 1, environments: { '.venv': entry } });

async function switched(p: Prepared): Promise<void> {
  await armUndo(ctx, testScope(), p.order('arm'), p.plan);
  await switchLink(ctx, testScope(), p.order('switch'), { plan: p.plan, tree: p.next });
}

test('PV-19: state.json names the tree before the link leads to it, and after close says the same', async (t) => {
  const p = await prepared(host, { name: 'change' });
  const at: unknown[] = [];
  t.after(() => host.barriers.clear());
  host.barriers.set('switch:turning', () => void at.push(stateOf(p)));
  await switched(p);
  assert.deepEqual(at, [only({ tree: 'ch-change-1', run: 'ch-change', end: null })]);
  rmSync(fileOf(p));
  await closeChange(ctx, testScope(), p.order('close'), { keepPin: false });
  assert.deepEqual(stateOf(p), at[0]);
  assert.equal(statSync(fileOf(p)).mode & 0o777, 0o644, 'every service may read it');
  assert.match(readFileSync(join(p.project.venvs, 'README'), 'utf8'), /state\.json says for programs/);
});

test('EE-09: an end is in state.json from the switch on, gone once the host went back', async () => {
  const end = inSeconds(clock, 3600);
  const p = await exception(host, ctx, end, { name: 'ends', until: 'switched' });
  assert.deepEqual(stateOf(p), only({ tree: 'ex-ends-1', run: 'ex-ends', end }));
  await closeChange(ctx, testScope(), p.order('close'), { keepPin: false });
  assert.deepEqual(stateOf(p), only({ tree: 'ex-ends-1', run: 'ex-ends', end }));
  clock.now += 3_600_000;
  assert.equal((await expireDue(ctx, new AbortController().signal))[0]?.outcome, 'restored');
  assert.deepEqual(stateOf(p), only({ tree: 'old-1', run: null, end: null }));
});

test('EE-08: what was made permanent has no end there', async () => {
  const p = await exception(host, ctx, inSeconds(clock, 3600), { name: 'stays' });
  const orders = await ordersOf(host, p.project, 'ex-review', 'undo');
  assert.equal((await makePermanent(ctx, testScope(), orders('make permanent'), { chain: chainOf(p), warrant: null })).ok, true);
  assert.deepEqual(stateOf(p), only({ tree: 'ex-stays-1', run: 'ex-stays', end: null }));
});

test('after an undo it names the tree that was returned to; a neighbour keeps its own entry', async () => {
  const p = await prepared(host, { name: 'both' });
  symlinkSync('.venvs/old-1', join(p.project.path, '.venv-jobs'));
  await switched(p);
  assert.deepEqual(stateOf(p), { version: 1, environments: { '.venv': { tree: 'ch-both-1', run: 'ch-both', end: null }, '.venv-jobs': { tree: 'old-1', run: null, end: null } } });
  const back = await ordersOf(host, p.project, 'rb-both', 'undo');
  assert.equal((await undo(ctx, testScope(), back('undo'), { chain: null })).verified, true);
  await closeChange(ctx, testScope(), back('close'), { keepPin: false });
  assert.deepEqual(stateOf(p), { version: 1, environments: { '.venv': { tree: 'old-1', run: null, end: null }, '.venv-jobs': { tree: 'old-1', run: null, end: null } } });
});

test('another link of the project, into a folder that its owner may not enter, hinders nothing', { skip: process.getuid!() !== 0 && 'needs root' }, async () => {
  const p = await prepared(host, { name: 'closed', owner: { uid: 65534, gid: 65534, name: 'nobody' }, lines: ['3.11', '3.11'] });
  const closed = join(host.folder, 'closed');
  mkdirSync(closed, { mode: 0o700 });
  symlinkSync(join(closed, 'env'), join(p.project.path, '.env'));
  await switched(p);
  assert.deepEqual(stateOf(p), only({ tree: 'ch-closed-1', run: 'ch-closed', end: null }));
});

test('a switch that can not say what will stand there turns nothing', async () => {
  const p = await prepared(host, { name: 'full' });
  await armUndo(ctx, testScope(), p.order('arm'), p.plan);
  // A folder in its place: no rename replaces it.
  mkdirSync(fileOf(p));
  const order = p.order('switch');
  await assert.rejects(switchLink(ctx, testScope(), order, { plan: p.plan, tree: p.next }), /EISDIR|directory/i);
  assert.equal(readLink(p.place).treeId, 'old-1');
  rmSync(fileOf(p), { recursive: true });
  await switchLink(ctx, testScope(2), order, { plan: p.plan, tree: p.next });
  assert.equal(readLink(p.place).treeId, p.next);
});

test('a project that an earlier version changed gets its state.json when the agent starts; one that has it keeps it', async () => {
  const p = await exception(host, ctx, inSeconds(clock, 60), { name: 'earlier' });
  const before = stateOf(p);
  rmSync(fileOf(p));
  writeMissingStates(ctx);
  assert.deepEqual(stateOf(p), before);
  writeFileSync(fileOf(p), 'kept');
  writeMissingStates(ctx);
  assert.equal(readFileSync(fileOf(p), 'utf8'), 'kept');
  rmSync(p.project.path, { recursive: true });
  writeMissingStates(ctx);
  assert.equal(existsSync(p.project.path), false);
});
