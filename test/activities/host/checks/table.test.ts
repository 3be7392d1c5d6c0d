import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Wanted } from '../../../../activities/host/checks/context.js';
import type { EnvironmentFacts } from '../../../../policy/checks/facts.js';
import type { CheckRules, CheckStatus } from '../../../../policy/checks/model.js';
import type { PreflightStatus, VerificationResult } from '../../../../policy/checks/results.js';
import { preflight } from '../../../../policy/checks/preflight.js';
import { preflightSchema, verificationSchema } from '../../../../policy/checks/schema.js';
import { verificationExitCode, verify } from '../../../../policy/checks/verification.js';
import { checkedBench, fakeInterpreter, injectBytecode, RIGHT, SETTINGS, type Checked, type CheckedBench, type CheckedOptions } from '../../../support/checked-environment.js';

let bench: CheckedBench;
before(() => {
  bench = checkedBench({ limits: { importSeconds: 20 } });
});
after(() => bench.close());

interface Row {
  name: string;
  options?: CheckedOptions;
  /** Done to the environment by hand. */
  hand?: (at: Checked) => void;
  rules?: (at: Checked) => Partial<CheckRules>;
  wanted?: Partial<Wanted>;
  facts: (facts: EnvironmentFacts, at: Checked) => void;
  preflight: { status: PreflightStatus; exit: 0 | 1; checks?: Record<string, CheckStatus> };
  verify: { status: VerificationResult['overall_status']; exit: 0 | 1 | 2; violations?: [check: string, severity: 'critical' | 'warning', words: RegExp][]; warnings?: [check: string, words: RegExp][] };
}

const production: Partial<CheckRules> = { stage: 'production', severity: { lockMissing: 'warning', lockMismatch: 'critical' } };
const version = (facts: EnvironmentFacts): string | null => (facts.interpreter.ok ? facts.interpreter.value.version : null);
const failedImports = ({ imports }: EnvironmentFacts): string[] => (imports.ok ? imports.value.filter(({ ok }) => !ok).map(({ module }) => module) : ['not measured']);
const differences = ({ integrity }: EnvironmentFacts): string[] => (integrity?.ok ? integrity.value.differences : ['not measured']);
const old = (at: Checked): void => utimesSync(join(at.project, 'requirements.lock'), new Date(), new Date(Date.now() - 100_000_000));

