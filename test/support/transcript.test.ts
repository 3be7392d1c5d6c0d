import assert from 'node:assert/strict';
import path from 'node:path';
import { before, test } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { testBundle } from './bundles.js';
import { useEnvironment } from './env.js';
import { fixtureActivities } from './fixtures/activities.js';
import { decideUpdate, decision } from './fixtures/workflows.js';
import { historyText, recordTranscript, replayWithTranscript } from './transcript.js';

const fixture = (name: string): string => path.join(import.meta.dirname, 'fixtures', name);
const env = useEnvironment({ workflowsPath: fixture('workflows.js') });
let recorded = '';
let openRecorded = '';

async function timerStarted(handle: WorkflowHandle): Promise<void> {
  while (!(await handle.fetchHistory()).events?.some((event) => event.timerStartedEventAttributes)) await new Promise((resolve) => setTimeout(resolve, 10));
}

const replayed = async (workflows: string, history = recorded): Promise<string[]> => replayWithTranscript(history, await testBundle({ workflowsPath: fixture(workflows), transcript: true }));

before(async () => {
  await env.withWorker({ name: 'record' }, { activities: fixtureActivities }, async ({ client, taskQueue, id }) => {
    const text = id('decision');
    const handle = await client.workflow.start(decision, { taskQueue, workflowId: text, args: [text] });
    await timerStarted(handle);
    openRecorded = historyText(await handle.fetchHistory());
    assert.equal(await handle.executeUpdate(decideUpdate, { args: [{ by: 'ada' }] }), 'counted ada');
    assert.equal(await handle.result(), 'decided by ada');
    recorded = historyText(await handle.fetchHistory());
  });
});

test('decision 24: a recorded history tells activities, timers, children, answers and the end', () => {
  const facts = recordTranscript(historyFromJSON(JSON.parse(recorded)));
  assert.deepEqual(facts.map(({ kind }) => kind), ['activity', 'timer', 'update', 'activity', 'activity', 'child', 'end']);
  assert.equal(JSON.stringify(facts[1]), JSON.stringify({ kind: 'timer', key: 'timer', says: { ms: 72 * 3_600_000 } }));
});

test('decision 24: the code that recorded a history replays it without a difference', async () => {
  assert.deepEqual(await replayed('workflows.js'), []);
});

test('decision 24: an open history says nothing about what comes after it', async () => {
  assert.deepEqual(await replayed('workflows.js', openRecorded), []);
});

test('decision 24: another argument is found', async () => {
  const differences = await replayed('variants/argument.js');
  assert.equal(differences.length, 1);
  assert.match(differences[0]!, /^activity 3: recorded act .*by: 'ada'.*today act .*by: 'nobody'/);
});

test('decision 24: 72 h turned into 2 h is found, in an open history too', async () => {
  for (const history of [recorded, openRecorded]) {
    const differences = await replayed('variants/timer.js', history);
    assert.deepEqual(differences, ['timer 1: recorded timer { ms: 259200000 }, today timer { ms: 7200000 }']);
  }
});

test('decision 24: another answer to a vote is found', async () => {
  const differences = await replayed('variants/answer.js');
  assert.equal(differences.length, 1);
  assert.match(differences[0]!, /counted ada.*ignored ada/);
});

test('decision 24: another argument for a child is found', async () => {
  const differences = await replayed('variants/child.js');
  assert.equal(differences.length, 1);
  assert.match(differences[0]!, /^child 1: .*args: \[ 1 \].*args: \[ 2 \]/);
});

test('decision 24: a skipped activity is found by replay itself', async () => {
  const [first] = await replayed('variants/skip.js');
  assert.match(first ?? '', /^replay: DeterminismViolationError/);
});

test('decision 24: a bundle without the interceptor is no proof', async () => {
  const [first] = await replayWithTranscript(recorded, await testBundle({ workflowsPath: fixture('workflows.js') }));
  assert.match(first ?? '', /no command was told/);
});
