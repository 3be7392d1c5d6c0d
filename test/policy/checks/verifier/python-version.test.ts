import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pythonVersion } from '../../../../policy/checks/verifier/python-version.js';
import { goodFacts, goodInterpreter, rules } from '../../../support/check-facts.js';

const judge = (version: string, more = {}) => pythonVersion.judge(goodFacts({ interpreter: goodInterpreter({ version }), ...more }), rules());

test('VJ-06: 3.12.x and exactly 3.11.13 are compatible; the part says what runs and what is required', () => {
  assert.deepEqual(judge('3.12.1'), { result: { current_version: '3.12.1', required_versions: ['3.12.x', '3.11.13'], compatible: true }, violations: [], warnings: [] });
  assert.equal(judge('3.11.13').result.compatible, true);
});

test('VJ-06, DIS-01: 3.11.9 fails here as it does in preflight, and so does what only begins like an approved version', () => {
  for (const version of ['3.11.9', '3.11.130', '3.120.1', '3.12.0rc2', '3.13.0', '3.10.4', '3.12', '']) {
    const { result, violations } = judge(version);
    assert.equal(result.compatible, false, version);
    assert.equal(violations.length, 1, version);
    assert.equal(violations[0]!.check, 'python_version');
    assert.equal(violations[0]!.severity, 'critical');
  }
  assert.match(judge('3.12.0rc2').violations[0]!.message, /3\.12\.0rc2/);
});

test('DIS-30: a wrong interpreter is a critical violation on every stage: the status is FAILED everywhere', () => {
  for (const stage of ['development', 'staging', 'production'] as const) {
    assert.equal(pythonVersion.judge(goodFacts({ interpreter: goodInterpreter({ version: '3.13.1' }) }), rules({ stage })).violations[0]!.severity, 'critical');
  }
});

test('VJ-06: no interpreter, or one that does not run, is critical; its version is null', () => {
  for (const kind of ['absent', 'broken'] as const) {
    const { result, violations } = pythonVersion.judge(goodFacts({ interpreter: { ok: false, kind, problem: 'exec format error' } }), rules());
    assert.deepEqual(result, { current_version: null, required_versions: ['3.12.x', '3.11.13'], compatible: false });
    assert.equal(violations[0]!.severity, 'critical');
    assert.match(violations[0]!.message, /exec format error/);
  }
});

test('EE-11: what stands by an exception is compatible and noted until its end, and critical after it', () => {
  const granted = judge('3.13.1', { standing: { run: 'ex-7k2m', end: '2026-03-02T12:00:00.000Z' } });
  assert.equal(granted.result.compatible, true);
  assert.deepEqual(granted.violations, []);
  assert.match(granted.warnings[0]!.message, /ex-7k2m/);
  const over = judge('3.13.1', { standing: { run: 'ex-7k2m', end: '2026-03-01T12:00:00.000Z' } });
  assert.equal(over.result.compatible, false);
  assert.equal(over.violations[0]!.severity, 'critical');
});
