import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { armUndo } from '../../../activities/host/arm.js';
import { closeChange } from '../../../activities/host/close.js';
import { runCommand } from '../../../activities/host/command.js';
import type { Guard } from '../../../activities/host/context.js';
import type { LeaseHolder } from '../../../activities/host/contract.js';
import { acquireLease, describeLease, holderEnded } from '../../../activities/host/lease.js';
import { perform } from '../../../activities/host/order.js';
import { agentOwner } from '../../../activities/host/owner.js';
import { waitUntil } from '../../../activities/host/poll.js';
import { isGroupAlive } from '../../../activities/host/process-group.js';
import { switchLink } from '../../../activities/host/switch.js';
import { undo } from '../../../activities/host/undo.js';
import { answers, ordersOf, prepared } from '../../support/environments.js';
import { testHost, testScope, type TestHost, type TestProject } from '../../support/host.js';
import { inProcess } from '../../support/run-host-process.js';

let host: TestHost;
before(() => {
  host = testHost();
});
after(() => host.close());

let count = 0;
const project = (): TestProject => host.project(`lease-${++count}`, { 'requirements.txt': '' });
const holder = (run: string): LeaseHolder => ({ workflowId: `wf/${run}`, chain: `chain-${run}`, run });
const take = (p: TestProject, run: string, priority: 'forward' | 'undo' | 'expiry' = 'forward') => acquireLease(host.ctx, testScope(), { env: p.env, holder: holder(run), priority });
const view = (p: TestProject) => describeLease(host.ctx, testScope(), { env: p.env });

test('invariant 3, decision 13: a waiting run is told at once for whom it waits and its place', async () => {
  const p = project();
  assert.deepEqual(await take(p, 'a'), { epoch: 1 });
  const busy = (position: number) => ({ type: 'LeaseBusy', nonRetryable: false, nextRetryDelay: '5 seconds', details: [{ holder: holder('a'), position, since: host.ctx.store.leases.get(p.env.link).since }] });
  await assert.rejects(take(p, 'b'), busy(1));
  await assert.rejects(take(p, 'c'), busy(2));
  await assert.rejects(take(p, 'b'), busy(1));
  assert.deepEqual((await view(p)).waiters, [holder('b'), holder('c')]);
});

test('the first in line goes first, and one that was not seen for a minute is forgotten', async () => {
  const p = project();
  await take(p, 'a');
  await assert.rejects(take(p, 'b'), { type: 'LeaseBusy' });
  await assert.rejects(take(p, 'c'), { type: 'LeaseBusy' });
  assert.deepEqual(await holderEnded(host.ctx, testScope(), { env: p.env, chain: 'chain-a' }), { result: 'freed' });
  await assert.rejects(take(p, 'c'), { type: 'LeaseBusy' });
  const later = { ...host.ctx, now: () => new Date(Date.now() + 61_000) };
  assert.equal((await acquireLease(later, testScope(), { env: p.env, holder: holder('c'), priority: 'forward' })).epoch, 3);
});

test('invariant 3: two processes that race for the lease: one has it, the other is told so', async () => {
  const p = project();
  const racers = ['a', 'b', 'c', 'd'];
  const ends = await Promise.all(racers.map((run) => inProcess<{ epoch: number }>(host, 'acquireLease', [{ env: p.env, holder: holder(run), priority: 'forward' }])));
  assert.equal(ends.filter((end) => end.answer?.epoch === 1).length, 1);
  assert.equal(ends.filter((end) => end.failure?.type === 'LeaseBusy').length, racers.length - 1);
});

test('expiry > undo > forward: a higher rank takes the lease with a higher epoch, an equal one waits', async () => {
  const p = project();
  await take(p, 'a');
  assert.equal((await take(p, 'u', 'undo')).epoch, 2);
  await assert.rejects(take(p, 'v', 'undo'), { type: 'LeaseBusy' });
  await assert.rejects(take(p, 'a'), { type: 'LeaseBusy' });
  assert.equal((await take(p, 'x', 'expiry')).epoch, 3);
  await assert.rejects(take(p, 'u', 'undo'), { type: 'LeaseBusy' });
});

test('takeover by undo ends the old holder\'s processes before it answers', async () => {
  const p = project();
  const order = await host.orders(p, 'builder');
  let pgid = 0;
  const building = perform(host.ctx, testScope(), order('prepare'), {
    intent: null, holds: () => false,
    act: (guard) => runCommand({ file: '/bin/sleep', args: ['600'], cwd: '/', owner: agentOwner(), timeoutMs: 600_000, guard: { ...guard, groupStarted: (group: number) => guard.groupStarted((pgid = group)) } satisfies Guard }),
  });
  const fenced = assert.rejects(building, { type: 'Fenced' });
  assert.ok(await waitUntil(() => pgid > 0, 5000, testScope()));
  await take(p, 'u', 'undo');
  assert.equal(isGroupAlive(pgid), false);
  await fenced;
});

