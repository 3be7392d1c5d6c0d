import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MetricsFacts } from '../../../../policy/checks/facts.js';
import { reportedMetrics, withoutMeasures } from '../../../../policy/checks/verifier/reported-metrics.js';
import { goodFacts, measured, rules, unmeasured } from '../../../support/check-facts.js';

const AT = '2026-03-01T11:00:00.000Z';
const judge = (more: Partial<MetricsFacts>) => reportedMetrics(goodFacts({ metrics: measured({ at: AT, ...more }) }), rules());

test('HM-19: a solve of more than 30 s and more than 4096 MiB are to be looked into; the limits themselves are not', () => {
  assert.deepEqual(judge({ solveSeconds: 30, memoryMiB: 4096, testsFailed: 0, crashes: 0 }), { violations: [], warnings: [] });
  const { violations } = judge({ solveSeconds: 31.24, memoryMiB: 5000 });
  assert.deepEqual(violations.map(({ check, severity }) => [check, severity]), [['reported_metrics', 'warning'], ['reported_metrics', 'warning']]);
  assert.match(violations[0]!.message, /reported 31\.2 s in the run of 2026-03-01T11:00:00\.000Z, more than 30 s/);
  assert.match(violations[1]!.message, /reported 5000 MiB .* more than 4096 MiB/);
});

test('HM-20: failed tests are critical; crashes are critical and ask for a decision on the way back', () => {
  assert.deepEqual(judge({ testsFailed: 2 }).violations, [{ check: 'reported_metrics', severity: 'critical', message: `2 failed tests in the run of ${AT}` }]);
  const crash = judge({ crashes: 1 }).violations;
  assert.equal(crash[0]!.severity, 'critical');
  assert.match(crash[0]!.message, /^1 crash in the run of .*: decide whether to go back \(runbook undo \/srv\/pricer\)$/);
});

test('HM-19: a project that reports nothing is not judged; a report that can\'t be read is a violation', () => {
  assert.deepEqual(reportedMetrics(goodFacts({ metrics: null }), rules()), { violations: [], warnings: [] });
  const { violations } = reportedMetrics(goodFacts({ metrics: unmeasured('no JSON') }), rules());
  assert.deepEqual(violations, [{ check: 'reported_metrics', severity: 'warning', message: 'what the project reports could not be measured: no JSON' }]);
});

test('numbers and instants of a report are not what a person accepts; limits and kinds are', () => {
  const [first] = judge({ solveSeconds: 31 }).violations;
  const [second] = reportedMetrics(goodFacts({ metrics: measured({ at: '2026-03-02T09:30:00.000Z', solveSeconds: 44.5 }) }), rules()).violations;
  assert.notEqual(first!.message, second!.message);
  assert.equal(withoutMeasures(first!.message), withoutMeasures(second!.message));
  const [memory] = judge({ memoryMiB: 5000 }).violations;
  assert.notEqual(withoutMeasures(first!.message), withoutMeasures(memory!.message));
  const [limit] = reportedMetrics(goodFacts({ metrics: measured({ at: AT, solveSeconds: 31 }) }), rules({ metrics: { solveSeconds: 20, memoryMiB: 4096 } })).violations;
  assert.notEqual(withoutMeasures(first!.message), withoutMeasures(limit!.message));
});
