import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from '@temporalio/worker';
import { hostQueue } from '../../policy/names.js';
import { statusQuery } from '../../workflows/messages.js';
import { planChange } from '../../workflows/plan-change.js';
import { useEnvironment } from '../support/env.js';
import { fakes, requestFor } from '../support/fake-host.js';

const env = useEnvironment();

test('a plan of a host that was silent says for whom it waits, is made when the host answers, and leaves nothing on record', { timeout: 60_000 }, async (t) => {
  const f = fakes();
  const answer = await env.withWorker(t, { activities: f.control }, async ({ client, taskQueue, host, id }) => {
    const handle = await client.workflow.start(planChange, { taskQueue, workflowId: id('plan'), args: [requestFor(host)] });
    while ((await handle.query(statusQuery)).waitsFor?.what !== `host ${host} to answer`) await new Promise((resolve) => setTimeout(resolve, 50));
    const { nextEvent: _none, ...orders } = f.host;
    const agent = await Worker.create({ connection: env.environment.nativeConnection, namespace: 'default', taskQueue: hostQueue(host), activities: orders });
    return agent.runUntil(handle.result());
  });
  assert.equal(answer.refused, null);
  assert.deepEqual(f.entries, []);
  assert.ok(!f.calls.includes('appendRecords'));
});
