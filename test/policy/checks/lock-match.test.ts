import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lockDifferences } from '../../../policy/checks/lock-match.js';
import type { EnvironmentFacts } from '../../../policy/checks/facts.js';
import { freezeHash } from '../../../policy/freeze.js';
import { GOOD_PACKAGES, goodFacts, goodLock, measured, rules, unmeasured } from '../../support/check-facts.js';

const PINS = GOOD_PACKAGES.map(({ name, version }) => ({ project: name, version }));
const compared = (overrides: Partial<EnvironmentFacts>, expectedFreezeHash: string | null = null) => lockDifferences(goodFacts(overrides), rules({ expectedFreezeHash }));
const pins = (...given: [string, string][]) => ({ lock: goodLock({ pins: measured(given.map(([project, version]) => ({ project, version }))) }) });
const packages = (...given: [string, string][]) => ({ packages: measured(given.map(([name, version]) => ({ name, version }))) });

test('PF-12: what is installed is what the lock pins', () => {
  assert.deepEqual(compared({}), { ok: true, value: [] });
});

test('PF-12: missing, other and extra packages are named, in order of their names', () => {
  assert.deepEqual(compared({ ...pins(['numpy', '2.1.3'], ['zope', '1.0'], ['attrs', '1.0']), ...packages(['numpy', '2.1.2'], ['attrs', '1.0'], ['left', '3']) }), {
    ok: true,
    value: ['left==3 is not in the lock', 'numpy: expected 2.1.3, got 2.1.2', 'zope==1.0 is missing'],
  });
});

test('PF-12: names are compared by PEP 503 and versions by PEP 440, not as text', () => {
  assert.deepEqual(compared({ ...pins(['ruamel.yaml', '0.18.0'], ['A_B', '1.0']), ...packages(['ruamel-yaml', '0.18'], ['a-b', '1.0.0']) }), { ok: true, value: [] });
  assert.deepEqual(compared({ ...pins(['torch', '2.1.0']), ...packages(['torch', '2.1.0+cpu']) }), { ok: true, value: ['torch: expected 2.1.0, got 2.1.0+cpu'] });
  assert.deepEqual(compared({ ...pins(['fastapi', '0.100.0']), ...packages(['fastapi', '0.10.0']) }), { ok: true, value: ['fastapi: expected 0.100.0, got 0.10.0'] });
});

test('PF-12: pip, setuptools and wheel are left out on both sides', () => {
  assert.deepEqual(compared({ ...pins(['numpy', '1'], ['setuptools', '70']), ...packages(['numpy', '1'], ['pip', '24'], ['Wheel', '0.4']) }), { ok: true, value: [] });
});

test('PF-12: two versions of one package are a difference', () => {
  assert.deepEqual(compared({ ...pins(['numpy', '2.1.3']), ...packages(['numpy', '2.1.3'], ['numpy', '2.0.0']) }), { ok: true, value: ['numpy: expected 2.1.3, got 2.1.3 and 2.0.0'] });
});

test('DIS-08, PV-18: another freeze hash than the approved one is a difference, also where the lock matches', () => {
  const hash = freezeHash(PINS);
  assert.deepEqual(compared({}, hash), { ok: true, value: [] });
  const other = '0'.repeat(64);
  assert.deepEqual(compared({}, other), { ok: true, value: [`freeze hash: expected ${other}, got ${hash}`] });
});

test('DIS-08, DEF-17: an approved hash does not stand in for a lock that can\'t be read; another hash is known to differ', () => {
  const unread = { lock: goodLock({ pins: unmeasured('line 3: expected a pin') }) };
  assert.deepEqual(compared(unread, freezeHash(PINS)), { ok: false, problem: 'requirements.lock could not be read: line 3: expected a pin' });
  assert.equal(compared(unread, '0'.repeat(64)).ok, true);
});

test('DEF-17: without a list of packages, or without a lock, nothing is known', () => {
  assert.deepEqual(compared({ packages: unmeasured('metadata is damaged') }), { ok: false, problem: 'the installed packages could not be listed: metadata is damaged' });
  assert.deepEqual(compared({ lock: goodLock({ exists: false, bytes: 0, ageSeconds: null, sha256: null, pins: measured([]) }) }), { ok: false, problem: 'there is no requirements.lock' });
});
