import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { armUndo } from '../../../activities/host/arm.js';
import { closeChange, prune } from '../../../activities/host/close.js';
import { configure } from '../../../activities/host/configure.js';
import type { HostContext } from '../../../activities/host/context.js';
import { dueChanges } from '../../../activities/host/ends.js';
import { expireDue } from '../../../activities/host/expiry.js';
import { acquireLease, holderEnded } from '../../../activities/host/lease.js';
import { undoLocally } from '../../../activities/host/local-undo.js';
import { perform } from '../../../activities/host/order.js';
import { readLink } from '../../../activities/host/paths.js';
import { settleRiders } from '../../../activities/host/riders.js';
import type { EndRecord } from '../../../activities/host/store-ends.js';
import { switchLink } from '../../../activities/host/switch.js';
import { undo } from '../../../activities/host/undo.js';
import { nextEvent } from '../../../activities/host/watch.js';
import { answers, ordersOf, prepared, type Prepared } from '../../support/environments.js';
import { byClock, chainOf, exception, inSeconds, type TestClock } from '../../support/exceptions.js';
import { testHost, testScope, type TestHost } from '../../support/host.js';
import { until } from '../../support/processes.js';

let host: TestHost;
let ctx: HostContext;
const clock: TestClock = { now: Date.parse('2026-03-02T10:00:00.000Z') };
before(() => {
  host = testHost();
  ctx = host.ctx;
  ctx.now = () => new Date(clock.now);
});
after(() => host.close());

const expire = (): Promise<EndRecord[]> => expireDue(ctx, new AbortController().signal);
const row = (p: Prepared) => ctx.store.armed.get(chainOf(p));
const undoOrder = async (p: Prepared, order = p.order('undo')) => undo(ctx, testScope(), order, { chain: chainOf(p) });
const isPinned = (p: Prepared): boolean => ctx.store.armed.pinned(p.place.link).some(({ chain }) => chain === chainOf(p));

test('invariant 7, EE-09: a finished change keeps its end and its pin; nothing before the end, the way back at it: verified, journalled, lease free, unpinned', async () => {
  const end = inSeconds(clock, 3600);
  const p = await exception(host, ctx, end, { name: 'ends', files: { 'app.cfg': 'python_version=3.11\n' } });
  assert.deepEqual([row(p)?.end, row(p)?.keepPin, isPinned(p), ctx.store.leases.get(p.place.link).state], [end, true, true, 'free']);
  const readme = () => readFileSync(join(p.project.venvs, 'README'), 'utf8');
  assert.match(readme(), new RegExp(`ends: {5}${end}: the host then goes back by itself, whatever became of ex-ends`));
  clock.now += 3_599_000;
  assert.deepEqual([dueChanges(ctx), await expire()], [[], []]);
  assert.match(answers(p.project), /^3\.12\./);

  clock.now += 1_000;
  const [record] = await expire();
  assert.deepEqual([record?.outcome, record?.run, record?.end, record?.problem], ['restored', 'ex-ends', end, '']);
  assert.match(answers(p.project), /^3\.11\./);
  const { state, holder } = ctx.store.leases.get(p.place.link);
  assert.deepEqual([state, holder, row(p)?.undone, isPinned(p), dueChanges(ctx)], ['free', null, true, false, []]);
  assert.doesNotMatch(readme(), /ends:/);
  const said = ctx.store.journal.entries(p.place.link).find((entry) => (entry.body as { undo?: unknown } | null)?.undo === 'end');
  assert.deepEqual(said?.body, { undo: 'end', of: 'ex-ends', end, try: 1, takenFrom: null });
  assert.equal(ctx.store.journal.verify().ok, true);
  assert.deepEqual(await expire(), [], 'once');
});

