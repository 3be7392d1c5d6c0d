import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { runCommand } from '../../../activities/host/command.js';
import type { Effect, Guard } from '../../../activities/host/context.js';
import { acquireLease } from '../../../activities/host/lease.js';
import { isUnderWay, operationId, perform } from '../../../activities/host/order.js';
import { agentOwner } from '../../../activities/host/owner.js';
import { processStat } from '../../../activities/host/proc.js';
import { isGroupAlive, isStopped } from '../../../activities/host/process-group.js';
import { waitUntil } from '../../../activities/host/poll.js';
import { ordersOf } from '../../support/environments.js';
import { testHost, testScope, type TestHost } from '../../support/host.js';

let host: TestHost;
before(() => {
  host = testHost();
});
after(() => host.close());

let count = 0;
/** A project with a lease, and the orders of its holder. */
async function leased() {
  const name = `order-${++count}`;
  const project = host.project(name, { 'requirements.txt': '' });
  return { project, run: name, order: await host.orders(project, name), link: project.env.link };
}

const effect = <T>(act: (guard: Guard) => Promise<T>, holds: () => boolean = () => true): Effect<T> => ({ intent: 'test', holds, act });
const fenced = { type: 'Fenced', nonRetryable: true };

test('decision 15: a receipt answers a repeated order while the disk agrees, and not when it does not', async () => {
  const { order } = await leased();
  const given = order('count');
  let done = 0;
  let agrees = true;
  const once = () => perform(host.ctx, testScope(++attempt), given, effect(async () => ++done, () => agrees));
  let attempt = 0;
  assert.equal(await once(), 1);
  assert.equal(await once(), 1);
  agrees = false;
  assert.equal(await once(), 2);
  const kinds = host.ctx.store.journal.entries(host.ctx.store.leases.all().at(-1)!.link).filter((entry) => entry.op === operationId(given)).map((entry) => entry.kind);
  assert.deepEqual(kinds, ['intent', 'receipt', 'intent', 'receipt']);
});

test('decision 14: an order without the lease, of an older epoch, or older than one seen is refused, with what was expected and got', async () => {
  const { project, order } = await leased();
  const first = order('first');
  const second = order('second');
  await perform(host.ctx, testScope(), second, effect(async () => 1));
  await assert.rejects(perform(host.ctx, testScope(), first, effect(async () => assert.fail('acted'))), { ...fenced, details: [{ what: `order for ${project.env.link}`, expected: 'epoch 1, order 2, attempt 1 or later', got: 'epoch 1, order 1, attempt 1' }] });
  await perform(host.ctx, testScope(3), second, effect(async () => 1, () => false));
  await assert.rejects(perform(host.ctx, testScope(2), second, effect(async () => assert.fail('acted'), () => false)), fenced);
  await assert.rejects(perform(host.ctx, testScope(), { ...order('x'), epoch: 0 }, effect(async () => assert.fail('acted'))), fenced);
  await assert.rejects(perform(host.ctx, testScope(), { ...order('x'), chain: 'somebody-else' }, effect(async () => assert.fail('acted'))), fenced);
});

test('decision 14: the token is compared again right before each visible change', async () => {
  const { project, order } = await leased();
  const slow = order('slow');
  let changed = false;
  let started!: () => void;
  let goOn!: () => void;
  const isStarted = new Promise<void>((resolve) => (started = resolve));
  const mayGoOn = new Promise<void>((resolve) => (goOn = resolve));
  const late = perform(host.ctx, testScope(), slow, effect(async (guard) => {
    guard.commit(() => {});
    started();
    await mayGoOn;
    guard.commit(() => (changed = true));
  }));
  await isStarted;
  // Between check and effect another run takes the lease.
  await ordersOf(host, project, 'the-undo', 'undo');
  goOn();
  await assert.rejects(late, fenced);
  assert.equal(changed, false);
  assert.equal(host.ctx.store.journal.receipt(operationId(slow)), undefined);
});

