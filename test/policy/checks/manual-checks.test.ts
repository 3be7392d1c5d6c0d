import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configContent } from '../../../policy/checks/config-content.js';
import { insecurePackagesCheck } from '../../../policy/checks/insecure-packages.js';
import { isolation } from '../../../policy/checks/isolation.js';
import { memoryUse } from '../../../policy/checks/memory-use.js';
import type { EnvironmentFacts } from '../../../policy/checks/facts.js';
import type { CheckRules } from '../../../policy/checks/model.js';
import { packageCompatibility } from '../../../policy/checks/package-compatibility.js';
import { pythonOnPath } from '../../../policy/checks/python-on-path.js';
import { startupTime } from '../../../policy/checks/startup-time.js';
import { versionDocumented } from '../../../policy/checks/version-documented.js';
import { wheelAvailability } from '../../../policy/checks/wheel-availability.js';
import { goodFacts, goodInterpreter, measured, rules, unmeasured } from '../../support/check-facts.js';

const ABSENT = { ok: false, kind: 'absent', problem: 'none' } as const;
const config = (...files: Partial<EnvironmentFacts['config'][number]>[]) => ({ config: files.map((file) => ({ path: '.smvm_config', exists: true, problem: null, pythonVersion: '3.12.4', ...file })) });

test('PF-20: a configuration file that records the version is enough; none that does fails', () => {
  const judged = (overrides: Partial<EnvironmentFacts>) => versionDocumented.judge(goodFacts(overrides), rules());
  assert.equal(judged({}).status, 'pass');
  assert.equal(judged(config({ exists: false, pythonVersion: null }, { path: 'config.yaml' })).status, 'pass');
  const silent = judged(config({ pythonVersion: null }));
  assert.equal(silent.status, 'fail');
  assert.equal(silent.remedy, "echo 'python_version=3.12.4' >> /srv/pricer/.smvm_config");
  assert.match(judged(config({ path: 'config.yaml', pythonVersion: null })).remedy!, /^echo 'python_version: "3\.12\.4"' >> /);
  assert.equal(judged(config({ exists: false, pythonVersion: null })).status, 'fail');
});

test('PF-20: a file that can\'t be read, or no file at all, is unknown', () => {
  const judged = (overrides: Partial<EnvironmentFacts>) => versionDocumented.judge(goodFacts(overrides), rules());
  assert.equal(judged({ config: [] }).status, 'unknown');
  assert.equal(judged(config({ problem: 'EACCES', pythonVersion: null })).status, 'unknown');
});

test('PF-21: conflicts fail, one line each; not asked or not told is unknown', () => {
  const judged = (conflicts: EnvironmentFacts['conflicts']) => packageCompatibility.judge(goodFacts({ conflicts }), rules());
  assert.equal(judged(measured([])).status, 'pass');
  const wrong = judged(measured(['pandas 2.2.3 requires numpy>=1.26, got 1.20']));
  assert.equal(wrong.status, 'fail');
  assert.deepEqual(wrong.lines, ['1 conflict', 'pandas 2.2.3 requires numpy>=1.26, got 1.20']);
  for (const none of [null, unmeasured()]) assert.equal(judged(none).status, 'unknown');
});

test('PF-22, PV-20: every package has a wheel for the interpreter in use, or those that lack one are named', () => {
  const judged = (wheels: EnvironmentFacts['wheels']) => wheelAvailability.judge(goodFacts({ wheels }), rules());
  assert.deepEqual(judged(measured({ missing: [], total: 5 })).lines, ['all 5 have a wheel for Python 3.12.4']);
  const lacking = judged(measured({ missing: ['numpy==2.1.3'], total: 5 }));
  assert.equal(lacking.status, 'fail');
  assert.match(lacking.lines[0]!, /1 of 5 without a wheel for Python 3\.12\.4: numpy==2\.1\.3/);
  for (const none of [null, unmeasured('the index is silent'), measured({ missing: [], total: 0 })]) assert.equal(judged(none).status, 'unknown');
});

test('PF-23: what the configuration says must be the interpreter that answers', () => {
  const judged = (overrides: Partial<EnvironmentFacts>) => configContent.judge(goodFacts(overrides), rules());
  for (const pythonVersion of ['3.12.4', '3.12', '3.12.x']) assert.equal(judged(config({ pythonVersion })).status, 'pass', pythonVersion);
  const wrong = judged(config({}, { path: 'config.yaml', pythonVersion: '3.11.13' }));
  assert.equal(wrong.status, 'fail');
  assert.equal(wrong.lines[0], 'config.yaml says Python 3.11.13, and the interpreter is 3.12.4');
  assert.equal(wrong.remedy, '"${EDITOR:-vi}" /srv/pricer/config.yaml');
  assert.equal(judged(config({ exists: false })).status, 'warn');
  assert.equal(judged(config({ pythonVersion: null })).status, 'warn');
});

