import assert from 'node:assert/strict';
import { join } from 'node:path';
import { symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { HostContext } from '../../../activities/host/context.js';
import type { HostEvent } from '../../../activities/host/contract.js';
import { acquireLease, holderEnded } from '../../../activities/host/lease.js';
import { perform } from '../../../activities/host/order.js';
import { nextEvent } from '../../../activities/host/watch.js';
import { prepared } from '../../support/environments.js';
import { testHost, testScope, type TestHost } from '../../support/host.js';

let host: TestHost;
let clock = Date.now();
/** An agent that starts anew: same store, nothing told yet. */
const agent = (): HostContext => ({ ...host.ctx, now: () => new Date(clock) });
const next = (ctx: HostContext, cursor: number): Promise<HostEvent> => nextEvent(ctx, testScope(), { cursor });

before(() => {
  host = testHost();
});
after(() => host.close());

/** Whether nothing is told within two looks. */
async function isSilent(ctx: HostContext, cursor: number): Promise<boolean> {
  const scope = testScope();
  const silence = Symbol('silence');
  setTimeout(() => scope.cancel(Object.assign(new Error('enough'), { silence })), 1500);
  try {
    await nextEvent(ctx, scope, { cursor });
    return false;
  } catch (error) {
    assert.ok((error as { silence?: symbol }).silence === silence || (error as { cause?: { silence?: symbol } }).cause?.silence === silence, String(error));
    assert.ok(scope.beats.length >= 1, 'heartbeats while it waits');
    return true;
  }
}

test('decision 12: check-in at start, a changed link, a changed tree, an hour; an answer that was lost is given again, once confirmed never', async () => {
  const p = await prepared(host, { name: 'watched' });
  await holderEnded(host.ctx, testScope(), { env: p.project.env, chain: p.order('x').chain });
  const first = agent();
  const checkIn = await next(first, 0);
  assert.deepEqual([checkIn.kind, checkIn.agentVersion, checkIn.cursor], ['check-in', '0.0.0-test', 1]);
  assert.deepEqual(checkIn.environments.map(({ link, tree, state }) => [link, tree, state]), [[p.project.env.link, 'old-1', 'free']]);
  assert.match(checkIn.environments[0]!.version!, /^3\.11\./);
  assert.deepEqual(await next(first, 0), checkIn);
  assert.equal(await isSilent(first, 1), true);

  unlinkSync(p.project.env.link);
  symlinkSync('/usr', p.project.env.link);
  const changed = await next(first, 1);
  assert.deepEqual([changed.kind, changed.environments[0]!.tree], ['changed', 'foreign-link']);
  unlinkSync(p.project.env.link);
  symlinkSync('.venvs/old-1', p.project.env.link);
  assert.equal((await next(first, changed.cursor)).kind, 'changed');

  clock += 3_600_000;
  const hourly = await next(first, changed.cursor + 1);
  assert.equal(hourly.kind, 'hourly');

  // While no agent was there, the environment changed; the old agent's unconfirmed event is not lost either.
  unlinkSync(p.project.env.link);
  const second = agent();
  assert.deepEqual(await next(second, hourly.cursor - 1), hourly);
  const again = await next(second, hourly.cursor);
  assert.deepEqual([again.kind, again.environments[0]!.tree], ['check-in', 'missing']);
  assert.equal((await next(second, again.cursor)).kind, 'changed');
  assert.equal(await isSilent(second, again.cursor + 1), true);
});

test('an installer that writes into an environment behind everybody\'s back is news', async () => {
  const p = await prepared(host, { name: 'written', start: 'directory' });
  const ctx = agent();
  let { cursor } = await next(ctx, 100);
  while (!(await isSilent(ctx, cursor))) cursor = (await next(ctx, cursor)).cursor;
  writeFileSync(join(p.project.env.link, 'lib/python3.11/site-packages/injected.pth'), '');
  assert.equal((await next(ctx, cursor)).kind, 'changed');
});

test('decision 13: a lease without orders is told, with its holder, and again later; not while an order runs', async () => {
  const p = host.project('quiet', { 'requirements.txt': '' });
  const ctx = agent();
  const holder = { workflowId: 'wf/q', chain: 'chain-q', run: 'ch-q' };
  const { epoch } = await acquireLease(ctx, testScope(), { env: p.env, holder, priority: 'forward' });
  let { cursor } = await next(ctx, 200);
  while (!(await isSilent(ctx, cursor))) cursor = (await next(ctx, cursor)).cursor;
  let finish!: () => void;
  const running = perform(ctx, testScope(), { env: p.env, run: 'ch-q', workflowId: 'wf/q', chain: 'chain-q', epoch, seq: 1, step: 'prepare', reissued: 0 }, { intent: null, holds: () => true, act: () => new Promise<null>((resolve) => (finish = () => resolve(null))) });
  clock += 16_000;
  assert.equal(await isSilent(ctx, cursor), true, 'an order is under way');
  finish();
  await running;
  const quiet = await next(ctx, cursor);
  assert.equal(quiet.kind, 'lease-quiet');
  assert.deepEqual(quiet.quiet.find((lease) => lease.env.link === p.env.link)?.holder, holder);
  assert.equal(await isSilent(ctx, quiet.cursor), true);
  clock += 31_000;
  assert.equal((await next(ctx, quiet.cursor)).kind, 'lease-quiet');
});
