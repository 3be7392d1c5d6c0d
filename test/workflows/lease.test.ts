import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CancelledFailure, Context } from '@temporalio/activity';
import { environmentChange } from '../../workflows/environment-change.js';
import { useEnvironment } from '../support/env.js';
import { fakes, requestFor } from '../support/fake-host.js';

const env = useEnvironment();

test('invariants 3, 10: a lease whose answer was lost on its way (server or agent killed) is asked for again, and the run goes on', { timeout: 60_000 }, async (t) => {
  let asked = 0;
  const f = fakes();
  f.host.acquireLease = async () => {
    // As when the answer can't be delivered: nothing comes, and no heartbeat either.
    if (++asked === 1) await Context.current().cancelled.catch((error: unknown) => assert.ok(error instanceof CancelledFailure));
    return { epoch: 7 };
  };
  const result = await env.withWorker(t, { activities: f.control, hostActivities: f.host }, ({ client, taskQueue, host, id }) =>
    client.workflow.execute(environmentChange, { taskQueue, workflowId: id('change'), args: [{ ...requestFor(host), tuning: { heartbeatMs: 1_000, scheduleToStartMs: 5_000, leaseRetryMs: 200 } }] }));
  assert.equal(result.outcome, 'done', result.message);
  assert.ok(asked >= 2);
});
