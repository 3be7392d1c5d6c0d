import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { alertOf } from '../../../policy/checks/alert.js';
import type { CheckRules } from '../../../policy/checks/model.js';
import type { Violation, Warning } from '../../../policy/checks/results.js';
import { overallStatus, unjudged, verify } from '../../../policy/checks/verification.js';
import { goodFacts, goodInterpreter, rules } from '../../support/check-facts.js';

const WHERE = 'calc-01:/srv/pricer/.venv';
const critical = (check: string, message = 'wrong'): Violation => ({ check, severity: 'critical', message });
const violation = (check: string, message = 'odd'): Violation => ({ check, severity: 'warning', message });
const warnings = (count: number): Warning[] => Array.from({ length: count }, (_, at) => ({ check: 'environment_config', message: `note ${at}` }));
const alert = (violations: Violation[], notes: Warning[] = [], stage: CheckRules['stage'] = 'production', warningLimit = 5) =>
  alertOf({ violations, warnings: notes, overall_status: overallStatus(violations) }, { stage, warningLimit }, WHERE);

test('HM-05: critical violations are told as CRITICAL with their count, at most the first five as check: message', () => {
  const told = alert(Array.from({ length: 7 }, (_, at) => critical('security', `file ${at}`)));
  assert.equal(told?.severity, 'critical');
  assert.equal(told?.subject, `runtime environment issues on ${WHERE}`);
  assert.deepEqual(told?.lines, ['7 critical violations found', ...[0, 1, 2, 3, 4].map((at) => `- security: file ${at}`)]);
});

test('HM-06: more than five warnings are told as WARNING with the count and a hint; five are not', () => {
  assert.equal(alert([], warnings(5)), null);
  const told = alert([], warnings(6));
  assert.equal(told?.severity, 'warning');
  assert.equal(told?.subject, `multiple runtime environment issues on ${WHERE}`);
  assert.match(told!.lines[0]!, /6 warnings/);
  assert.match(told!.lines.at(-1)!, /review the configuration/);
});

test('DEF-15: the limit is the policy\'s, and a violation of severity warning is told however few there are', () => {
  assert.equal(alert([], warnings(2), 'production', 1)?.severity, 'warning');
  const told = alert([violation('wheel_status', 'lock file not found')]);
  assert.equal(told?.severity, 'warning');
  assert.deepEqual(told?.lines.slice(0, 2), ['1 violation and 0 warnings found', '- wheel_status: lock file not found']);
});

test('HM-07: one alert for one result, critical before warnings', () => {
  const told = alert([violation('wheel_status'), critical('security')], warnings(9));
  assert.equal(told?.severity, 'critical');
  assert.deepEqual(told?.lines, ['1 critical violation found', '- security: wrong']);
});

test('DIS-30, HM-10: a version mismatch is critical in production and a warning elsewhere; its status is FAILED everywhere', () => {
  const result = verify(goodFacts({ interpreter: goodInterpreter({ version: '3.13.1' }), variables: {}, config: [] }), rules());
  assert.equal(result.overall_status, 'FAILED');
  const severities = (['production', 'staging', 'development'] as const).map((stage) => alertOf(result, rules({ stage }), WHERE)?.severity);
  assert.deepEqual(severities, ['critical', 'warning', 'warning']);
  assert.match(alertOf(result, rules({ stage: 'staging' }), WHERE)!.lines.join('\n'), /python_version: Python 3\.13\.1/);
  assert.equal(alert([critical('python_version'), critical('security')], [], 'development')?.severity, 'critical');
});

test('a result that could not be judged is told; foreign words write no line of their own', () => {
  assert.equal(alertOf(unjudged(goodFacts().at, rules(), 'no answer'), rules(), WHERE)?.lines[0], 'the environment could not be judged');
  const told = alertOf({ violations: [critical('security\nBcc: x', 'a\r\nb')], warnings: [], overall_status: 'FAILED' }, rules(), 'host:/a\nSubject: y');
  for (const line of [told!.subject, ...told!.lines]) assert.doesNotMatch(line, /[\r\n]/);
});

test('HM-05, HM-06: nothing is told exactly where nothing is wrong and warnings are within the limit', () => {
  const any = fc.array(fc.record({ check: fc.constantFrom('python_version', 'security', 'wheel_status'), severity: fc.constantFrom<Violation['severity']>('critical', 'warning'), message: fc.string() }));
  fc.assert(fc.property(any, fc.nat({ max: 12 }), fc.constantFrom<CheckRules['stage']>('development', 'staging', 'production'), fc.nat({ max: 8 }), (violations, count, stage, limit) => {
    const told = alert(violations, warnings(count), stage, limit);
    assert.equal(told === null, violations.length === 0 && count <= limit);
    assert.equal(told?.severity === 'critical', violations.some(({ check, severity }) => severity === 'critical' && (check !== 'python_version' || stage === 'production')));
    assert.ok((told?.lines.length ?? 0) <= 8);
  }));
});
