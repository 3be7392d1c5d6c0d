import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Context } from '@temporalio/activity';
import type { HostEvent, LeaseView } from '../../activities/host/contract.js';
import { hostWatch } from '../../workflows/host-watch.js';
import { useEnvironment } from '../support/env.js';
import { fakes, saysNo } from '../support/fake-host.js';

const env = useEnvironment();
const until = async (done: () => boolean) => { while (!done()) await new Promise((resolve) => setTimeout(resolve, 20)); };

function newsFeed(events: Omit<HostEvent, 'cursor' | 'at' | 'agentVersion' | 'environments'>[]) {
  return async ({ cursor }: { cursor: number }): Promise<HostEvent> => {
    const event = events[cursor];
    if (!event) return Context.current().cancelled;
    return { cursor: cursor + 1, at: '2026-01-01T00:00:00.000Z', agentVersion: '1', environments: [], ...event };
  };
}

const LEASE: LeaseView = { env: { host: 'h', link: '/srv/p/.venv' }, holder: { workflowId: 'change/x', chain: 'c1', run: 'ch-gone' }, epoch: 3, state: 'held', switched: true, waiters: [] };

test('decision 12: each event is on record once, in order, and the cursor goes on', async (t) => {
  const f = fakes({ host: { nextEvent: newsFeed([{ kind: 'check-in', quiet: [] }, { kind: 'changed', quiet: [] }]) } });
  await env.withWorker(t, { activities: f.control, hostActivities: f.host }, async ({ client, taskQueue, host, id }) => {
    const handle = await client.workflow.start(hostWatch, { taskQueue, workflowId: id('watch'), args: [{ host, cursor: 0 }] });
    await until(() => f.entries.length >= 2 && f.calls.filter((name) => name === 'nextEvent').length >= 3);
    await handle.terminate('seen');
  });
  assert.deepEqual(f.entries.map((e) => e.event), ['check-in', 'changed']);
});

test('decision 13: a quiet holder that Temporal knows to be closed is told to the agent, and an unsettled end is on record', async (t) => {
  const told: unknown[] = [];
  const f = fakes({ host: { nextEvent: newsFeed([{ kind: 'lease-quiet', quiet: [LEASE] }]), holderEnded: async (input) => (told.push(input), { result: 'unsettled' }) }, control: { isChainClosed: async () => true } });
  await env.withWorker(t, { activities: f.control, hostActivities: f.host }, async ({ client, taskQueue, host, id }) => {
    const handle = await client.workflow.start(hostWatch, { taskQueue, workflowId: id('watch'), args: [{ host, cursor: 0 }] });
    await until(() => f.entries.some((e) => e.event === 'unsettled'));
    await handle.terminate('seen');
  });
  assert.deepEqual(told, [{ env: LEASE.env, chain: 'c1' }]);
  assert.equal(f.entries.find((e) => e.event === 'unsettled')!.run, 'ch-gone');
});

test('a quiet holder that is still open is left alone', async (t) => {
  const f = fakes({ host: { nextEvent: newsFeed([{ kind: 'lease-quiet', quiet: [LEASE] }, { kind: 'check-in', quiet: [] }]) }, control: { isChainClosed: async () => false } });
  await env.withWorker(t, { activities: f.control, hostActivities: f.host }, async ({ client, taskQueue, host, id }) => {
    const handle = await client.workflow.start(hostWatch, { taskQueue, workflowId: id('watch'), args: [{ host, cursor: 0 }] });
    await until(() => f.entries.length >= 2);
    await handle.terminate('seen');
  });
  assert.ok(!f.calls.includes('holderEnded'));
});

test('decision 12: an order that fails ends no watch: the next news is asked for, and what could be told is', async (t) => {
  const other: LeaseView = { ...LEASE, env: { ...LEASE.env, link: '/srv/q/.venv' }, holder: { ...LEASE.holder!, chain: 'c2', run: 'ch-other' } };
  const holderEnded = async ({ chain }: { chain: string }) => {
    if (chain === 'c1') throw saysNo('HostRefused', '/srv/p');
    return { result: 'freed' as const };
  };
  const f = fakes({ host: { nextEvent: newsFeed([{ kind: 'lease-quiet', quiet: [LEASE, other] }, { kind: 'hourly', quiet: [] }]), holderEnded }, control: { isChainClosed: async () => true } });
  await env.withWorker(t, { activities: f.control, hostActivities: f.host }, async ({ client, taskQueue, host, id }) => {
    const handle = await client.workflow.start(hostWatch, { taskQueue, workflowId: id('watch'), args: [{ host, cursor: 0, rules: null }] });
    const heard = (async () => until(() => f.calls.filter((name) => name === 'nextEvent').length >= 3))();
    await Promise.race([heard, handle.result()]);
    await handle.terminate('seen');
  });
  assert.deepEqual(f.entries.map(({ event, run }) => (event === 'lease-freed' ? `${event} ${run}` : event)), ['check-in', 'lease-freed ch-other', 'check-in']);
});