test('invariant 7: the workflow\'s own undo after the host\'s answers restored, verified, and that the host did it; its close too', async () => {
  const p = await exception(host, ctx, inSeconds(clock, 60), { name: 'after', until: 'switched' });
  const [undoOfRun, close] = [p.order('undo'), p.order('close')];
  clock.now += 60_000;
  await expire();
  const at = ctx.store.ends.record(chainOf(p))!.doneAt!;
  const starts = ctx.store.journal.entries(p.place.link).length;
  const undone = await undoOrder(p, undoOfRun);
  assert.deepEqual([undone.outcome, undone.verified, undone.problem], ['restored', true, `the host went back by itself, at ${at}`]);
  assert.match(undone.version!, /^3\.11\./);
  assert.match(undone.from!, /^3\.12\./);
  // Of another run, as the exception's own is: the same, with the lease and without.
  const other = await ordersOf(host, p.project, 'rb-after', 'expiry');
  assert.equal((await undoOrder(p, other('undo'))).verified, true);
  await closeChange(ctx, testScope(), other('close'), { keepPin: false });
  assert.deepEqual([(await undoOrder(p, undoOfRun)).verified, (await closeChange(ctx, testScope(), close, { keepPin: false })).pruned], [true, []]);
  assert.equal(ctx.store.journal.entries(p.place.link).slice(starts).filter(({ op }) => op.startsWith(chainOf(p))).length, 0, 'nothing was done again');
});

test('invariant 7: the workflow\'s undo before the end is the undo: the host does nothing more', async () => {
  const p = await exception(host, ctx, inSeconds(clock, 60), { name: 'before' });
  const orders = await ordersOf(host, p.project, 'rb-before', 'expiry');
  assert.equal((await undoOrder(p, orders('undo'))).verified, true);
  clock.now += 60_000;
  assert.deepEqual([await expire(), ctx.store.ends.record(chainOf(p))], [[], undefined]);
});

test('invariant 7: at the end the lease of a forward run is taken, its orders are refused in words, and its way back is answered', async () => {
  const p = await exception(host, ctx, inSeconds(clock, 60), { name: 'held', until: 'switched', onSwitch: 'tolerate' });
  const restart = p.order('restart');
  clock.now += 60_000;
  const settle = () => settleRiders(ctx, testScope(), restart, { plan: p.plan, leftTree: p.old, nowTree: p.next });
  // Before the host has begun: nothing else is done on this environment first.
  await assert.rejects(settle(), { type: 'HostRefused', message: /when ex-held ended, got one after it; the host goes back from it by itself, before any other order/ });
  await expire();
  await assert.rejects(settle(), { type: 'HostRefused', message: /when ex-held ended, got one after it; the host went back by itself/ });
  assert.equal((await undoOrder(p)).verified, true);
  assert.deepEqual((await closeChange(ctx, testScope(), p.order('close'), { keepPin: false })).pruned, []);
  assert.match(answers(p.project), /^3\.11\./);
});

test('invariant 7: an order in flight at the end is fenced off, and the environment goes back', async (t) => {
  const p = await exception(host, ctx, inSeconds(clock, 60), { name: 'inflight', until: 'switched' });
  let release!: () => void;
  const held = new Promise<void>((resolve) => (release = resolve));
  // The order is waited for by a timer that keeps no process alive.
  const alive = setInterval(() => undefined, 1_000);
  t.after(() => clearInterval(alive));
  let isIn = false;
  const inFlight = perform(ctx, testScope(), p.order('restart'), { intent: null, holds: () => false, act: async (guard) => {
    isIn = true;
    await held;
    guard.commit(() => assert.fail('acted after its end'));
  } });
  const refused = assert.rejects(inFlight, { type: 'HostRefused', message: /the host went back by itself/ });
  await until('the order to be under way', () => isIn);
  clock.now += 60_000;
  const [record] = await expire();
  release();
  await refused;
  assert.equal(record?.outcome, 'restored');
});

