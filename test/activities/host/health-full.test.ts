import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judged } from '../../../activities/host/health-full.js';
import { degrading } from '../../../activities/host/health-light.js';
import { afterCheck, healthState } from '../../../activities/host/health-rules.js';
import { rowKey, type FullFound, type HealthFinding, type HealthRow } from '../../../activities/host/store-health.js';
import type { EnvironmentFacts } from '../../../policy/checks/facts.js';
import { healthAlert } from '../../../policy/checks/health-alert.js';
import { healthKey } from '../../../policy/checks/health-key.js';
import type { CheckRules } from '../../../policy/checks/model.js';
import { preflight } from '../../../policy/checks/preflight.js';
import type { PreflightReport, VerificationResult } from '../../../policy/checks/results.js';
import { verify } from '../../../policy/checks/verification.js';
import { policyFileSchema } from '../../../policy/files/policy-file.js';
import { goodFacts, goodInterpreter, goodLock, GOOD_PACKAGES, measured, rules, unmeasured } from '../../support/check-facts.js';

const AT = new Date('2026-03-01T12:00:00.000Z');
const LINK = '/srv/pricer/.venv';
const { checks } = policyFileSchema.parse({});

/** Its row after a light check that found this, and the full check that followed. */
function rowOf(light: HealthFinding[], overrides: Partial<EnvironmentFacts>, by: CheckRules = rules()): HealthRow {
  const facts = goodFacts(overrides);
  const { findings, verification } = judged(preflight(facts, by), verify(facts, by), by);
  const before = afterCheck(undefined, LINK, 'light', { light }, AT);
  return afterCheck(before, LINK, 'full', { full: { findings, seen: '', at: AT.toISOString(), light }, verification }, AT);
}

const alertOn = (row: HealthRow, { stage }: Pick<CheckRules, 'stage'> = rules()) => healthAlert(healthState(row), 'calc-01', { stage, checks });

/** Nothing is told otherwise than its key says, or an agent would send what no one is told of. */
function assertKey(row: HealthRow): void {
  const { state, problems, verification } = healthState(row);
  assert.equal(rowKey(row), healthKey(state, problems, verification));
}

const noLock = goodLock({ exists: false, bytes: 0, ageSeconds: null, sha256: null, pins: unmeasured() });
const other = measured([...GOOD_PACKAGES.slice(1), { name: 'pandas', version: '2.0.0' }]);
const noPandas = { packages: measured(GOOD_PACKAGES.slice(1)), lock: goodLock({ pins: measured(GOOD_PACKAGES.slice(1).map(({ name, version }) => ({ project: name, version }))) }), imports: measured(['pandas', 'numpy', 'fastapi', 'sqlalchemy', 'pytest'].map((module) => ({ module, ok: module !== 'pandas', error: module === 'pandas' ? 'No module named pandas' : '' }))) };
const differs = measured({ run: 'wf-1', files: 4000, differences: ['bin/x is new'] });

test('DIS-07, DIS-08: preflight degrades, and how bad it is to who watches is the verifier\'s word', () => {
  const severity = (lock: 'warning' | 'critical'): Partial<CheckRules> => ({ severity: { lockMissing: lock, lockMismatch: lock }, minimumVersions: {} });
  for (const [what, facts] of [['no lock', { lock: noLock }], ['another version', { packages: other }]] as [string, Partial<EnvironmentFacts>][]) {
    for (const lock of ['warning', 'critical'] as const) {
      const by = rules(severity(lock));
      const row = rowOf([], facts, by);
      assert.equal(row.state, 'DEGRADED', what);
      assert.deepEqual(healthState(row).problems.map(({ check, severity: told }) => [check, told]), [['wheel_status', lock]], what);
      assert.equal(row.verification!.critical, lock === 'critical' ? 1 : 0);
      assert.equal(alertOn(row).severity, lock, what);
      assert.match(alertOn(row).lines[0]!, lock === 'critical' ? /^1 critical violation found$/ : /^1 violation and \d+ warnings? found$/);
      assertKey(row);
    }
  }
});

