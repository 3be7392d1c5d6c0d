import assert from 'node:assert/strict';
import { readFileSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { closeChange } from '../../../activities/host/close.js';
import type { HostContext } from '../../../activities/host/context.js';
import { expireDue } from '../../../activities/host/expiry.js';
import { makePermanent } from '../../../activities/host/permanent.js';
import { undo } from '../../../activities/host/undo.js';
import { answers, ordersOf } from '../../support/environments.js';
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

const expire = () => expireDue(ctx, new AbortController().signal);

test('EE-08: an exception that its final review approved has no end any more, and is undone like any other change', async () => {
  const p = await exception(host, ctx, inSeconds(clock, 3600), { name: 'stays' });
  const orders = await ordersOf(host, p.project, 'ex-review', 'undo');
  const order = orders('make permanent');
  const made = await makePermanent(ctx, testScope(), order, { chain: chainOf(p), warrant: null });
  assert.deepEqual([made.ok, made.problem], [true, '']);
  assert.deepEqual(await makePermanent(ctx, testScope(2), order, { chain: chainOf(p), warrant: null }), made, 'given again it is answered');
  await closeChange(ctx, testScope(), orders('close'), { keepPin: false });
  const row = ctx.store.armed.get(chainOf(p));
  assert.deepEqual([row?.end, row?.keepPin, ctx.store.armed.pinned(p.place.link)], [null, false, []]);
  assert.doesNotMatch(readFileSync(join(p.project.venvs, 'README'), 'utf8'), /ends:/);
  clock.now += 3_600_000;
  assert.deepEqual(await expire(), []);
  assert.match(answers(p.project), /^3\.12\./);
  const back = await ordersOf(host, p.project, 'rb-stays', 'undo');
  assert.equal((await undo(ctx, testScope(), back('undo'), { chain: null })).verified, true);
  assert.match(answers(p.project), /^3\.11\./);
});

test('invariant 7: after its end nothing makes it permanent, also when the end comes while it is judged', async (t) => {
  const p = await exception(host, ctx, inSeconds(clock, 60), { name: 'over' });
  const orders = await ordersOf(host, p.project, 'ex-over-review', 'undo');
  t.after(() => host.barriers.clear());
  host.barriers.set('make permanent:judged', () => void (clock.now += 60_000));
  const [first, second] = [orders('make permanent'), orders('make permanent')];
  const during = await makePermanent(ctx, testScope(), first, { chain: chainOf(p), warrant: null });
  assert.equal(during.ok, false);
  assert.match(during.problem, /expected it before .*, when ex-over ended, got it later; the host goes back by itself/);
  host.barriers.clear();
  assert.equal((await makePermanent(ctx, testScope(), second, { chain: chainOf(p), warrant: null })).ok, false);
  assert.equal((await expire())[0]?.outcome, 'restored');
  await assert.rejects(makePermanent(ctx, testScope(), second, { chain: chainOf(p), warrant: null }), { type: 'Fenced' });
});

test('a chain that is not the standing change, or is not known here: refused in words', async () => {
  const p = await exception(host, ctx, inSeconds(clock, 3600), { name: 'moved' });
  const orders = await ordersOf(host, p.project, 'ex-moved-review', 'undo');
  const unknown = await makePermanent(ctx, testScope(), orders('make permanent'), { chain: 'nosuch', warrant: null });
  assert.deepEqual([unknown.ok, /a change of this run that stands here, got none/.test(unknown.problem)], [false, true]);
  unlinkSync(p.project.env.link);
  symlinkSync(`.venvs/${p.old}`, p.project.env.link);
  const moved = await makePermanent(ctx, testScope(), orders('make permanent'), { chain: chainOf(p), warrant: null });
  assert.equal(moved.ok, false);
  assert.match(moved.problem, /where ex-moved set it, got a link to \.venvs\/old-1/);
  assert.notEqual(ctx.store.armed.get(chainOf(p))?.end, null);
});

test('invariant 6: with trust: signatures a review without signatures takes no end away', async (t) => {
  const p = await exception(host, ctx, inSeconds(clock, 3600), { name: 'signed' });
  const orders = await ordersOf(host, p.project, 'ex-signed-review', 'undo');
  ctx.agentFile.trust = 'signatures';
  t.after(() => void (ctx.agentFile.trust = 'server'));
  await assert.rejects(makePermanent(ctx, testScope(), orders('make permanent'), { chain: chainOf(p), warrant: null }), { type: 'NotApproved' });
  assert.notEqual(ctx.store.armed.get(chainOf(p))?.end, null);
});
