import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stepCosts } from '../../bench/histories.js';
import { alternate, figures, ratios, render, showMs, type Side } from '../../bench/lib.js';

test('bench: figures of odd, even and empty series', () => {
  assert.deepEqual(figures([3, 1, 2]), { n: 3, min: 1, median: 2, max: 3 });
  assert.equal(figures([1, 2, 10, 40]).median, 6);
  assert.throws(() => figures([]), /expected at least one value/);
});

test('bench: sides take turns, and only run is measured', async () => {
  const calls: string[] = [];
  const side = (name: string): Side => ({
    name,
    prepare: (round) => void calls.push(`prepare ${name}${round}`),
    run: async (round) => { calls.push(`run ${name}${round}`); return name === 'a' ? 10 : 50; },
    cleanUp: (round) => void calls.push(`clean ${name}${round}`),
  });
  const series = await alternate([side('a'), side('b')], 2, () => undefined);
  assert.deepEqual(calls.filter((call) => call.startsWith('run')), ['run a0', 'run b0', 'run a1', 'run b1']);
  assert.deepEqual(calls.slice(0, 3), ['prepare a0', 'run a0', 'clean a0']);
  assert.deepEqual(ratios(series), [{ name: 'b / a', ratio: 5 }]);
});

test('bench: a target that was not met is printed as such', () => {
  const text = render({ title: 'T', series: [], ratios: [], verdicts: [{ figure: 'undo', target: 'under 1 s', got: '1.50 s', met: false }], notes: [] });
  assert.match(text, /NOT MET {2}undo: 1\.50 s \(target under 1 s\)/);
  assert.deepEqual([showMs(1499), showMs(12_345), showMs(42.4), showMs(0.21)], ['1.50 s', '12.3 s', '42 ms', '0.21 ms']);
});

/** An event `at` milliseconds after the first. */
const event = (id: number, at: number, attributes: object): never => ({ eventId: id, eventTime: { seconds: 0, nanos: at * 1e6 }, ...attributes }) as never;

test('bench: the cost of a step is the way to the worker and back, not its work; retried ones are left out', () => {
  const scheduled = (id: number, at: number, name: string): never => event(id, at, { activityTaskScheduledEventAttributes: { activityType: { name } } });
  const done = (id: number, at: number, from: number): never => event(id, at, { activityTaskCompletedEventAttributes: { scheduledEventId: from, startedEventId: id - 1 } });
  const events = [
    scheduled(5, 0, 'prepare'),
    event(6, 4, { activityTaskStartedEventAttributes: { attempt: 1 } }),
    done(7, 900, 5),
    event(8, 905, { workflowTaskCompletedEventAttributes: {} }),
    scheduled(9, 905, 'acquireLease'),
    event(10, 6000, { activityTaskStartedEventAttributes: { attempt: 2 } }),
    done(11, 6001, 9),
    event(12, 6002, { workflowTaskCompletedEventAttributes: {} }),
  ];
  assert.deepEqual(stepCosts(events), [{ activity: 'prepare', workMs: 896, overheadMs: 9 }]);
});
