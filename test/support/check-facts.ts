/** Facts of an environment on which nothing is wrong, and the rules it is judged by; a test names what differs. */
import type { EnvironmentFacts, InterpreterFacts, LockFacts, Measured } from '../../policy/checks/facts.js';
import type { CheckRules } from '../../policy/checks/model.js';
import { checkPolicyOf, rulesFor } from '../../policy/checks/rules.js';
import { policyFileSchema } from '../../policy/files/policy-file.js';

/** What is installed and locked in the good environment. */
export const GOOD_PACKAGES = [
  { name: 'pandas', version: '2.2.3' },
  { name: 'numpy', version: '2.1.3' },
  { name: 'fastapi', version: '0.115.6' },
  { name: 'sqlalchemy', version: '2.0.36' },
  { name: 'pytest', version: '8.3.4' },
];

/** A measured value. */
export function measured<T>(value: T): Measured<T> {
  return { ok: true, value };
}

/** A measurement there is none of. */
export function unmeasured(problem = 'nobody could measure it'): { ok: false; problem: string } {
  return { ok: false, problem };
}

/** An interpreter that answers; 3.12.4 in the project's environment. */
export function goodInterpreter(overrides: Partial<InterpreterFacts> = {}): EnvironmentFacts['interpreter'] {
  const value: InterpreterFacts = {
    executable: '/srv/pricer/.venv/bin/python',
    realpath: '/opt/python/3.12.4/bin/python3.12',
    version: '3.12.4',
    implementation: 'CPython',
    isVirtual: true,
    startupMs: 40,
    ...overrides,
  };
  return { ok: true, value };
}

/** Written an hour ago; it pins exactly `GOOD_PACKAGES`. */
export function goodLock(overrides: Partial<LockFacts> = {}): LockFacts {
  const pins = measured(GOOD_PACKAGES.map(({ name, version }) => ({ project: name, version })));
  return { path: 'requirements.lock', exists: true, bytes: 2048, ageSeconds: 3600, sha256: 'ab'.repeat(32), pins, ...overrides };
}

/** An environment that every check passes, everything about it measured. */
export function goodFacts(overrides: Partial<EnvironmentFacts> = {}): EnvironmentFacts {
  return {
    at: '2026-03-01T12:00:00.000Z',
    host: 'calc-01',
    project: '/srv/pricer',
    name: 'pricer',
    link: '/srv/pricer/.venv',
    foundBy: 'link',
    interpreter: goodInterpreter(),
    virtual: {
      path: '/srv/pricer/.venvs/t1',
      configured: '3.12.4',
      base: measured({ executable: '/opt/python/3.12.4/bin/python3.12', version: '3.12.4' }),
      systemSitePackages: false,
    },
    onPath: '/usr/bin/python3',
    virtualEnv: null,
    standing: null,
    packages: measured(GOOD_PACKAGES),
    imports: measured(['pandas', 'numpy', 'fastapi', 'sqlalchemy', 'pytest'].map((module) => ({ module, ok: true, error: '' }))),
    lock: goodLock(),
    variables: { PRICER_PYTHON_VERSION: '3.12.4', PRICER_WHEEL_STATUS: 'healthy' },
    config: [{ path: '.smvm_config', exists: true, problem: null, pythonVersion: '3.12.4' }],
    files: ['requirements.txt', 'requirements.lock', '.smvm_config'].map((path) => ({ path, mode: 0o644 })),
    probe: measured({ seconds: 0.8, rssMiB: 90 }),
    importTime: measured({ seconds: 0.7, rssMiB: 85 }),
    integrity: measured({ run: 'wf-1', files: 4000, differences: [] }),
    conflicts: measured([]),
    wheels: measured({ missing: [], total: GOOD_PACKAGES.length }),
    metrics: null,
    ...overrides,
  };
}

/** The documents' rules, 3.12.x and 3.11.13, for the good environment on a host of production. */
export function rules(overrides: Partial<CheckRules> = {}): CheckRules {
  const policy = policyFileSchema.parse({
    interpreters: {
      primary: { version: '3.12.x', justification: 'tested with every package' },
      fallback: { version: '3.11.13', justification: 'most wheels' },
    },
    hostClasses: { production: { hosts: ['*'], stage: 'production' } },
  });
  const configFiles = [{ path: '.smvm_config', format: 'keyvalue' as const }];
  const settings = { name: 'pricer', lock: 'requirements.lock', envPrefix: 'PRICER', configFiles, expectedFreezeHash: null };
  return { ...rulesFor(checkPolicyOf(policy, 'calc-01'), settings), ...overrides };
}
