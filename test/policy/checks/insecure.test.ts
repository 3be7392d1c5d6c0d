import assert from 'node:assert/strict';
import { test } from 'node:test';
import { insecurePackages } from '../../../policy/checks/insecure.js';
import { goodFacts, measured, rules, unmeasured } from '../../support/check-facts.js';

const advisory = (project: string, versions: string, id = 'CVE-2026-1') => ({ project, versions, id, text: 'known to be insecure' });
const found = (packages: [string, string][], ...advisories: ReturnType<typeof advisory>[]) =>
  insecurePackages(goodFacts({ packages: measured(packages.map(([name, version]) => ({ name, version }))) }), rules({ advisories }));
const ids = (answer: ReturnType<typeof found>) => (answer.ok ? answer.value.map(({ id }) => id) : answer.problem);

test('PF-24: versions are compared by PEP 440: 0.95 is older than 0.100', () => {
  assert.deepEqual(ids(found([['fastapi', '0.95']], advisory('fastapi', '<0.100'))), ['CVE-2026-1']);
  assert.deepEqual(ids(found([['fastapi', '0.100.0']], advisory('fastapi', '<0.100'))), []);
  assert.deepEqual(ids(found([['numpy', '2.10.0']], advisory('numpy', '<2.9'))), []);
});

test('PF-24: ranges, pre-releases and names in other spellings are found; each advisory once', () => {
  assert.deepEqual(ids(found([['Ruamel_Yaml', '0.17rc1']], advisory('ruamel.yaml', '>=0.16,<0.18', 'A'), advisory('ruamel-yaml', '==0.17rc1', 'B'), advisory('other', '>0', 'C'))), ['A', 'B']);
});

test('PF-24, DEF-18: what can\'t be listed or compared is no clean result; what is known to be insecure stays known', () => {
  assert.equal(insecurePackages(goodFacts({ packages: unmeasured('no metadata') }), rules()).ok, false);
  assert.equal(ids(found([['numpy', 'banana']], advisory('numpy', '<2'))), 'numpy banana could not be compared with "<2" of CVE-2026-1');
  assert.equal(found([['numpy', '1.0']], advisory('numpy', 'less than 2')).ok, false);
  assert.deepEqual(ids(found([['numpy', 'banana'], ['pandas', '1.0']], advisory('numpy', '<2', 'A'), advisory('pandas', '<2', 'B'))), ['B']);
});
