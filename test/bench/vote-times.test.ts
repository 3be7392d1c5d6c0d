import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beginOf, lastVote, verifyTimes } from '../../bench/vote-times.js';

/** An event `at` milliseconds after 1970. */
const event = (id: number, at: number, attributes: object): never => ({ eventId: id, eventTime: { seconds: 0, nanos: at * 1e6 }, ...attributes }) as never;

/** An activity as three events: ordered, begun, done. */
const activity = (id: number, name: string, [ordered, begun, done]: [number, number, number]): never[] => [
  event(id, ordered, { activityTaskScheduledEventAttributes: { activityType: { name } } }),
  event(id + 1, begun, { activityTaskStartedEventAttributes: { scheduledEventId: id } }),
  event(id + 2, done, { activityTaskCompletedEventAttributes: { scheduledEventId: id } }),
];

test('bench: a change begins when its host does, counted from its last plan', () => {
  const events = [...activity(5, 'makePlan', [0, 1, 10]), ...activity(8, 'makePlan', [12, 13, 20]), ...activity(11, 'acquireLease', [50, 54, 60]), ...activity(14, 'armUndo', [70, 72, 90])];
  assert.deepEqual(beginOf(events), { planned: 20, lease: 54, arm: 72 });
  assert.throws(() => beginOf(events.slice(0, -3)), /expected armUndo in it, got none/);
});

test('bench: the deciding vote is the last that was taken; its verification is what the worker did', () => {
  const accepted = (id: number, at: number): never => event(id, at, { workflowExecutionUpdateAcceptedEventAttributes: {} });
  const answered = (id: number, at: number): never => event(id, at, { workflowExecutionUpdateCompletedEventAttributes: {} });
  const events = [accepted(1, 10), ...activity(2, 'verifySignature', [10, 12, 30]), answered(5, 40), accepted(6, 100), ...activity(7, 'verifySignature', [100, 101, 115]), ...activity(10, 'appendRecords', [120, 121, 122]), answered(13, 130)];
  assert.deepEqual(lastVote(events), { accepted: 100, answered: 130 });
  assert.deepEqual(verifyTimes(events), [18, 14]);
  assert.throws(() => lastVote(events.slice(0, 1)), /expected a vote that was accepted and answered/);
});
