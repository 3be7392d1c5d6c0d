import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EnvironmentFacts } from '../../../../policy/checks/facts.js';
import { packageIntegrity } from '../../../../policy/checks/verifier/package-integrity.js';
import { GOOD_PACKAGES, goodFacts, measured, rules, unmeasured } from '../../../support/check-facts.js';

const judge = (facts: Partial<EnvironmentFacts>, more = {}) => packageIntegrity.judge(goodFacts(facts), rules(more));
const withVersion = (project: string, version: string) => measured(GOOD_PACKAGES.map((it) => (it.name === project ? { ...it, version } : it)));

test('VJ-07, VJ-09: the four packages of the document with their minima; nothing is wrong with what is at or above them', () => {
  assert.deepEqual(rules().minimumVersions, { pandas: '2.0.0', numpy: '1.24.0', fastapi: '0.100.0', sqlalchemy: '2.0.0' });
  assert.deepEqual(judge({}), { result: { required_packages: ['pandas', 'numpy', 'fastapi', 'sqlalchemy'], missing_packages: [], version_mismatches: [], changed_files: [] }, violations: [], warnings: [] });
  assert.deepEqual(judge({ packages: withVersion('fastapi', '0.100.0') }).violations, []);
  assert.deepEqual(judge({ packages: withVersion('numpy', '1.100.0') }).violations, []);
});

test('VJ-08: a missing package is critical and listed', () => {
  const { result, violations } = judge({ packages: measured(GOOD_PACKAGES.filter(({ name }) => name !== 'numpy')) });
  assert.deepEqual(result.missing_packages, ['numpy']);
  assert.deepEqual(violations, [{ check: 'package_integrity', severity: 'critical', message: 'missing required packages: numpy' }]);
});

test('VJ-08, DEF-05: a package that is installed and does not import is missing; an import of another name is not read as it', () => {
  const broken = judge({ imports: measured([{ module: 'pandas', ok: false, error: 'ImportError: libgomp.so.1' }, { module: 'yaml', ok: false, error: 'x' }]) });
  assert.deepEqual(broken.result.missing_packages, ['pandas']);
  assert.match(broken.violations[0]!.message, /pandas \(installed, and does not import: ImportError: libgomp\.so\.1\)/);
  assert.deepEqual(judge({ packages: measured([{ name: 'PyYAML', version: '6.0' }]), imports: measured([{ module: 'yaml', ok: false, error: 'x' }]) }, { minimumVersions: { pyyaml: '5.0' } }).result.missing_packages, []);
});

test('DEF-04: versions are ordered as versions: 0.95.0 is below 0.100.0, 2.10.0 above 2.9.0, 2.0.0rc1 below 2.0.0', () => {
  const old = judge({ packages: withVersion('fastapi', '0.95.0') });
  assert.deepEqual(old.result.version_mismatches, ['fastapi 0.95.0 < 0.100.0']);
  assert.deepEqual(old.violations, [{ check: 'package_integrity', severity: 'warning', message: 'package versions below their minimum: fastapi 0.95.0 < 0.100.0' }]);
  assert.deepEqual(judge({ packages: withVersion('pandas', '2.10.0') }, { minimumVersions: { pandas: '2.9.0' } }).violations, []);
  assert.deepEqual(judge({ packages: withVersion('pandas', '2.0.0rc1') }).result.version_mismatches, ['pandas 2.0.0rc1 < 2.0.0']);
});

test('VJ-08: a version, or a minimum, that can\'t be read is a mismatch and no pass', () => {
  assert.deepEqual(judge({ packages: withVersion('pandas', '') }).result.version_mismatches, ['pandas unknown < 2.0.0']);
  assert.deepEqual(judge({ packages: withVersion('pandas', 'unknown') }).violations.map(({ severity }) => severity), ['warning']);
  assert.deepEqual(judge({}, { minimumVersions: { pandas: 'newest' } }).result.version_mismatches, ['pandas 2.2.3 < newest']);
});

test('VJ-08: of two versions that are installed at once the older counts, and names are compared by PEP 503', () => {
  const packages = measured([...GOOD_PACKAGES, { name: 'Pandas', version: '1.5.3' }]);
  assert.deepEqual(judge({ packages }).result.version_mismatches, ['pandas 1.5.3 < 2.0.0']);
  assert.deepEqual(judge({ packages: measured([{ name: 'Typing.Extensions', version: '4.0' }]) }, { minimumVersions: { typing_extensions: '4.0' } }).violations, []);
});

test('DEF-17: packages or imports that could not be measured are a violation, said once, and nothing is claimed missing', () => {
  const blind = judge({ packages: unmeasured('no answer'), imports: unmeasured('no answer') });
  assert.deepEqual(blind.result.missing_packages, []);
  assert.deepEqual(blind.violations, [{ check: 'package_integrity', severity: 'warning', message: 'installed packages could not be measured: no answer' }]);
  assert.deepEqual(judge({ imports: unmeasured('timed out') }).violations.map(({ message }) => message), ['importing packages could not be measured: timed out']);
});

test('VJ-08: a drifted file, an injected .pth and .pyc are a critical violation on every stage, all of them in the part', () => {
  const differences = ['changed: pandas/__init__.py', 'in no RECORD: evil.pth', 'in no RECORD: __pycache__/six.cpython-312.pyc', 'd', 'e', 'f', 'g'];
  for (const stage of ['development', 'production'] as const) {
    const { result, violations } = judge({ integrity: measured({ run: 'ch-7k2m', files: 4000, differences }) }, { stage });
    assert.deepEqual(result.changed_files, differences);
    assert.equal(violations.length, 1);
    assert.equal(violations[0]!.severity, 'critical');
    assert.match(violations[0]!.message, /^7 differences from what ch-7k2m verified: changed: pandas\/__init__\.py, .* and 2 more$/);
  }
  assert.match(judge({ integrity: measured({ run: null, files: 1, differences: ['x'] }) }).violations[0]!.message, /^1 difference from what its packages installed: x$/);
});

test('integrity that was not looked at is null and claims nothing; one that could not be measured is a violation', () => {
  assert.equal(judge({ integrity: null }).result.changed_files, null);
  assert.deepEqual(judge({ integrity: null }).violations, []);
  const { result, violations } = judge({ integrity: unmeasured('no RECORD of pandas') });
  assert.equal(result.changed_files, null);
  assert.deepEqual(violations, [{ check: 'package_integrity', severity: 'warning', message: 'integrity of files could not be measured: no RECORD of pandas' }]);
});
