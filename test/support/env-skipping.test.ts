import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { useEnvironment } from './env.js';
import { fixtureActivities } from './fixtures/activities.js';
import { decision } from './fixtures/workflows.js';

const env = useEnvironment({ server: 'time-skipping', workflowsPath: path.join(import.meta.dirname, 'fixtures/workflows.js') });

test('72 hours pass in seconds on the time-skipping server', async (t) => {
  const [realStart, serverStart] = [Date.now(), await env.environment.currentTimeMs()];
  await env.withWorker(t, { activities: fixtureActivities }, async ({ client, taskQueue, id }) => {
    const text = id('decision');
    assert.equal(await client.workflow.execute(decision, { taskQueue, workflowId: text, args: [text] }), 'expired');
  });
  assert.ok((await env.environment.currentTimeMs()) - serverStart >= 72 * 3_600_000);
  assert.ok(Date.now() - realStart < 60_000);
});
