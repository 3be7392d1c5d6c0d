import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EnvironmentFacts } from '../../../../policy/checks/facts.js';
import { performance } from '../../../../policy/checks/verifier/performance.js';
import { goodFacts, measured, rules, unmeasured } from '../../../support/check-facts.js';

const judge = (importTime: EnvironmentFacts['importTime']) => performance.judge(goodFacts({ importTime }), rules());

test('VJ-15: time and memory as measured; exactly 2 s still meets the baseline, more is a plain warning', () => {
  assert.deepEqual(judge(measured({ seconds: 2, rssMiB: 90.5 })), { result: { import_time: 2, memory_usage: 90.5, performance_baseline_met: true }, violations: [], warnings: [] });
  assert.deepEqual(judge(measured({ seconds: 2.004, rssMiB: 90 })), {
    result: { import_time: 2.004, memory_usage: 90, performance_baseline_met: false },
    violations: [],
    warnings: [{ check: 'performance', message: 'slow: importing pandas, numpy, fastapi took 2.00 s, more than 2 s' }],
  });
});

test('PF-26: more memory than the policy allows does not meet the baseline', () => {
  const { result, warnings } = judge(measured({ seconds: 1, rssMiB: 513 }));
  assert.equal(result.performance_baseline_met, false);
  assert.match(warnings[0]!.message, /513 MiB of memory, more than 512 MiB/);
});

test('DEF-17: a failed import is not fast: no time, no memory, no baseline, and a violation; so is what was not asked for', () => {
  for (const [fact, words] of [[unmeasured('No module named fastapi'), /No module named fastapi/], [null, /not asked for/]] as const) {
    const { result, violations, warnings } = judge(fact);
    assert.deepEqual(result, { import_time: null, memory_usage: null, performance_baseline_met: null });
    assert.deepEqual(warnings, []);
    assert.equal(violations.length, 1);
    assert.equal(violations[0]!.severity, 'warning');
    assert.match(violations[0]!.message, words);
  }
});