test('decision 13: a holder that ended before the switch: its attempt goes, the lease is free', async () => {
  const p = await prepared(host, { name: 'ended-before' });
  await armUndo(host.ctx, testScope(), p.order('arm'), p.plan);
  const { chain } = p.order('x');
  assert.deepEqual(await holderEnded(host.ctx, testScope(), { env: p.project.env, chain: 'somebody' }), { result: 'not-holder' });
  assert.deepEqual(await holderEnded(host.ctx, testScope(), { env: p.project.env, chain }), { result: 'freed' });
  assert.equal(existsSync(join(p.project.venvs, p.next)), false);
  assert.equal(existsSync(join(p.project.venvs, p.old)), true);
  assert.deepEqual(host.ctx.store.armed.pinned(p.place.link), []);
  assert.match(answers(p.project), /^3\.11\./);
  await assert.rejects(armUndo(host.ctx, testScope(), p.order('arm'), p.plan), { type: 'Fenced' });
  assert.equal((await take(p.project, 'next')).epoch > 1, true);
});

test('decision 13: a holder that ended after the switch: unsettled, nothing touched; forward refused, settle by undo works', async () => {
  const p = await prepared(host, { name: 'ended-after' });
  await armUndo(host.ctx, testScope(), p.order('arm'), p.plan);
  await switchLink(host.ctx, testScope(), p.order('switch'), { plan: p.plan, tree: p.next });
  const { chain } = p.order('x');
  assert.deepEqual(await holderEnded(host.ctx, testScope(), { env: p.project.env, chain }), { result: 'unsettled' });
  assert.deepEqual(await holderEnded(host.ctx, testScope(), { env: p.project.env, chain }), { result: 'unsettled' });
  assert.match(answers(p.project), /^3\.12\./);
  assert.deepEqual([(await view(p.project)).state, (await view(p.project)).holder?.run], ['unsettled', p.run]);
  await assert.rejects(take(p.project, 'forward'), { type: 'HostRefused', nonRetryable: true, message: new RegExp(`runbook settle ${p.run} --keep or --undo`) });
  const settle = await ordersOf(host, p.project, 'settle', 'undo');
  const undone = await undo(host.ctx, testScope(), settle('undo'), { chain: null });
  assert.deepEqual([undone.outcome, undone.verified, undone.problem], ['restored', true, '']);
  await closeChange(host.ctx, testScope(), settle('close'), { keepPin: false });
  assert.deepEqual([(await view(p.project)).state, (await view(p.project)).switched], ['free', false]);
});

test('settle by keeping: close gives the lease back and leaves the link', async () => {
  const p = await prepared(host, { name: 'keep' });
  await armUndo(host.ctx, testScope(), p.order('arm'), p.plan);
  await switchLink(host.ctx, testScope(), p.order('switch'), { plan: p.plan, tree: p.next });
  await holderEnded(host.ctx, testScope(), { env: p.project.env, chain: p.order('x').chain });
  const settle = await ordersOf(host, p.project, 'keeper', 'undo');
  // A holder that ends before it settled leaves it as unsettled as it was.
  assert.deepEqual(await holderEnded(host.ctx, testScope(), { env: p.project.env, chain: settle('x').chain }), { result: 'unsettled' });
  const again = await ordersOf(host, p.project, 'keeper-2', 'undo');
  await closeChange(host.ctx, testScope(), again('close'), { keepPin: false });
  assert.equal((await view(p.project)).state, 'free');
  assert.match(answers(p.project), /^3\.12\./);
});

test('a dead holder blocks nobody: told that it ended, the agent gives the lease to the next', async () => {
  const p = project();
  await take(p, 'dead');
  await assert.rejects(take(p, 'alive'), { type: 'LeaseBusy' });
  await holderEnded(host.ctx, testScope(), { env: p.env, chain: 'chain-dead' });
  assert.deepEqual(await take(p, 'alive'), { epoch: 3 });
  assert.deepEqual((await view(p)).waiters, []);
});

test('a run that closed its change can\'t take the lease forward again (it was reset); its undo can', async () => {
  const p = await prepared(host, { name: 'reset' });
  await armUndo(host.ctx, testScope(), p.order('arm'), p.plan);
  await switchLink(host.ctx, testScope(), p.order('switch'), { plan: p.plan, tree: p.next });
  const closing = p.order('close');
  await closeChange(host.ctx, testScope(), closing, { keepPin: false });
  const same: LeaseHolder = { workflowId: closing.workflowId, chain: closing.chain, run: p.run };
  const again = (priority: 'forward' | 'undo') => acquireLease(host.ctx, testScope(), { env: p.project.env, holder: same, priority });
  await assert.rejects(again('forward'), { type: 'HostRefused', nonRetryable: true, message: new RegExp(`${p.run}, which has: it was reset; runbook undo`) });
  assert.equal((await view(p.project)).state, 'free');
  assert.ok((await again('undo')).epoch > closing.epoch);
  assert.match(answers(p.project), /^3\.12\./);
});
