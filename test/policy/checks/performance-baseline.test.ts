import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EnvironmentFacts } from '../../../policy/checks/facts.js';
import { performanceBaseline } from '../../../policy/checks/performance-baseline.js';
import { goodFacts, measured, rules, unmeasured } from '../../support/check-facts.js';

const judged = (probe: EnvironmentFacts['probe']) => performanceBaseline.judge(goodFacts({ probe }), rules());

test('PF-15: under 5.0 s passes; from 5.0 s on it warns', () => {
  for (const [seconds, status] of [[0, 'pass'], [4.999, 'pass'], [5, 'warn'], [30, 'warn']] as const) {
    assert.equal(judged(measured({ seconds, rssMiB: 90 })).status, status, String(seconds));
  }
  assert.match(judged(measured({ seconds: 6.2, rssMiB: 90 })).lines[0]!, /6\.200 s, the limit is 5 s: wheels or configuration/);
});

test('PF-15, DEF-17: imports that failed, a time that is none, and a probe nobody asked for are unknown, never quick', () => {
  assert.equal(judged(unmeasured("No module named 'pandas'")).status, 'unknown');
  assert.equal(judged(measured({ seconds: Number.NaN, rssMiB: 1 })).status, 'unknown');
  assert.equal(judged(measured({ seconds: -1, rssMiB: 1 })).status, 'unknown');
  assert.equal(judged(null).status, 'unknown');
});

test('PF-18: it never decides', () => {
  assert.equal(performanceBaseline.blocking, false);
});