test('invariant 7: a change whose end came before its switch: arm, prepare, switch refused in words; undo and close are not', async () => {
  const p = await exception(host, ctx, inSeconds(clock, 60), { name: 'late', until: 'armed' });
  clock.now += 60_000;
  assert.deepEqual(await expire(), []);
  await assert.rejects(switchLink(ctx, testScope(), p.order('switch'), { plan: p.plan, tree: p.next }), { type: 'HostRefused', message: /when ex-late ended.*nothing more is done for it; a new change needs a new decision/ });
  await assert.rejects(perform(ctx, testScope(), p.order('prepare'), { intent: null, holds: () => false, act: async () => assert.fail('built') }), { type: 'HostRefused' });
  const undone = await undoOrder(p);
  assert.deepEqual([undone.outcome, undone.verified], ['nothing-to-undo', true]);
  await closeChange(ctx, testScope(), p.order('close'), { keepPin: false });
  assert.deepEqual([row(p), ctx.store.armed.pinned(p.place.link), ctx.store.leases.get(p.place.link).state], [undefined, [], 'free']);

  const q = await prepared(host, { name: 'too-late' });
  for (const end of [inSeconds(clock, 0), inSeconds(clock, -5), 'tomorrow']) {
    await assert.rejects(armUndo(ctx, testScope(), q.order('arm'), q.plan, { end }), { type: 'HostRefused', message: /expected an instant after .* by this host's clock/ });
  }
  assert.equal(row(q), undefined);
});

test('invariant 7: a switch that began before the end and gets to the rename after it does not turn the link', async (t) => {
  const p = await exception(host, ctx, inSeconds(clock, 60), { name: 'racing', until: 'armed' });
  host.barriers.set('switch:adopted', () => void (clock.now += 60_000));
  t.after(() => host.barriers.clear());
  await assert.rejects(switchLink(ctx, testScope(), p.order('switch'), { plan: p.plan, tree: p.next }), { type: 'HostRefused', message: /when ex-racing ended/ });
  assert.equal(readLink(p.place).treeId, p.old);
});

test('no second change is armed over one that ends by itself; undo may, and after it a change may', async () => {
  const p = await exception(host, ctx, inSeconds(clock, 3600), { name: 'stacked' });
  const plan = { ...p.plan, digest: '2'.repeat(64), undoTarget: p.next, present: { ...p.plan.present!, id: p.next } };
  const second = await ordersOf(host, p.project, 'ch-second', 'forward');
  await assert.rejects(armUndo(ctx, testScope(), second('arm'), plan), { type: 'HostRefused', message: new RegExp(`does not end by itself, got what ex-stacked made, until ${row(p)!.end}; runbook undo`) });
  await closeChange(ctx, testScope(), second('close'), { keepPin: false });
  assert.deepEqual([isPinned(p), row(p)?.switched], [true, true], 'another run\'s close leaves it armed');
  const back = await ordersOf(host, p.project, 'rb-stacked', 'undo');
  assert.equal((await undo(ctx, testScope(), back('undo'), { chain: null })).verified, true);
  await closeChange(ctx, testScope(), back('close'), { keepPin: false });
  const third = await ordersOf(host, p.project, 'ch-third', 'forward');
  assert.equal((await armUndo(ctx, testScope(), third('arm'), p.plan)).end, undefined);
});

test('invariant 7: a clock that is set back prolongs nothing; one that is set forward ends it', async () => {
  const p = await exception(host, ctx, inSeconds(clock, 3600), { name: 'clock' });
  clock.now += 3_598_000;
  assert.deepEqual(await expire(), []);
  clock.now -= 36_000_000;
  assert.deepEqual(await expire(), []);
  // The kernel's own clock goes on: two seconds later it is over, ten hours before the clock would say so.
  const record = await until('the end', async () => (await expire())[0]);
  assert.deepEqual([record.run, record.outcome], ['ex-clock', 'restored']);
  clock.now += 36_000_000;
  const q = await exception(host, ctx, inSeconds(clock, 72 * 3600), { name: 'forward' });
  clock.now += 72 * 3_600_000;
  assert.equal((await expire())[0]?.run, 'ex-forward');
  assert.match(answers(q.project), /^3\.11\./);
  assert.match(answers(p.project), /^3\.11\./);
});

test('invariant 7: an undo target that is damaged at the end: not verified, told, unsettled, tried again until it is', async () => {
  const p = await exception(host, ctx, inSeconds(clock, 60), { name: 'damaged' });
  const watch = byClock(host, clock);
  let { cursor } = await nextEvent(watch, testScope(), { cursor: 0 });
  const tree = join(p.project.venvs, p.old);
  chmodSync(tree, 0o755);
  writeFileSync(join(tree, 'injected.pth'), 'import os\n');
  clock.now += 60_000;
  const [first] = await expire();
  assert.deepEqual([first?.outcome, first?.tries], [null, 1]);
  assert.match(first!.problem, /expected manifest [0-9a-f]{12}, as armed/);
  assert.match(answers(p.project), /^3\.11\./, 'it is back, and not verified');
  assert.equal(ctx.store.leases.get(p.place.link).state, 'unsettled');
  await assert.rejects(acquireLease(ctx, testScope(), { env: p.project.env, holder: { workflowId: 'w', chain: 'c', run: 'ch-x' }, priority: 'forward' }), { type: 'HostRefused', message: /ex-damaged, which ended at .*: the host goes back by itself, and its last try was not verified/ });
  const expired = async () => {
    for (;;) {
      const event = await nextEvent(watch, testScope(), { cursor });
      cursor = event.cursor;
      const found = event.expired?.find((one) => one.run === 'ex-damaged');
      if (found) return found;
    }
  };
  const told = await expired();
  assert.deepEqual([told.verified, told.chain, told.end], [false, chainOf(p), first!.end]);
  assert.match(told.problem, /as armed/);
  assert.deepEqual(await expire(), [], 'not again before its pause is over');
  const again = await until('a second try', async () => (await expire())[0]);
  assert.deepEqual([again.outcome, again.tries], [null, 2]);
  // Meanwhile a run's undo is told how it stands, without a fight over the lease.
  const asked = await undoOrder(p);
  assert.deepEqual([asked.outcome, asked.verified], ['restored', false]);
  assert.match(asked.problem, /^the host is going back by itself since .* tries until it is verified; .*as armed/);

  unlinkSync(join(tree, 'injected.pth'));
  chmodSync(tree, 0o555);
  const last = await until('the verified one', async () => (await expire())[0]);
  assert.deepEqual([last.outcome, last.problem, ctx.store.leases.get(p.place.link).state], ['restored', '', 'free']);
  assert.equal((await expired()).verified, true);
});

test('a person\'s undo of what the host could not verify settles it, and the record says by whom', async () => {
  const p = await exception(host, ctx, inSeconds(clock, 60), { name: 'byhand' });
  const tree = join(p.project.venvs, p.old);
  chmodSync(tree, 0o755);
  mkdirSync(join(tree, 'more'));
  clock.now += 60_000;
  writeFileSync(join(tree, 'more/x'), '');
  assert.equal((await expire())[0]?.outcome, null);
  unlinkSync(join(tree, 'more/x'));
  rmdirSync(join(tree, 'more'));
  chmodSync(tree, 0o555);
  assert.equal((await undoLocally(ctx, p.project.env.link, 'repaired', 'operator')).verified, true);
  const record = ctx.store.ends.record(chainOf(p))!;
  assert.equal(record.outcome, 'restored');
  assert.match(record.problem, /^by local-/);
  assert.deepEqual(dueChanges(ctx), []);
});

test('invariant 7: superseded by hands: told once and left alone; due again when the link leads there again', async () => {
  const p = await exception(host, ctx, inSeconds(clock, 60), { name: 'hands' });
  unlinkSync(p.project.env.link);
  symlinkSync('/usr', p.project.env.link);
  clock.now += 60_000;
  const [record] = await expire();
  assert.deepEqual([record?.outcome, readLink(p.place).target, ctx.store.leases.get(p.place.link).state], ['superseded', '/usr', 'free']);
  assert.deepEqual([dueChanges(ctx), await expire()], [[], []]);
  const asked = await undoOrder(p);
  assert.deepEqual([asked.outcome, asked.verified], ['superseded', false]);
  unlinkSync(p.project.env.link);
  symlinkSync(`.venvs/${p.next}`, p.project.env.link);
  assert.equal((await expire())[0]?.outcome, 'restored');
  assert.equal(readLink(p.place).treeId, p.old);
});

test('invariant 7: edits go back with it, a run that was terminated half-way has left nothing that keeps it, and two agents do it once', async () => {
  const p = await exception(host, ctx, inSeconds(clock, 60), { name: 'terminated', until: 'switched', files: { 'app.cfg': 'python_version=3.11\n' } });
  await configure(ctx, testScope(), p.order('configure'), [{ path: 'app.cfg', format: 'keyvalue', set: { python_version: '3.12' } }]);
  assert.deepEqual(await holderEnded(ctx, testScope(), { env: p.project.env, chain: chainOf(p) }), { result: 'unsettled' });
  clock.now += 60_000;
  const other = byClock(host, clock);
  const both = (await Promise.all([expire(), expireDue(other, new AbortController().signal)])).flat();
  assert.deepEqual(both.map(({ outcome }) => outcome), ['restored'], 'told by whoever did it');
  const taken = ctx.store.journal.entries(p.place.link).filter((entry) => (entry.body as { undo?: unknown } | null)?.undo === 'end');
  assert.equal(taken.length, 1);
  assert.equal(readFileSync(join(p.project.path, 'app.cfg'), 'utf8'), 'python_version=3.11\n');
  assert.equal(ctx.store.leases.get(p.place.link).state, 'free');
});

test('invariant 7: what waits for the environment at the end is told for whom, and has it afterwards; Temporal that knows no such run takes nothing from the host', async (t) => {
  const p = await exception(host, ctx, inSeconds(clock, 60), { name: 'waits' });
  clock.now += 60_000;
  const ask = { env: p.project.env, holder: { workflowId: 'w', chain: 'chain-waits', run: 'ch-waits' }, priority: 'forward' as const };
  await assert.rejects(acquireLease(ctx, testScope(), ask), (error: { type: string; details: { holder: { run: string; workflowId: string } }[] }) => {
    assert.deepEqual([error.type, error.details[0]!.holder.run, error.details[0]!.holder.workflowId], ['LeaseBusy', 'ex-waits', 'expiry/ex-waits']);
    return true;
  });
  t.after(() => host.barriers.clear());
  let asked: unknown;
  host.barriers.set('expire:acted', async () => {
    asked = await holderEnded(ctx, testScope(), { env: p.project.env, chain: `expiry-${chainOf(p)}` });
  });
  assert.equal((await expire())[0]?.outcome, 'restored');
  assert.deepEqual(asked, { result: 'not-holder' });
  assert.ok((await acquireLease(ctx, testScope(), ask)).epoch > 0);
});

test('invariant 7: a run\'s undo that is under way at the end is left to finish', async (t) => {
  const p = await exception(host, ctx, inSeconds(clock, 60), { name: 'underway' });
  const orders = await ordersOf(host, p.project, 'rb-underway', 'undo');
  t.after(() => host.barriers.clear());
  const atTheEnd: EndRecord[][] = [];
  host.barriers.set('undo:acted', async () => {
    clock.now += 60_000;
    atTheEnd.push(await expire());
  });
  const undone = await undoOrder(p, orders('undo'));
  assert.deepEqual([atTheEnd, undone.outcome, undone.verified, undone.problem], [[[]], 'restored', true, '']);
  assert.equal(ctx.store.ends.record(chainOf(p)), undefined);
});

test('a made-new environment that ends is taken away again; trees of an ended exception can be pruned, those of a standing one can\'t', async () => {
  const p = await exception(host, ctx, inSeconds(clock, 60), { name: 'madenew', start: 'missing' });
  const q = await exception(host, ctx, inSeconds(clock, 3600), { name: 'kept' });
  ctx.agentFile.limits.keepTrees = 0;
  assert.deepEqual((await prune(ctx, q.place)).pruned, []);
  clock.now += 60_000;
  assert.deepEqual((await expire()).map(({ outcome, version }) => [outcome, version]), [['restored', null]]);
  assert.equal(existsSync(p.project.env.link), false);
  assert.deepEqual((await prune(ctx, p.place)).pruned, [p.next]);
  ctx.agentFile.limits.keepTrees = 2;
});

test('invariant 7: news: ends to come with every event; what the host did until it was received', async () => {
  const p = await exception(host, ctx, inSeconds(clock, 60), { name: 'news' });
  const agent = byClock(host, clock);
  const checkIn = await nextEvent(agent, testScope(), { cursor: 10_000 });
  assert.deepEqual(checkIn.ends?.find((one) => one.run === 'ex-news'), { link: p.place.link, run: 'ex-news', end: row(p)!.end });
  let { cursor } = checkIn;
  clock.now += 60_000;
  await expire();
  for (;;) {
    const event = await nextEvent(agent, testScope(), { cursor });
    assert.deepEqual(await nextEvent(agent, testScope(), { cursor }), event, 'given again until it was received');
    const found = event.expired?.find((one) => one.run === 'ex-news');
    cursor = event.cursor;
    if (!found) continue;
    assert.deepEqual([event.kind, found.verified, found.link, found.problem], ['changed', true, p.place.link, '']);
    assert.equal(event.ends?.some((one) => one.run === 'ex-news') ?? false, false);
    break;
  }
  assert.equal(ctx.store.ends.toTell().some(({ record }) => record.run === 'ex-news'), false);
});