test('HM-05: one fault is one violation, whichever of the checks saw it', () => {
  const open = ['requirements.txt', 'requirements.lock', '.smvm_config'].map((path, at) => ({ path, mode: at === 0 ? 0o666 : 0o644 }));
  const faults: [string, HealthFinding[], Partial<EnvironmentFacts>][] = [
    ['a file that everybody may write', [degrading('security', 'requirements.txt: everybody may write it (mode 666)')], { files: open }],
    ['a missing package', [], noPandas],
    ['a new file', [degrading('package_integrity', 'differs from what wf-1 verified: bin/x is new')], { integrity: differs }],
    ['another interpreter', [degrading('python_version', 'Python 3.13.1 is not approved')], { interpreter: goodInterpreter({ version: '3.13.1' }), virtual: { ...goodFacts().virtual!, configured: '3.13.1', base: measured({ executable: '/opt/python', version: '3.13.1' }) } }],
  ];
  for (const [what, light, facts] of faults) {
    const row = rowOf(light, facts);
    assert.deepEqual([row.state, alertOn(row).severity, alertOn(row).lines[0], alertOn(row).lines.length], ['DEGRADED', 'critical', '1 critical violation found', 2], what);
    assertKey(row);
  }
});

test('a module that only preflight asks for is told beside what the verifier misses, by its name alone', () => {
  const imports = measured(['pandas', 'other'].map((module) => ({ module, ok: false, error: `No module named ${module}` })));
  const told = alertOn(rowOf([], { ...noPandas, imports }, rules({ required: ['pandas', 'other'] })));
  assert.equal(told.lines[0], '2 critical violations found');
  assert.match(told.lines[1]!, /missing required packages: pandas$/);
  assert.equal(told.lines[2], '- package_integrity: other: not available: No module named other');
  // That nothing could be imported is no news where the verifier says so, and stays where it asks for nothing.
  const untried = (minimumVersions: Record<string, string>): string[] => rowOf([], { imports: unmeasured('no answer'), integrity: differs }, rules({ minimumVersions })).full!.findings.map(({ message }) => message);
  assert.equal(untried({ pandas: '1.0' }).filter((message) => message.includes('no answer')).length, 1);
  assert.deepEqual(untried({}).filter((message) => message.includes('no answer')), ['no import could be tried: no answer']);
});

test('what a light check finds since the full one is another fault, and so is what the full one calls milder', () => {
  const [first, second] = [degrading('security', 'a: everybody may write it'), degrading('security', 'b: everybody may write it')];
  const full = (severity: 'warning' | 'critical', degrades = true): FullFound => ({ findings: [{ check: 'security', severity, message: 'everybody may write a', degrades }], seen: '', at: AT.toISOString(), light: [first] });
  const told = (light: HealthFinding[], found: FullFound): string[] => {
    const row = afterCheck(undefined, LINK, 'light', { light, full: found }, AT);
    assert.equal(row.state, 'DEGRADED');
    assertKey(row);
    return healthState(row).problems.map(({ message }) => message);
  };
  assert.deepEqual(told([first], full('critical')), ['everybody may write a']);
  assert.deepEqual(told([], full('critical')), ['everybody may write a'], 'it stands until the next one');
  assert.deepEqual(told([second], full('critical')).sort(), [second.message, 'everybody may write a'].sort());
  assert.deepEqual(told([first], full('warning')), [first.message, 'everybody may write a']);
  assert.deepEqual(told([first], full('critical', false)), [first.message, 'everybody may write a']);
  const { light: _none, ...old } = full('critical');
  assert.equal(told([first], old).length, 2, 'as an older agent kept it');
});

test('what a check says is told in 1,000 characters at most, and once', () => {
  const message = `${'é'.repeat(5_000)}\nend`;
  const verified = { overall_status: 'FAILED', violations: [{ check: 'security', severity: 'critical', message }], warnings: [], timestamp: '2026-11-21T12:00:00Z' } as unknown as VerificationResult;
  const report = { exitCode: 1, status: 'NOT_READY', checks: [{ check: 'security-permissions', blocking: true, status: 'fail', lines: [message] }, { check: 'wheel-status', blocking: true, status: 'fail', lines: ['x'.repeat(2_000)] }] } as unknown as PreflightReport;
  const { findings } = judged(report, verified, { warningLimit: 5 });
  assert.deepEqual(findings.map(({ check, message: told }) => [check, told.length, told.at(-1)]), [['security', 1000, '…'], ['wheel_status', 1000, '…']]);
});

test('HM-06: that there are more warnings than the limit is told, however many more', () => {
  const report = { exitCode: 0, status: 'READY', checks: [] } as unknown as PreflightReport;
  const keyWith = (warnings: number): string => {
    const { findings, verification } = judged(report, { overall_status: 'WARNING', violations: [], warnings: Array(warnings).fill('w'), timestamp: '' } as unknown as VerificationResult, { warningLimit: 5 });
    return rowKey({ state: 'GOOD', light: [], full: { findings, seen: '', at: '' }, verification });
  };
  assert.deepEqual([0, 5, 6, 7].map(keyWith), ['GOOD', 'GOOD', 'GOOD warnings', 'GOOD warnings']);
});
