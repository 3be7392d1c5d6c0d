/** The agent's clock is set: a day ahead, a day back. Leases, news and what it remembers go on as if it had not been. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assess } from '../../activities/host/assess.js';
import type { HostContext } from '../../activities/host/context.js';
import type { LeaseHolder } from '../../activities/host/contract.js';
import { acquireLease, describeLease, holderEnded } from '../../activities/host/lease.js';
import { perform } from '../../activities/host/order.js';
import type { Interpreter } from '../../policy/model.js';
import { ordersOf, prepared } from '../support/environments.js';
import { sharedUv, someInterpreter, testHost, testScope, type TestHost, type TestProject } from '../support/host.js';
import { testIndex, type TestIndex } from '../support/index.js';
import { watcher } from '../support/live.js';

const DAY_MS = 86_400_000;
let index: TestIndex;
let host: TestHost;
let python: Interpreter;
let clock = Date.now();
let count = 0;
/** An agent by this clock. */
const agent = (): HostContext => ({ ...host.ctx, now: () => new Date(clock) });
const fresh = (): TestProject => host.project(`clock-${++count}`, { 'requirements.txt': 'alpha==1.0\n' });
const holder = (run: string): LeaseHolder => ({ workflowId: `wf/${run}`, chain: `chain-${run}`, run });
const take = (ctx: HostContext, at: TestProject, run: string, priority: 'forward' | 'undo' = 'forward') => acquireLease(ctx, testScope(), { env: at.env, holder: holder(run), priority });

before(async () => {
  index = await testIndex([{ name: 'alpha', version: '1.0', files: { 'alpha.py': '' } }]);
  host = testHost({ uv: await sharedUv(), index: { url: index.url } });
  python = await someInterpreter(host.ctx);
});
after(() => {
  index.close();
  host.close();
});

for (const [words, jump] of [['a day ahead', DAY_MS], ['a day back', -DAY_MS]] as const) {
  test(`clock set ${words}: a holder keeps its lease and its orders count; nobody else gets it`, async () => {
    const at = fresh();
    const ctx = agent();
    const { epoch } = await take(ctx, at, 'a');
    clock += jump;
    assert.deepEqual(await take(ctx, at, 'a'), { epoch });
    await assert.rejects(take(ctx, at, 'b'), { type: 'LeaseBusy' });
    const done = await perform(ctx, testScope(), { env: at.env, ...holder('a'), epoch, seq: 1, step: 'work', reissued: 0 }, { intent: null, holds: () => true, act: async () => 'done' });
    assert.equal(done, 'done');
    assert.deepEqual((await describeLease(ctx, testScope(), { env: at.env })).holder, holder('a'));
  });

  test(`clock set ${words}: a run that waited and died keeps nobody from the lease for longer than a minute of that clock`, async () => {
    const at = fresh();
    const ctx = agent();
    await take(ctx, at, 'a');
    await assert.rejects(take(ctx, at, 'dies'), { type: 'LeaseBusy' });
    await assert.rejects(take(ctx, at, 'waits'), { type: 'LeaseBusy' });
    clock += jump;
    await holderEnded(ctx, testScope(), { env: at.env, chain: 'chain-a' });
    await take(ctx, at, 'waits').catch(() => undefined);
    clock += 61_000;
    await take(ctx, at, 'waits');
    assert.deepEqual((await describeLease(ctx, testScope(), { env: at.env })).holder, holder('waits'));
  });

  test(`clock set ${words}: the watch tells no event twice and loses none; a quiet holder is still asked about, and the hour still told`, async () => {
    const at = fresh();
    const ctx = agent();
    await take(ctx, at, 'quiet');
    const watch = watcher(ctx, 10_000 * ++count);
    const checkIn = await watch.next('check-in');
    clock += jump;
    const hourly = await watch.next('hourly');
    assert.ok(hourly.cursor > checkIn.cursor);
    assert.equal(await watch.isSilent('hourly'), true, 'once, not again and again');
    // Ahead, the jump itself was the quiet time and was told before the hour: this is its second telling.
    clock += 61_000;
    let quiet = await watch.next('lease-quiet');
    while (!quiet.quiet.some((lease) => lease.env.link === at.env.link)) quiet = await watch.next('lease-quiet');
    clock += 3_600_000;
    assert.ok((await watch.next('hourly')).cursor > quiet.cursor);
    await holderEnded(ctx, testScope(), { env: at.env, chain: 'chain-quiet' });
  });

  test(`clock set ${words}: what the lock's question was answered is asked again, not believed for a day`, async () => {
    const at = fresh();
    const ctx = agent();
    const ask = async (): Promise<number> => {
      const before = index.requests.length;
      const [verdict] = await assess(ctx, testScope(), { env: at.env, interpreters: [python] });
      assert.equal(verdict!.error, null);
      return index.requests.length - before;
    };
    assert.ok((await ask()) > 0);
    assert.equal(await ask(), 0, 'remembered');
    clock += jump;
    assert.ok((await ask()) > 0, 'the memory outlived five minutes');
  });
}

test('clock set back between arming and undo: the way back is the same', async () => {
  const { armUndo } = await import('../../activities/host/arm.js');
  const { switchLink } = await import('../../activities/host/switch.js');
  const { undo } = await import('../../activities/host/undo.js');
  const { closeChange } = await import('../../activities/host/close.js');
  const p = await prepared(host, { name: 'clock-undo', lines: [python.version.split('.').slice(0, 2).join('.'), python.version.split('.').slice(0, 2).join('.')] });
  const ctx = agent();
  await armUndo(ctx, testScope(), p.order('arm'), p.plan);
  await switchLink(ctx, testScope(), p.order('switch'), { plan: p.plan, tree: p.next });
  await closeChange(ctx, testScope(), p.order('close'), { keepPin: false });
  clock -= DAY_MS;
  const rollback = await ordersOf(host, p.project, 'rb-clock', 'undo');
  const undone = await undo(ctx, testScope(), rollback('undo'), { chain: null });
  assert.deepEqual([undone.outcome, undone.verified, undone.problem], ['restored', true, '']);
});
