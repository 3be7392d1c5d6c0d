import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EnvironmentFacts } from '../../../../policy/checks/facts.js';
import { security } from '../../../../policy/checks/verifier/security.js';
import { goodFacts, goodInterpreter, measured, rules, unmeasured } from '../../../support/check-facts.js';

const ADVISORIES = [{ project: 'FastAPI', versions: '<0.109.1', id: 'CVE-2026-0001', text: 'known to be insecure' }];
const judge = (facts: Partial<EnvironmentFacts>, more = {}) => security.judge(goodFacts(facts), rules({ advisories: ADVISORIES, ...more }));
const withModes = (...modes: (number | null)[]) => ({ files: ['requirements.txt', 'requirements.lock', '.smvm_config'].map((path, at) => ({ path, mode: modes[at] ?? null })) });

test('VJ-14: nothing wrong is three times true, measured', () => {
  assert.deepEqual(judge({}), { result: { secure_file_permissions: true, no_insecure_packages: true, environment_isolation: true }, violations: [], warnings: [] });
});

test('DIS-12, DEF-18: permissions of all three critical files are tested; a world-writable one is a critical violation', () => {
  for (const at of [0, 1, 2]) {
    const { result, violations } = judge(withModes(...[0o644, 0o644, 0o644].map((mode, index) => (index === at ? 0o666 : mode))));
    assert.equal(result.secure_file_permissions, false);
    assert.deepEqual(violations, [{ check: 'security', severity: 'critical', message: `everybody may write ${['requirements.txt', 'requirements.lock', '.smvm_config'][at]} (mode 666)` }]);
  }
});

test('DEF-01: what others may only read is secure, and so is what is not there; what was not looked at is not', () => {
  assert.equal(judge(withModes(0o644, 0o664, 0o755)).result.secure_file_permissions, true);
  assert.equal(judge(withModes(null, null, null)).result.secure_file_permissions, true);
  const unread = judge({ files: [] });
  assert.equal(unread.result.secure_file_permissions, false);
  assert.deepEqual(unread.violations.map(({ severity }) => severity), ['warning', 'warning', 'warning']);
});

test('VJ-14: a version the policy\'s advisories name is a violation; names by PEP 503, versions by PEP 440', () => {
  const { result, violations } = judge({ packages: measured([{ name: 'fastapi', version: '0.95.0' }]) });
  assert.equal(result.no_insecure_packages, false);
  assert.deepEqual(violations, [{ check: 'security', severity: 'warning', message: '1 insecure package: fastapi 0.95.0 (CVE-2026-0001)' }]);
  assert.equal(judge({ packages: measured([{ name: 'fastapi', version: '0.109.1' }]) }).result.no_insecure_packages, true);
});

test('DEF-18: without advisories nothing was compared: null and a note, not true; without packages null and a violation', () => {
  const none = judge({}, { advisories: [] });
  assert.equal(none.result.no_insecure_packages, null);
  assert.deepEqual(none.violations, []);
  assert.match(none.warnings[0]!.message, /names no advisories/);
  const blind = judge({ packages: unmeasured('no answer') });
  assert.equal(blind.result.no_insecure_packages, null);
  assert.equal(blind.violations.length, 1);
  assert.match(blind.violations[0]!.message, /no answer/);
});

test('VJ-14: no virtual environment, and one that sees the system\'s packages, is a plain warning', () => {
  const virtual = goodFacts().virtual!;
  for (const facts of [{ interpreter: goodInterpreter({ isVirtual: false }), virtual: null }, { virtual: { ...virtual, systemSitePackages: true } }, { virtual: null }, { interpreter: { ok: false, kind: 'absent', problem: 'none' } }] as Partial<EnvironmentFacts>[]) {
    const { result, violations, warnings } = judge(facts);
    assert.equal(result.environment_isolation, false);
    assert.deepEqual(violations, []);
    assert.equal(warnings.length, 1);
  }
});
