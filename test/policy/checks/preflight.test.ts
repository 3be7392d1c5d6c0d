import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EnvironmentFacts } from '../../../policy/checks/facts.js';
import type { Check, CheckStatus } from '../../../policy/checks/model.js';
import type { PythonStatus } from '../../../policy/checks/results.js';
import { judge, MANUAL_CHECKS, manualPreflight, preflight, PREFLIGHT_CHECKS, preflightStatus } from '../../../policy/checks/preflight.js';
import { goodFacts, goodInterpreter, goodLock, measured, rules, unmeasured } from '../../support/check-facts.js';

const reportOf = (overrides: Partial<EnvironmentFacts> = {}) => preflight(goodFacts(overrides), rules());

test('PF-16: the status is the interpreter\'s where nothing is wrong', () => {
  assert.equal(reportOf().status, 'READY');
  assert.equal(reportOf({ interpreter: goodInterpreter({ version: '3.11.13' }), virtual: { ...goodFacts().virtual!, configured: null, base: measured({ executable: '/b', version: '3.11.13' }) } }).status, 'READY_FALLBACK');
  const excepted = { interpreter: goodInterpreter({ version: '3.13.1' }), standing: { run: 'ex-1', end: '2099-01-01T00:00:00.000Z' }, virtual: { ...goodFacts().virtual!, configured: '3.13.1', base: measured({ executable: '/b', version: '3.13.1' }) } };
  assert.equal(reportOf(excepted).status, 'READY_EXCEPTION');
  assert.equal(reportOf({ ...excepted, standing: { run: 'ex-1', end: '2020-01-01T00:00:00.000Z' } }).status, 'NOT_READY');
});

test('PF-17, PF-01: seven checks in the documents\' order, counted by their verdicts', () => {
  assert.deepEqual(PREFLIGHT_CHECKS.map(({ name }) => name), ['python-version', 'virtual-environment', 'package-dependencies', 'wheel-status', 'environment-configuration', 'security-permissions', 'performance-baseline']);
  const report = reportOf({ lock: goodLock({ ageSeconds: 86_400 }), variables: {}, files: [] });
  assert.deepEqual([report.passed, report.warned, report.failed, report.unknown, report.total], [4, 1, 0, 2, 7]);
  assert.deepEqual(rules().required, ['pandas', 'numpy', 'fastapi', 'sqlalchemy', 'pytest']);
  assert.deepEqual([rules().primary, rules().fallback], ['3.12.x', '3.11.13']);
});

test('PF-04: all checks run where the first one fails', () => {
  const report = reportOf({ foundBy: 'nothing', interpreter: { ok: false, kind: 'absent', problem: 'none' }, virtual: null, packages: unmeasured(), imports: unmeasured(), probe: unmeasured() });
  assert.equal(report.checks.length, 7);
  assert.deepEqual(report.python, { status: 'not_found', version: null });
  assert.ok(report.checks.every(({ lines }) => lines.length > 0));
});

test('PF-18, DIS-06: failing 1, 2, 3, 4 or 6 is NOT_READY and exit code 1, on an interpreter that is primary', () => {
  const failing: Record<string, Partial<EnvironmentFacts>> = {
    'virtual-environment': { virtual: { ...goodFacts().virtual!, configured: '3.12.1' } },
    'package-dependencies': { imports: measured([]) },
    'wheel-status': { packages: measured([]) },
    'security-permissions': { files: [{ path: 'requirements.txt', mode: 0o666 }] },
  };
  for (const [name, overrides] of Object.entries(failing)) {
    const report = reportOf(overrides);
    assert.deepEqual([report.python.status, report.status, report.exitCode], ['primary', 'NOT_READY', 1], name);
    assert.deepEqual(report.checks.filter(({ status }) => status === 'fail' || status === 'unknown').map(({ check }) => check), [name]);
  }
  assert.equal(reportOf({ interpreter: goodInterpreter({ version: '3.9.1' }) }).exitCode, 1);
});

test('PF-18: checks 5 and 7 never affect the exit code', () => {
  for (const overrides of [{ variables: {} }, { variables: { PRICER_PYTHON_VERSION: null, PRICER_WHEEL_STATUS: null } }, { probe: null }, { probe: unmeasured() }, { probe: measured({ seconds: 99, rssMiB: 1 }) }]) {
    const report = reportOf(overrides);
    assert.deepEqual([report.status, report.exitCode], ['READY', 0], JSON.stringify(overrides));
  }
  assert.deepEqual(PREFLIGHT_CHECKS.filter(({ blocking }) => !blocking).map(({ name }) => name), ['environment-configuration', 'performance-baseline']);
});

test('DIS-07: at preflight a missing lock fails, whatever severity the verifier gives it', () => {
  const gone = { lock: goodLock({ exists: false, bytes: 0, ageSeconds: null, sha256: null, pins: unmeasured('gone') }) };
  for (const lockMissing of ['warning', 'critical'] as const) {
    assert.equal(preflight(goodFacts(gone), rules({ severity: { lockMissing, lockMismatch: 'warning' } })).exitCode, 1, lockMissing);
  }
});

test('DEF-17: a judge that throws has judged nothing', () => {
  const broken: Check = { name: 'broken', title: 'Broken', blocking: true, judge: () => { throw new RangeError('a\nb'); } };
  const result = judge(broken, goodFacts(), rules());
  assert.equal(result.status, 'unknown');
  assert.deepEqual(result.lines, ['the check itself failed: RangeError: a b']);
  assert.equal(preflightStatus('primary', [result]), 'NOT_READY');
});

test('DIS-06: by every status of the interpreter and of a check, only what decides decides', () => {
  const ready: Record<PythonStatus, string> = { primary: 'READY', fallback: 'READY_FALLBACK', exception: 'READY_EXCEPTION', unsupported: 'NOT_READY', not_found: 'NOT_READY' };
  for (const [python, status] of Object.entries(ready) as [PythonStatus, string][]) {
    for (const one of ['pass', 'warn', 'fail', 'unknown'] as CheckStatus[]) {
      assert.equal(preflightStatus(python, [{ status: one, blocking: false }]), status);
      assert.equal(preflightStatus(python, [{ status: one, blocking: true }]), one === 'pass' || one === 'warn' ? status : 'NOT_READY');
    }
  }
});

test('PF-20 to PF-26: the manual list adds nine checks, none of which decides', () => {
  assert.deepEqual(MANUAL_CHECKS.map(({ name }) => name), ['version-documented', 'package-compatibility', 'wheel-availability', 'config-content', 'python-on-path', 'insecure-packages', 'isolation', 'memory-use', 'startup-time']);
  assert.ok(MANUAL_CHECKS.every(({ blocking }) => !blocking));
  const report = manualPreflight(goodFacts({ config: [], conflicts: null, wheels: null, onPath: null }), rules());
  assert.deepEqual([report.total, report.status, report.exitCode], [16, 'READY', 0]);
});
