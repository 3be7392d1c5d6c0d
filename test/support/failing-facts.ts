/** What can be wrong with an environment, check by check: facts on which it does not pass, each as it is met in practice. */
import type { EnvironmentFacts } from '../../policy/checks/facts.js';
import type { CheckRules } from '../../policy/checks/model.js';
import { goodFacts, goodInterpreter, goodLock, GOOD_PACKAGES, measured, unmeasured } from './check-facts.js';

export interface FailingCase {
  facts: Partial<EnvironmentFacts>;
  rules?: Partial<CheckRules>;
}

const runs = (version: string): Partial<EnvironmentFacts> => ({ interpreter: goodInterpreter({ version }) });
/** No run of ours made it. */
const BY_HAND = { ...goodFacts().virtual!, path: '/srv/pricer/.venv' };
const replaced = { configured: '3.12.4', base: measured({ executable: '/usr/bin/python3.12', version: '3.12.9' }) };
const ABSENT: Partial<EnvironmentFacts> = { foundBy: 'nothing', interpreter: { ok: false, kind: 'absent', problem: 'neither an environment nor a python3 on PATH' }, virtual: null };
const BROKEN: Partial<EnvironmentFacts> = { interpreter: { ok: false, kind: 'broken', problem: '/srv/pricer/.venv/bin/python: No such file or directory' }, virtual: null };
const OF_SYSTEM: Partial<EnvironmentFacts> = { foundBy: 'PATH', virtual: null, interpreter: goodInterpreter({ isVirtual: false, executable: '/usr/bin/python3' }) };
const FAILED_IMPORT = measured(GOOD_PACKAGES.map(({ name }) => ({ module: name, ok: name !== 'pandas', error: name === 'pandas' ? "ModuleNotFoundError: No module named 'pandas'" : '' })));
const OTHER_PANDAS = measured(GOOD_PACKAGES.map((one) => (one.name === 'pandas' ? { ...one, version: '2.1.4' } : one)));
const config = (pythonVersion: string | null): Partial<EnvironmentFacts> => ({ config: [{ path: '.smvm_config', exists: true, problem: null, pythonVersion }] });
const OPEN_FILE: FailingCase = { facts: { files: goodFacts().files.map((one) => (one.path === 'requirements.lock' ? { ...one, mode: 0o666 } : one)) } };
const ADVISORIES: Partial<CheckRules> = { advisories: [{ project: 'pandas', versions: '<2.3', id: 'CVE-2026-12345', text: 'reads past the end of a file' }] };
const SLOW = measured({ seconds: 14.2, rssMiB: 2300 });
const NO_IMPORT = unmeasured("ModuleNotFoundError: No module named 'pandas'");

/** By name of the check. */
export const FAILING_CHECKS: Record<string, FailingCase[]> = {
  'python-version': [
    { facts: runs('3.9.1') }, { facts: runs('3.13.1') }, { facts: runs('3.12.4'), rules: { minPatch: { '3.12': 11 } } }, { facts: ABSENT }, { facts: BROKEN },
    { facts: { ...runs('3.13.9'), standing: { run: 'ex-3p9d', end: '2026-02-28T10:31:00.000Z' } } },
  ],
  'virtual-environment': [{ facts: { virtual: { ...goodFacts().virtual!, ...replaced } } }, { facts: { virtual: { ...BY_HAND, ...replaced } } }, { facts: { virtual: { ...goodFacts().virtual!, base: unmeasured('/opt/python/3.12.4/bin/python3.12: No such file or directory') } } }, { facts: OF_SYSTEM }, { facts: BROKEN }],
  'package-dependencies': [{ facts: { imports: FAILED_IMPORT } }, { facts: { imports: FAILED_IMPORT, virtual: BY_HAND, lock: goodLock({ pins: measured([]) }) } }, { facts: { ...BROKEN, imports: unmeasured('no interpreter answers') } }],
  'wheel-status': [
    { facts: { lock: goodLock({ exists: false }) } }, { facts: { lock: goodLock({ bytes: 0 }) } }, { facts: { packages: OTHER_PANDAS } }, { facts: { packages: OTHER_PANDAS, virtual: BY_HAND } },
    { facts: { lock: goodLock({ ageSeconds: 172_800 }) } }, { facts: { packages: unmeasured('no interpreter answers') } },
  ],
  'environment-configuration': [{ facts: { variables: { PRICER_PYTHON_VERSION: null, PRICER_WHEEL_STATUS: null } } }, { facts: { variables: { PRICER_PYTHON_VERSION: '3.11.13', PRICER_WHEEL_STATUS: 'healthy' } } }],
  'security-permissions': [OPEN_FILE],
  'performance-baseline': [{ facts: { probe: SLOW } }, { facts: { probe: NO_IMPORT } }],
  'version-documented': [{ facts: config(null) }, { facts: { config: [] } }],
  'package-compatibility': [{ facts: { conflicts: measured(['pandas 2.2.3 requires numpy>=2.2, and 2.1.3 is installed']) } }],
  'wheel-availability': [{ facts: { wheels: measured({ missing: ['pandas'], total: 5 }) } }, { facts: { wheels: unmeasured('no connection to the index') } }],
  'config-content': [{ facts: config('3.11.13') }],
  'python-on-path': [{ facts: { onPath: null } }],
  'insecure-packages': [{ facts: {}, rules: ADVISORIES }, { facts: {}, rules: { advisories: [] } }],
  isolation: [{ facts: { virtual: { ...goodFacts().virtual!, systemSitePackages: true } } }, { facts: { virtualEnv: '/srv/other/.venv' } }, { facts: OF_SYSTEM }],
  'memory-use': [{ facts: { probe: SLOW } }],
  'startup-time': [{ facts: { importTime: SLOW } }, { facts: { importTime: NO_IMPORT } }],
};

/** By part of the verifier's result. */
export const FAILING_VERIFIER: Record<string, FailingCase[]> = {
  python_version: [{ facts: runs('3.9.1') }],
  package_integrity: [
    { facts: { packages: measured(GOOD_PACKAGES.filter(({ name }) => name !== 'pandas')), imports: FAILED_IMPORT }, rules: { minimumVersions: { pandas: '2.0.0' } } }, { facts: {}, rules: { minimumVersions: { pandas: '9.0' } } },
    { facts: { integrity: measured({ run: 'ch-7k2m', files: 4000, differences: ['lib/python3.12/site-packages/pandas/core/frame.py is another file'] }) } }, { facts: { integrity: unmeasured('lib/python3.12: Permission denied') } },
  ],
  wheel_status: [{ facts: { lock: goodLock({ exists: false }) } }, { facts: { packages: OTHER_PANDAS } }, { facts: { lock: goodLock({ ageSeconds: 172_800 }) } }],
  environment_config: [{ facts: { variables: { PRICER_PYTHON_VERSION: null, PRICER_WHEEL_STATUS: 'healthy' } } }, { facts: config('3.11.13') }],
  security: [OPEN_FILE, { facts: {}, rules: ADVISORIES }, { facts: {}, rules: { advisories: [] } }, { facts: { virtual: { ...goodFacts().virtual!, systemSitePackages: true } } }],
  performance: [{ facts: { importTime: SLOW } }, { facts: { importTime: NO_IMPORT } }],
  reported_metrics: [{ facts: { metrics: measured({ at: '2026-03-01T11:58:00.000Z', testsFailed: 3, crashes: 1 }) } }, { facts: { metrics: measured({ at: '2026-03-01T11:58:00.000Z', solveSeconds: 10_000, memoryMiB: 1_000_000 }) } }],
};
