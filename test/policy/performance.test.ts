import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { policyFileSchema } from '../../policy/files/policy-file.js';
import { BAND_DEFAULTS, bandOf, comparePerformance, type Band } from '../../policy/performance.js';

const ORDER: Band[] = ['faster', 'same', 'slower', 'much-slower'];
const thresholds = fc.record({ sameWithin: fc.double({ min: 0.001, max: 1, noNaN: true }), muchSlowerFrom: fc.double({ min: 0.001, max: 5, noNaN: true }) });
const ratio = fc.double({ min: 1e-6, max: 1e6, noNaN: true });

test('DIS-11: the bands by their edges, and the defaults are the policy\'s', () => {
  assert.deepEqual([0.5, 0.9, 0.91, 1, 1.1, 1.11, 1.5, 1.51, 100].map((r) => bandOf(r)), ['faster', 'faster', 'same', 'same', 'same', 'slower', 'slower', 'much-slower', 'much-slower']);
  for (const none of [null, 0, -1, NaN, Infinity]) assert.equal(bandOf(none), 'unknown');
  const { sameWithin, muchSlowerFrom } = policyFileSchema.shape.performance.parse({});
  assert.deepEqual(BAND_DEFAULTS, { sameWithin, muchSlowerFrom });
});

test('bands grow with the ratio, and faster one way round is slower the other', () => {
  fc.assert(
    fc.property(ratio, ratio, thresholds, (a, b, t) => {
      const [low, high] = a < b ? [a, b] : [b, a];
      assert.ok(ORDER.indexOf(bandOf(low, t)) <= ORDER.indexOf(bandOf(high, t)));
      const edge = Math.abs(Math.abs(Math.log(a)) - Math.log(1 + t.sameWithin)) < 1e-9;
      if (!edge) assert.equal(bandOf(a, t) === 'faster', ['slower', 'much-slower'].includes(bandOf(1 / a, t)));
      assert.equal(bandOf(1, t), 'same');
    }),
  );
});

test('what was measured in turns counts more than a baseline of another day, and each gap has its words', () => {
  const times = (ms: number | null, problem = ''): { ms: number | null; rounds: number; problem: string } => ({ ms, rounds: ms === null ? 0 : 12, problem });
  const turns = comparePerformance({ probe: 'sum', before: times(2), after: times(1), baselineMs: 0.5 });
  assert.deepEqual([turns.ratio, turns.band, turns.ran], [0.5, 'faster', true]);
  assert.equal(turns.summary, 'sum: 2 ms before, 1 ms after, least of 12 rounds, baseline 0.5 ms, faster (0.50 of before)');
  const stored = comparePerformance({ probe: 'sum', before: times(null, "No module named 'pandas'"), after: times(1.23456), baselineMs: 0.5 });
  assert.deepEqual([stored.band, stored.beforeMs], ['much-slower', null]);
  assert.equal(stored.summary, "sum: not measured in the environment before (No module named 'pandas'), 1.23 ms now, least of 12 rounds, baseline 0.5 ms, much slower (2.47 of the baseline)");
  const first = comparePerformance({ probe: 'sum', before: null, after: times(1234.5), baselineMs: null });
  assert.deepEqual([first.ratio, first.band, first.summary], [null, 'unknown', 'sum: 1235 ms now, least of 12 rounds, nothing to compare with']);
  const failed = comparePerformance({ probe: 'sum', before: times(1), after: times(null, 'ImportError: x'), baselineMs: 1 });
  assert.deepEqual([failed.ran, failed.ratio, failed.band], [false, null, 'unknown']);
  assert.equal(failed.summary, 'sum: 1 ms before, not measured in the new environment (ImportError: x), baseline 1 ms');
});