const ROWS: Row[] = [
  {
    name: 'right',
    facts(facts, at) {
      assert.equal(version(facts), at.python.version);
      assert.deepEqual(facts.virtual?.base, { ok: true, value: { executable: at.python.realpath, version: at.python.version } });
      assert.deepEqual([facts.foundBy, failedImports(facts), differences(facts)], ['link', [], []]);
      assert.ok(facts.lock.pins.ok && facts.lock.pins.value.length === 3);
    },
    preflight: { status: 'READY', exit: 0 },
    verify: { status: 'PASSED', exit: 0, warnings: [] },
  },
  {
    name: 'fallback interpreter, exactly as the policy has it', options: { line: '3.11' }, rules: ({ python }) => ({ fallback: python.version }),
    facts: (facts, at) => assert.equal(version(facts), at.python.version),
    preflight: { status: 'READY_FALLBACK', exit: 0 },
    verify: { status: 'PASSED', exit: 0 },
  },
  {
    name: 'DIS-01: wrong interpreter, of the fallback\'s line and not its version', options: { line: '3.11' }, rules: () => ({ fallback: '3.11.0' }),
    facts: (facts, at) => assert.equal(version(facts), at.python.version),
    preflight: { status: 'NOT_READY', exit: 1, checks: { 'python-version': 'fail' } },
    verify: { status: 'FAILED', exit: 1, violations: [['python_version', 'critical', /3\.11\./]] },
  },
  {
    name: 'DEF-03: release candidate, told by a fake interpreter', hand: (at) => fakeInterpreter(at, { text: '3.12.0rc2', info: '3, 12, 0, "candidate", 2' }),
    facts: (facts) => assert.equal(version(facts), '3.12.0rc2'),
    preflight: { status: 'NOT_READY', exit: 1, checks: { 'python-version': 'fail', 'virtual-environment': 'fail' } },
    verify: { status: 'FAILED', exit: 1, violations: [['python_version', 'critical', /3\.12\.0rc2/]] },
  },
  {
    name: 'PF-07, DEF-02: made from another version than it says', hand: (at) => writeFileSync(join(at.link, 'pyvenv.cfg'), `home = ${join(at.python.realpath, '..')}\nversion = 3.12.77\n`),
    facts: (facts, at) => assert.deepEqual([facts.virtual?.configured, facts.virtual?.base.ok && facts.virtual.base.value.version], ['3.12.77', at.python.version]),
    preflight: { status: 'NOT_READY', exit: 1, checks: { 'virtual-environment': 'fail' } },
    verify: { status: 'PASSED', exit: 0 },
  },
  {
    name: 'PF-09: missing package', options: { packages: ['pandas==2.10.0', 'numpy==1.26.4'] },
    facts: (facts) => assert.deepEqual(failedImports(facts), ['beta']),
    preflight: { status: 'NOT_READY', exit: 1, checks: { 'package-dependencies': 'fail', 'wheel-status': 'fail' } },
    verify: { status: 'FAILED', exit: 1, violations: [['package_integrity', 'critical', /beta/], ['wheel_status', 'warning', /beta==0\.100\.0 is missing/]] },
  },
  {
    name: 'DEF-04: 0.95 against a minimum of 0.100', options: { packages: ['pandas==2.10.0', 'numpy==1.26.4', 'beta==0.95'], files: { 'requirements.lock': 'pandas==2.10.0\nnumpy==1.26.4\nbeta==0.95\n' } },
    facts: (facts) => assert.ok(facts.packages.ok && facts.packages.value.some(({ name, version: has }) => name === 'beta' && has === '0.95')),
    preflight: { status: 'READY', exit: 0 },
    verify: { status: 'WARNING', exit: 2, violations: [['package_integrity', 'warning', /beta 0\.95 < 0\.100\.0/]] },
  },
  {
    name: 'drifted file', hand: ({ site }) => appendFileSync(join(site, 'pandas/deep.py'), 'VALUE = 2\n'),
    facts: (facts) => assert.match(differences(facts).join('\n'), /^lib\/python3\.12\/site-packages\/pandas\/deep\.py was changed$/),
    preflight: { status: 'READY', exit: 0 },
    verify: { status: 'FAILED', exit: 1, violations: [['package_integrity', 'critical', /deep\.py was changed/]] },
  },
  {
    name: 'injected .pth and .pyc', hand: ({ site }) => ['dropped.pth', 'dropped.pyc', '__pycache__/gone.cpython-312.pyc'].forEach((name) => writeFileSync(join(site, name), '')),
    facts: (facts) => assert.deepEqual(differences(facts), ['__pycache__/gone.cpython-312.pyc has no source', 'dropped.pth is in no RECORD', 'dropped.pyc is in no RECORD'].map((it) => `lib/python3.12/site-packages/${it}`)),
    preflight: { status: 'READY', exit: 0 },
    verify: { status: 'FAILED', exit: 1, violations: [['package_integrity', 'critical', /dropped\.pth is in no RECORD/]] },
  },
  {
    name: 'injected .pyc with the time and size of its source', hand: ({ site, python }) => injectBytecode(python.realpath, join(site, 'beta.py')),
    facts: (facts) => assert.deepEqual(differences(facts), ['lib/python3.12/site-packages/__pycache__/beta.cpython-312.pyc is not what its source compiles to']),
    preflight: { status: 'READY', exit: 0 },
    verify: { status: 'FAILED', exit: 1, violations: [['package_integrity', 'critical', /beta\.cpython-312\.pyc is not what its source/]] },
  },
  {
    name: 'PF-14: world-writable file', hand: ({ project }) => chmodSync(join(project, '.smvm_config'), 0o666),
    facts: ({ files }) => assert.equal(files.find(({ path }) => path === '.smvm_config')?.mode, 0o666),
    preflight: { status: 'NOT_READY', exit: 1, checks: { 'security-permissions': 'fail' } },
    verify: { status: 'FAILED', exit: 1, violations: [['security', 'critical', /\.smvm_config/]] },
  },
  {
    name: 'DEF-01: 644 is nobody\'s fault', hand: ({ project }) => ['.smvm_config', 'requirements.lock'].forEach((name) => chmodSync(join(project, name), 0o644)),
    facts: ({ files }) => assert.deepEqual(files.filter(({ mode }) => mode !== null).map(({ path, mode }) => [path, mode]), [['requirements.lock', 0o644], ['.smvm_config', 0o644]]),
    preflight: { status: 'READY', exit: 0 },
    verify: { status: 'PASSED', exit: 0 },
  },
  {
    name: 'DIS-07: lock missing', hand: ({ project }) => rmSync(join(project, 'requirements.lock')),
    facts: ({ lock }) => assert.deepEqual([lock.exists, lock.ageSeconds, lock.pins.ok], [false, null, false]),
    preflight: { status: 'NOT_READY', exit: 1, checks: { 'wheel-status': 'fail' } },
    verify: { status: 'WARNING', exit: 2, violations: [['wheel_status', 'warning', /requirements\.lock not found/]] },
  },
  {
    name: 'PF-10: lock empty', hand: ({ project }) => writeFileSync(join(project, 'requirements.lock'), ''),
    facts: ({ lock }) => assert.deepEqual([lock.exists, lock.bytes, lock.pins.ok], [true, 0, false]),
    preflight: { status: 'NOT_READY', exit: 1, checks: { 'wheel-status': 'fail' } },
    verify: { status: 'WARNING', exit: 2, violations: [['wheel_status', 'warning', /empty/]] },
  },
  {
    name: 'PF-11, VJ-10: lock old', hand: old,
    facts: ({ lock }) => assert.ok(lock.ageSeconds! >= 99_999 && lock.ageSeconds! < 101_000),
    preflight: { status: 'READY', exit: 0, checks: { 'wheel-status': 'warn' } },
    verify: { status: 'PASSED', exit: 0, warnings: [['wheel_status', /stale/]] },
  },
  {
    name: 'DIS-08: lock of other versions, in production', options: { files: { 'requirements.lock': RIGHT.join('\n').replace('2.10.0', '2.9.0') } }, rules: () => production,
    facts: ({ lock }) => assert.ok(lock.pins.ok),
    preflight: { status: 'NOT_READY', exit: 1, checks: { 'wheel-status': 'fail' } },
    verify: { status: 'FAILED', exit: 1, violations: [['wheel_status', 'critical', /pandas: expected 2\.9\.0, got 2\.10\.0/]] },
  },
  {
    name: 'PF-13, VJ-12: variables missing', options: { files: { '.env': '' } },
    facts: ({ variables }) => assert.deepEqual(variables, { APP_PYTHON_VERSION: null, APP_WHEEL_STATUS: null }),
    preflight: { status: 'READY', exit: 0, checks: { 'environment-configuration': 'warn' } },
    verify: { status: 'PASSED', exit: 0, warnings: [['environment_config', /APP_PYTHON_VERSION/], ['environment_config', /APP_WHEEL_STATUS/]] },
  },
  {
    name: 'PF-15, VJ-15: slow import', options: { packages: [...RIGHT, 'slow==1.0'], files: { 'requirements.lock': `${RIGHT.join('\n')}\nslow==1.0\n` } }, rules: () => ({ required: ['beta', 'slow'], healthImports: ['slow'], probeMaxSeconds: 0.3, importMaxSeconds: 0.29 }),
    facts: ({ probe, importTime }) => assert.ok(probe?.ok && probe.value.seconds >= 0.3 && importTime?.ok && importTime.value.seconds >= 0.3),
    preflight: { status: 'READY', exit: 0, checks: { 'performance-baseline': 'warn' } },
    verify: { status: 'PASSED', exit: 0, warnings: [['performance', /slow/]] },
  },
  {
    name: 'DEF-17: a failed import is not fast', rules: () => ({ required: ['beta', 'nowhere'], healthImports: ['nowhere'] }),
    facts({ probe, importTime }) {
      for (const timed of [probe, importTime]) assert.match(timed?.ok === false ? timed.problem : 'measured', /ModuleNotFoundError: No module named 'nowhere'/);
    },
    preflight: { status: 'NOT_READY', exit: 1, checks: { 'package-dependencies': 'fail', 'performance-baseline': 'unknown' } },
    verify: { status: 'WARNING', exit: 2, violations: [['performance', 'warning', /nowhere/]] },
  },
  {
    name: 'broken: the interpreter it was made from is gone', hand({ link }) {
      rmSync(join(link, 'bin/python'));
      writeFileSync(join(link, 'pyvenv.cfg'), 'home = /nonexistent/bin\nversion = 3.12.1\n');
    },
    facts: ({ interpreter, virtual, packages }) => assert.deepEqual([interpreter.ok, interpreter.ok ? '' : interpreter.kind, virtual?.base.ok, packages.ok], [false, 'broken', false, false]),
    preflight: { status: 'NOT_READY', exit: 1, checks: { 'python-version': 'fail', 'package-dependencies': 'unknown' } },
    verify: { status: 'FAILED', exit: 1, violations: [['python_version', 'critical', /./]] },
  },
];

