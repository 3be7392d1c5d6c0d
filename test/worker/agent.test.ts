import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep } from '@temporalio/activity';
import { NativeConnection } from '@temporalio/worker';
import { agentWorkerOptions, assertUserAllowed, runAgent } from '../../worker/agent.js';
import { controlWorkerOptions } from '../../worker/control.js';
import { installRuntime } from '../../worker/log.js';
import { startDevServer } from '../support/servers.js';
import { until } from '../support/processes.js';

installRuntime('test', 'ERROR', process.stderr);

test('an agent refuses to run as root unless it was allowed', { skip: process.geteuid?.() !== 0 && 'needs root to be refused' }, () => {
  assert.throws(() => assertUserAllowed(false), /expected an ordinary user, got root; .*--allow-root/);
  assert.doesNotThrow(() => assertUserAllowed(true));
});

test('orders and news are apart: four slots for orders, one for the pending question', () => {
  const activities = { ping: async () => 'x', nextEvent: async () => 'y' };
  const [orders, events] = agentWorkerOptions({ connection: null as unknown as NativeConnection, namespace: 'default', host: 'h', activities, allowRoot: true, signal: AbortSignal.abort() });
  assert.deepEqual([orders.taskQueue, Object.keys(orders.activities!), orders.maxConcurrentActivityTaskExecutions], ['host.h', ['ping'], 4]);
  assert.deepEqual([events.taskQueue, Object.keys(events.activities!), events.maxConcurrentActivityTaskExecutions], ['host.h.events', ['nextEvent'], 1]);
  // A cancellation reaches an activity with the next heartbeat that is sent.
  // The one pending question has a minute: thousands of hosts need not say every 5 s that they are there.
  assert.deepEqual([orders.maxHeartbeatThrottleInterval, events.maxHeartbeatThrottleInterval], ['5s', '20s']);
});

test('the control worker outlives an activation that is slow under load', () => {
  const options = controlWorkerOptions({ connection: null as unknown as NativeConnection, namespace: 'default', bundlePath: '/b', activities: {} });
  assert.equal((options as { isolateExecutionTimeout?: string }).isolateExecutionTimeout, '60s');
});

test('an agent told to stop stops although its question is pending, with umask 022 for what it wrote', async (t) => {
  const before = process.umask(0o077);
  t.after(() => process.umask(before));
  const server = await startDevServer();
  t.after(server.stop);
  const connection = await NativeConnection.connect({ address: server.address });
  t.after(() => connection.close());
  const [stop, asked] = [new AbortController(), { count: 0 }];
  const activities = { ping: async () => process.umask(), nextEvent: async () => (asked.count++, await sleep('1 hour')) };
  let isReady = false;
  const agent = runAgent({ connection, namespace: 'default', host: 'h', activities, allowRoot: true, signal: stop.signal, onReady: () => (isReady = true) });
  await until('the agent to poll', () => isReady);
  assert.equal(process.umask(), 0o022);
  const { Client, Connection } = await import('@temporalio/client');
  const clientConnection = await Connection.connect({ address: server.address });
  t.after(() => clientConnection.close());
  const handle = await new Client({ connection: clientConnection }).activity.start('nextEvent', { id: 'pending', taskQueue: 'host.h.events', startToCloseTimeout: '2 hours', heartbeatTimeout: '60 seconds' });
  assert.ok(handle);
  await until('the question to be pending', () => asked.count === 1);
  const began = Date.now();
  stop.abort();
  await agent;
  assert.ok(Date.now() - began < 5_000, `stopped after ${Date.now() - began} ms`);
});
