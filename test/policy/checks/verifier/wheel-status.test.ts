import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LockFacts } from '../../../../policy/checks/facts.js';
import { wheelStatus } from '../../../../policy/checks/verifier/wheel-status.js';
import { GOOD_PACKAGES, goodFacts, goodLock, measured, rules, unmeasured } from '../../../support/check-facts.js';

const judge = (lock: Partial<LockFacts>, facts = {}, more = {}) => wheelStatus.judge(goodFacts({ lock: goodLock(lock), ...facts }), rules(more));
const NO_LOCK: Partial<LockFacts> = { exists: false, bytes: 0, ageSeconds: null, sha256: null, pins: unmeasured('no such file') };

test('VJ-11, DEF-18: a lock that is there, current and matched is really compared', () => {
  assert.deepEqual(judge({}), { result: { lock_file_exists: true, lock_file_current: true, packages_match_lock: true }, violations: [], warnings: [] });
  const other = judge({}, { packages: measured(GOOD_PACKAGES.map((it) => (it.name === 'numpy' ? { ...it, version: '2.0.0' } : it))) });
  assert.equal(other.result.packages_match_lock, false);
  assert.equal(other.violations.length, 1);
  assert.match(other.violations[0]!.message, /1 difference: numpy: expected 2\.1\.3, got 2\.0\.0/);
});

test('VJ-10, DIS-07: no lock is a violation of severity warning, critical where the policy says so; it matches nothing', () => {
  const missing = judge(NO_LOCK);
  assert.deepEqual(missing.result, { lock_file_exists: false, lock_file_current: false, packages_match_lock: false });
  assert.deepEqual(missing.violations, [{ check: 'wheel_status', severity: 'warning', message: 'lock file requirements.lock not found' }]);
  assert.deepEqual(missing.warnings, []);
  assert.equal(judge(NO_LOCK, {}, { severity: { lockMissing: 'critical', lockMismatch: 'warning' } }).violations[0]!.severity, 'critical');
});

test('VJ-10: an empty lock is as bad as none', () => {
  const empty = judge({ bytes: 0, pins: measured([]) });
  assert.deepEqual(empty.violations[0], { check: 'wheel_status', severity: 'warning', message: 'lock file requirements.lock is empty' });
  assert.equal(empty.result.packages_match_lock, false);
});

test('VJ-10: 24 h old or more is a plain warning; a second less is current', () => {
  assert.deepEqual(judge({ ageSeconds: 86_399 }).warnings, []);
  const old = judge({ ageSeconds: 86_400 });
  assert.equal(old.result.lock_file_current, false);
  assert.deepEqual(old.violations, []);
  assert.deepEqual(old.warnings, [{ check: 'wheel_status', message: 'lock file requirements.lock is stale: 24 h old, the limit is 24 h' }]);
});

test('a lock from the future, or of unknown age, is not current', () => {
  const future = judge({ ageSeconds: -5 });
  assert.equal(future.result.lock_file_current, false);
  assert.match(future.warnings[0]!.message, /in the future/);
  const unknown = judge({ ageSeconds: null });
  assert.equal(unknown.result.lock_file_current, false);
  assert.equal(unknown.violations.length, 1);
  assert.equal(judge({ ageSeconds: Number.NaN }).result.lock_file_current, false);
});

test('DIS-08: a mismatch is critical in production and a warning elsewhere, as the rules say; the approved hash wins', () => {
  const packages = measured(GOOD_PACKAGES.slice(1));
  assert.equal(judge({}, { packages }).violations[0]!.severity, 'critical');
  assert.equal(judge({}, { packages }, { severity: { lockMissing: 'warning', lockMismatch: 'warning' } }).violations[0]!.severity, 'warning');
  const unapproved = judge({}, {}, { expectedFreezeHash: '0'.repeat(64) });
  assert.equal(unapproved.result.packages_match_lock, false);
  assert.match(unapproved.violations[0]!.message, /freeze hash: expected 0{64}/);
});

test('DEF-17: what could not be compared is null and a violation, never a match', () => {
  for (const [lock, facts, words] of [[{ pins: unmeasured('line 3 is no pin') }, {}, /line 3 is no pin/], [{}, { packages: unmeasured('no answer') }, /no answer/]] as const) {
    const { result, violations } = judge(lock, facts);
    assert.equal(result.packages_match_lock, null);
    assert.equal(violations.length, 1);
    assert.equal(violations[0]!.severity, 'warning');
    assert.match(violations[0]!.message, words);
  }
});