describe('a table of environments, built for real, against facts, status, exit code and JSON', () => {
  for (const row of ROWS) {
    test(row.name, async () => {
      const at = await bench.environment({ settings: SETTINGS, ...row.options });
      row.hand?.(at);
      const rules = at.rules(row.rules?.(at));
      const facts = await at.measure({ rules, ...row.wanted });
      row.facts(facts, at);
      judgePreflight(row, facts, rules);
      judgeVerification(row, facts, rules);
    });
  }
});

function judgePreflight({ preflight: expected }: Row, facts: EnvironmentFacts, rules: CheckRules): void {
  const report = preflight(facts, rules);
  const shown = JSON.stringify(report.checks.map(({ check, status, lines }) => [check, status, lines]), null, 1);
  assert.deepEqual([report.status, report.exitCode, report.total], [expected.status, expected.exit, 7], shown);
  const unlike = Object.fromEntries(report.checks.filter(({ status }) => status !== 'pass').map(({ check, status }) => [check, status]));
  if (expected.checks) assert.deepEqual(unlike, { ...unlike, ...expected.checks }, shown);
  else assert.deepEqual(unlike, {}, shown);
  assert.deepEqual(preflightSchema.parse(JSON.parse(JSON.stringify(report))), report);
}

function judgeVerification({ verify: expected }: Row, facts: EnvironmentFacts, rules: CheckRules): void {
  const result = verify(facts, rules);
  const shown = JSON.stringify([result.violations, result.warnings], null, 1);
  assert.deepEqual([result.overall_status, verificationExitCode(result)], [expected.status, expected.exit], shown);
  for (const [check, severity, words] of expected.violations ?? []) assert.ok(result.violations.some((one) => one.check === check && one.severity === severity && words.test(one.message)), `${check} ${severity} ${words} in ${shown}`);
  if (!expected.violations) assert.deepEqual(result.violations, [], shown);
  for (const [check, words] of expected.warnings ?? []) assert.ok(result.warnings.some((one) => one.check === check && words.test(one.message)), `${check} ${words} in ${shown}`);
  if (expected.warnings?.length === 0) assert.deepEqual(result.warnings, [], shown);
  assert.deepEqual(verificationSchema.parse(JSON.parse(JSON.stringify(result))), result);
}