test('PF-23: without an interpreter, a readable file or any file the content is unknown', () => {
  const judged = (overrides: Partial<EnvironmentFacts>) => configContent.judge(goodFacts(overrides), rules());
  assert.equal(judged({ interpreter: ABSENT }).status, 'unknown');
  assert.equal(judged(config({ problem: 'EACCES' })).status, 'unknown');
  assert.equal(judged({ config: [] }).status, 'unknown');
});

test('PF-23: a python3 on PATH passes, whose ever it is; none fails', () => {
  const judged = (onPath: string | null) => pythonOnPath.judge(goodFacts({ onPath }), rules());
  assert.match(judged('/usr/bin/python3').lines[0]!, /the project's own is called by its path/);
  assert.match(judged('/opt/python/3.12.4/bin/python3.12').lines[0]!, /, the project's own$/);
  const none = judged(null);
  assert.equal(none.status, 'fail');
  assert.equal(none.remedy, 'export PATH=/srv/pricer/.venv/bin:"$PATH"');
});

test('PF-24: an insecure version fails with its advisory; no advisories prove nothing', () => {
  const advisories = [{ project: 'pandas', versions: '<2.2.4', id: 'CVE-2026-7', text: 'reads what it should not' }];
  const judged = (given: Partial<CheckRules>, overrides: Partial<EnvironmentFacts> = {}) => insecurePackagesCheck.judge(goodFacts(overrides), rules(given));
  const insecure = judged({ advisories });
  assert.equal(insecure.status, 'fail');
  assert.deepEqual(insecure.lines, ['1 insecure package', 'pandas 2.2.3: CVE-2026-7, reads what it should not']);
  assert.equal(insecure.remedy, '# first pin in requirements.lock fixed versions of pandas\nrunbook run change /srv/pricer');
  assert.equal(judged({ advisories: [{ ...advisories[0]!, versions: '<2' }] }).status, 'pass');
  assert.equal(judged({ advisories: [] }).status, 'unknown');
  assert.equal(judged({ advisories }, { packages: unmeasured() }).status, 'unknown');
});

test('PF-25: an own environment passes; the system\'s packages, another active environment and none at all warn', () => {
  const judged = (overrides: Partial<EnvironmentFacts>) => isolation.judge(goodFacts(overrides), rules());
  const virtual = goodFacts().virtual!;
  assert.equal(judged({}).status, 'pass');
  for (const virtualEnv of ['/srv/pricer/.venv', '/srv/pricer/.venv/', virtual.path]) assert.equal(judged({ virtualEnv }).status, 'pass', virtualEnv);
  assert.equal(judged({ virtualEnv: '/srv/other/.venv' }).status, 'warn');
  assert.match(judged({ virtual: { ...virtual, path: '/srv/pricer/.venv', systemSitePackages: true } }).remedy!, /^sed -i /);
  assert.equal(judged({ interpreter: goodInterpreter({ isVirtual: false }), virtual: null }).status, 'warn');
  assert.equal(judged({ virtual: null }).status, 'unknown');
  assert.equal(judged({ interpreter: ABSENT }).status, 'unknown');
});

test('PF-26: memory over the limit warns; the probe\'s counts, else the imports\'; not measured is unknown', () => {
  const judged = (probe: EnvironmentFacts['probe'], importTime: EnvironmentFacts['importTime'] = null) => memoryUse.judge(goodFacts({ probe, importTime }), rules());
  assert.equal(judged(measured({ seconds: 1, rssMiB: 512 })).status, 'pass');
  assert.equal(judged(measured({ seconds: 1, rssMiB: 513 })).status, 'warn');
  assert.equal(judged(unmeasured(), measured({ seconds: 1, rssMiB: 600 })).status, 'warn');
  for (const none of [null, unmeasured(), measured({ seconds: 1, rssMiB: 0 }), measured({ seconds: 1, rssMiB: Number.NaN })]) assert.equal(judged(none).status, 'unknown');
});

test('PF-26: a start is the interpreter and its imports; over the limit warns, not measured is unknown', () => {
  const judged = (overrides: Partial<EnvironmentFacts>) => startupTime.judge(goodFacts(overrides), rules());
  assert.equal(judged({}).status, 'pass');
  assert.equal(judged({ importTime: measured({ seconds: 1.97, rssMiB: 1 }) }).status, 'warn');
  assert.equal(judged({ interpreter: goodInterpreter({ startupMs: 1900 }) }).status, 'warn');
  assert.equal(judged({ interpreter: goodInterpreter({ startupMs: Number.NaN }) }).status, 'unknown');
  for (const importTime of [null, unmeasured()]) assert.equal(judged({ importTime }).status, 'unknown');
  assert.equal(judged({ interpreter: ABSENT }).status, 'unknown');
});