test('an effect that was done but lost its lease before the receipt leaves no receipt', async () => {
  const { project, order } = await leased();
  const given = order('late');
  host.barriers.set('late:acted', async () => void (await ordersOf(host, project, 'taker', 'expiry')));
  await assert.rejects(perform(host.ctx, testScope(), given, effect(async () => 1)), fenced);
  host.barriers.clear();
  assert.equal(host.ctx.store.journal.receipt(operationId(given)), undefined);
});

test('decision 14: attempt 2 ends a stopped child of attempt 1 and starts only when it is dead', async () => {
  const { order, link } = await leased();
  const given = order('build');
  const sleeper = (guard: Guard, scope = testScope()) => runCommand({ file: '/bin/sleep', args: ['600'], cwd: '/', owner: agentOwner(), timeoutMs: 600_000, guard, scope });
  let pgid = 0;
  const first = perform(host.ctx, testScope(1), given, effect(async (guard) => {
    const spy: Guard = { ...guard, groupStarted: (group) => guard.groupStarted((pgid = group)) };
    const result = await sleeper(spy);
    guard.commit(() => assert.fail('attempt 1 changed something after attempt 2 began'));
    return result.exitCode;
  }));
  const firstEnd = assert.rejects(first, fenced);
  assert.ok(await waitUntil(() => pgid > 0 && processStat(pgid) !== null, 5000, testScope()));
  process.kill(-pgid, 'SIGSTOP');
  assert.ok(await waitUntil(() => isStopped(pgid), 5000, testScope()));
  assert.equal(isUnderWay(host.ctx, link), true);
  const answer = await perform(host.ctx, testScope(2), given, effect(async () => {
    assert.equal(isGroupAlive(pgid), false, 'the first attempt\'s child still runs');
    return 'second';
  }));
  assert.equal(answer, 'second');
  await firstEnd;
  assert.deepEqual(host.ctx.store.fence.groups(link), []);
  assert.equal(isUnderWay(host.ctx, link), false);
});

test('a group whose number was given to somebody else is not ended', async () => {
  const { order, link } = await leased();
  const stranger = spawn('/bin/sleep', ['600'], { detached: true, stdio: 'ignore' });
  await once(stranger, 'spawn');
  try {
    const { started } = processStat(stranger.pid!)!;
    host.ctx.store.exclusive(() => host.ctx.store.fence.addGroup({ link, pgid: stranger.pid!, started: started - 1, op: 'older', epoch: 0, seq: 0, attempt: 0 }));
    await perform(host.ctx, testScope(), order('next'), effect(async () => 1));
    assert.equal(isGroupAlive(stranger.pid!), true);
    assert.deepEqual(host.ctx.store.fence.groups(link), []);
  } finally {
    stranger.kill('SIGKILL');
  }
});

test('a group whose leader has gone is ended by what its members carry', async () => {
  const { order, link } = await leased();
  const python = '/usr/bin/env';
  const leader = spawn(python, ['python3', '-c', 'import subprocess,sys; p=subprocess.Popen(["/bin/sleep","600"]); print(p.pid, flush=True)'], { detached: true, stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, INTERPRETER_RUNBOOKS_OP: 'older-op' } });
  const [chunk] = (await once(leader.stdout!, 'data')) as [Buffer];
  const member = Number(chunk.toString());
  await once(leader, 'exit');
  assert.equal(processStat(member)?.pgrp, leader.pid);
  host.ctx.store.exclusive(() => host.ctx.store.fence.addGroup({ link, pgid: leader.pid!, started: 1, op: 'older-op', epoch: 0, seq: 0, attempt: 0 }));
  await perform(host.ctx, testScope(), order('next'), effect(async () => 1));
  assert.equal(isGroupAlive(leader.pid!), false);
});

test('the lease answers its holder the same epoch, and orders go on', async () => {
  const { project, order } = await leased();
  const { workflowId, chain, run, epoch } = order('x');
  assert.deepEqual(await acquireLease(host.ctx, testScope(), { env: project.env, holder: { workflowId, chain, run }, priority: 'forward' }), { epoch });
  assert.equal(await perform(host.ctx, testScope(), order('on'), effect(async () => 7)), 7);
});
