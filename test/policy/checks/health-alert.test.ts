import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foreignAlert, healthAlert } from '../../../policy/checks/health-alert.js';
import type { HealthState, Violation } from '../../../policy/checks/results.js';
import { policyFileSchema } from '../../../policy/files/policy-file.js';

const { checks } = policyFileSchema.parse({});
const found = (check: string, severity: Violation['severity'] = 'critical'): Violation => ({ check, severity, message: `${check} is wrong` });
const stateOf = (problems: Violation[], warnings = 0): HealthState => ({ link: '/srv/p/.venv', state: problems.length > 0 ? 'DEGRADED' : 'GOOD', mode: 'full', since: '2026-01-01T00:00:00.000Z', problems, verification: { status: 'FAILED', critical: 0, violations: 0, warnings, at: '2026-01-01T00:00:00.000Z' }, series: '' });
const told = (state: HealthState, stage: 'production' | 'development' = 'production') => healthAlert(state, 'web-01', { stage, checks });

test('HM-05: critical problems of a host are told with their count, the first five by name', () => {
  const alert = told(stateOf(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => found(name))));
  assert.equal(alert.severity, 'critical');
  assert.equal(alert.subject, 'runtime environment issues on web-01:/srv/p/.venv');
  assert.deepEqual(alert.lines, ['6 critical violations found', '- a: a is wrong', '- b: b is wrong', '- c: c is wrong', '- d: d is wrong', '- e: e is wrong']);
});

test('DIS-30: another interpreter is critical in production, and a warning elsewhere; a drifted file is critical everywhere', () => {
  assert.equal(told(stateOf([found('python_version')])).severity, 'critical');
  assert.equal(told(stateOf([found('python_version')]), 'development').severity, 'warning');
  assert.equal(told(stateOf([found('package_integrity')]), 'development').severity, 'critical');
});

test('HM-06, DEF-15: more warnings than the limit are told, at the limit the end of the trouble is', () => {
  assert.deepEqual(told(stateOf([], 6)).subject, 'multiple runtime environment issues on web-01:/srv/p/.venv');
  assert.deepEqual([told(stateOf([], 5)).severity, told(stateOf([], 5)).subject], ['info', 'healthy again: web-01:/srv/p/.venv']);
});

test('PV-35: interpreters that appeared are a warning with their count, the first five by name', () => {
  const appeared = ['3.6.1', '3.7.1', '3.8.1', '3.9.1', null, '2.7.18'].map((version, at) => ({ path: `/opt/${at}/python`, version, processes: 1, why: 'of no approved line' }));
  const { severity, subject, lines, command } = foreignAlert(appeared, 'web-01');
  assert.deepEqual([severity, subject, command], ['warning', 'interpreters in use that the policy does not approve on web-01', 'runbook host interpreters   # on web-01']);
  assert.deepEqual([lines.length, lines[0], lines[5]], [6, '6 interpreters appeared', '- unknown version /opt/4/python: of no approved line']);
});
