import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import type { Client } from '@temporalio/client';
import { useEnvironment } from './env.js';
import { fixtureActivities } from './fixtures/activities.js';
import { broken, echo, parentOfBroken } from './fixtures/workflows.js';

const env = useEnvironment({ workflowsPath: path.join(import.meta.dirname, 'fixtures/workflows.js') });

test('a workflow runs on the test\'s own queue', async (t) => {
  await env.withWorker(t, { activities: fixtureActivities }, async ({ client, taskQueue, id }) => {
    assert.match(taskQueue, /^a-workflow-runs-on-the-test-s-own-queue-/);
    assert.equal(await client.workflow.execute(echo, { taskQueue, workflowId: id('echo'), args: ['x'] }), 'noted x');
  });
});

async function taskFailed(client: Client, workflowId: string): Promise<void> {
  const events = async () => (await client.workflow.getHandle(workflowId).fetchHistory().catch(() => null))?.events ?? [];
  while (!(await events()).some((event) => event.workflowTaskFailedEventAttributes)) await new Promise((resolve) => setTimeout(resolve, 20));
}

test('decision 27: a failed workflow task is found, and a workflow left open', { timeout: 60_000 }, async (t) => {
  await env.withWorker(t, { activities: fixtureActivities }, async ({ client, taskQueue, id }) => {
    const handle = await client.workflow.start(broken, { taskQueue, workflowId: id('broken') });
    await taskFailed(client, handle.workflowId);
  });
  await assert.rejects(env.check(), /left open by the test \(now terminated\): broken[^]*workflow task failed: a bug in workflow code/);
});

test('decision 27: a failed task of a child is found though only the parent was started here', { timeout: 60_000 }, async (t) => {
  await env.withWorker(t, { activities: fixtureActivities }, async ({ client, taskQueue, id }) => {
    const child = id('child');
    const handle = await client.workflow.start(parentOfBroken, { taskQueue, workflowId: id('parent'), args: [child] });
    await taskFailed(client, child);
    await handle.terminate('seen');
  });
  await assert.rejects(env.check(), /child\/[0-9a-f]+, event \d+: workflow task failed: a bug in workflow code/);
});

test('a test that kills workers may say so, once', { timeout: 60_000 }, async (t) => {
  await env.withWorker(t, { activities: fixtureActivities }, async ({ client, taskQueue, id }) => {
    const handle = await client.workflow.start(broken, { taskQueue, workflowId: id('broken') });
    await taskFailed(client, handle.workflowId);
    await handle.terminate('seen');
    env.allowTaskProblems('a workflow that is broken on purpose');
  });
  await env.check();
});

test('a worker that still runs is found', async (t) => {
  await env.withWorker(t, { activities: fixtureActivities }, async () => {
    await assert.rejects(env.check(), /a worker was left open by the test: a-worker-that-still-runs-is-found/);
  });
});
