import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EnvironmentFacts } from '../../../policy/checks/facts.js';
import type { Violation } from '../../../policy/checks/results.js';
import { verificationLines } from '../../../client/cli/check-output.js';
import { overallStatus, unjudged, verificationExitCode, verify } from '../../../policy/checks/verification.js';
import { GOOD_PACKAGES, goodFacts, goodInterpreter, goodLock, measured, rules, unmeasured } from '../../support/check-facts.js';

const ADVISORIES = [{ project: 'pytest', versions: '<8.0', id: 'CVE-2026-0002', text: 'known to be insecure' }];
const RULES = rules({ advisories: ADVISORIES });
const withVersions = (versions: Record<string, string>): EnvironmentFacts['packages'] => measured(GOOD_PACKAGES.map((it) => ({ ...it, version: versions[it.name] ?? it.version })));
const UNSET = { PRICER_PYTHON_VERSION: null, PRICER_WHEEL_STATUS: null };
const withMode = (mode: number) => ({ files: goodFacts().files.map((file, at) => (at === 0 ? { ...file, mode } : file)) });

/** From good to worse, a field or two that belong together in each. */
const CHAINS: Partial<EnvironmentFacts>[][] = [
  [{}, { interpreter: goodInterpreter({ version: '3.12.0rc1' }) }, { interpreter: { ok: false, kind: 'broken', problem: 'exec format error' } }],
  [{}, { packages: withVersions({ fastapi: '0.95.0' }) }, { packages: measured(GOOD_PACKAGES.slice(1)) }],
  [{}, { imports: unmeasured() }],
  [{}, { imports: measured([{ module: 'numpy', ok: false, error: 'ImportError' }]) }],
  [{}, { lock: goodLock({ ageSeconds: 90_000 }) }, { lock: goodLock({ ageSeconds: null }) }],
  [{}, { variables: UNSET }, { variables: {} }],
  [{}, { config: [{ path: '.smvm_config', exists: true, problem: null, pythonVersion: null }] }, { config: [] }],
  [{}, withMode(0o666)],
  [{}, { importTime: measured({ seconds: 9, rssMiB: 90 }) }, { importTime: unmeasured() }],
  [{}, { importTime: null }],
  [{}, { integrity: unmeasured() }, { integrity: measured({ run: null, files: 2, differences: ['in no RECORD: evil.pth'] }) }],
  [{}, { metrics: measured({ at: goodFacts().at, solveSeconds: 31 }) }, { metrics: measured({ at: goodFacts().at, solveSeconds: 31, crashes: 1 }) }],
  [{}, { metrics: unmeasured() }],
  [{}, { virtual: { ...goodFacts().virtual!, systemSitePackages: true } }],
];
/** What hides other findings: never a pass, whatever else is so. */
const BLIND: Partial<EnvironmentFacts>[] = [{ packages: unmeasured() }, { lock: goodLock({ pins: unmeasured() }) }, { lock: goodLock({ exists: false, bytes: 0, ageSeconds: null, sha256: null, pins: unmeasured() }) }];

const levels = fc.tuple(...CHAINS.map((chain) => fc.nat({ max: chain.length - 1 })));
const factsAt = (at: number[]): EnvironmentFacts => goodFacts(Object.assign({}, ...CHAINS.map((chain, index) => chain[at[index]!])));
const RANK = { PASSED: 0, WARNING: 1, FAILED: 2, unknown: 3 };
const stage = fc.constantFrom<'warning' | 'critical'>('warning', 'critical').map((lockMismatch) => ({ ...RULES, severity: { lockMissing: 'warning' as const, lockMismatch } }));

test('VJ-01, VJ-03: a good environment is PASSED, every part measured, nothing claimed beside', () => {
  assert.deepEqual(verify(goodFacts(), RULES), {
    timestamp: '2026-03-01T12:00:00.000Z',
    python_version_check: { current_version: '3.12.4', required_versions: ['3.12.x', '3.11.13'], compatible: true },
    package_integrity_check: { required_packages: ['pandas', 'numpy', 'fastapi', 'sqlalchemy'], missing_packages: [], version_mismatches: [], changed_files: [] },
    wheel_status_check: { lock_file_exists: true, lock_file_current: true, packages_match_lock: true },
    environment_config_check: { required_vars_present: ['PRICER_PYTHON_VERSION', 'PRICER_WHEEL_STATUS'], config_file_exists: true, config_file_valid: true },
    security_check: { secure_file_permissions: true, no_insecure_packages: true, environment_isolation: true },
    performance_check: { import_time: 0.7, memory_usage: 85, performance_baseline_met: true },
    violations: [],
    warnings: [],
    overall_status: 'PASSED',
  });
});

test('VJ-03, VJ-04: plain warnings don\'t change the status; a violation makes it WARNING (2), a critical one FAILED (1)', () => {
  const noted = verify(goodFacts({ lock: goodLock({ ageSeconds: 90_000 }), variables: UNSET, config: [], importTime: measured({ seconds: 9, rssMiB: 90 }) }), rules());
  assert.equal(noted.warnings.length, 6);
  assert.deepEqual([noted.overall_status, verificationExitCode(noted)], ['PASSED', 0]);
  const old = verify(goodFacts({ packages: withVersions({ pytest: '7.0' }) }), rules({ advisories: ADVISORIES, severity: { lockMissing: 'warning', lockMismatch: 'warning' } }));
  assert.deepEqual([old.overall_status, verificationExitCode(old)], ['WARNING', 2]);
  const writable = verify(goodFacts(withMode(0o666)), RULES);
  assert.deepEqual([writable.overall_status, verificationExitCode(writable)], ['FAILED', 1]);
  assert.equal(verificationExitCode({ overall_status: 'unknown' }), 1);
});

test('VJ-03: FAILED exactly with a critical violation, WARNING exactly with none but others, PASSED exactly with none', () => {
  const severity = fc.constantFrom<Violation['severity']>('critical', 'warning');
  fc.assert(fc.property(fc.array(severity.map((one) => ({ severity: one }))), (violations) => {
    const expected = violations.length === 0 ? 'PASSED' : violations.filter((it) => it.severity === 'critical').length === 0 ? 'WARNING' : 'FAILED';
    assert.equal(overallStatus(violations), expected);
  }));
  fc.assert(fc.property(levels, stage, (at, its) => {
    const result = verify(factsAt(at), its);
    const critical = result.violations.filter((it) => it.severity === 'critical').length;
    assert.equal(result.overall_status === 'FAILED', critical > 0);
    assert.equal(result.overall_status === 'WARNING', critical === 0 && result.violations.length > 0);
    assert.equal(result.overall_status === 'PASSED', result.violations.length === 0);
  }));
});

test('VJ-03: a fact that is worse never improves the status, nor does it take a check\'s violations away', () => {
  fc.assert(fc.property(levels, levels, stage, (one, other, its) => {
    const worse = one.map((level, index) => Math.max(level, other[index]!));
    // Two chains that are about the same field would overwrite each other.
    const fields = worse.flatMap((level, index) => Object.keys(CHAINS[index]![level]!));
    fc.pre(new Set(fields).size === fields.length);
    const [a, b] = [verify(factsAt(one), its), verify(factsAt(worse), its)];
    assert.ok(RANK[b.overall_status] >= RANK[a.overall_status], `${a.overall_status} became ${b.overall_status}`);
    for (const { check } of a.violations) assert.ok(b.violations.some((it) => it.check === check), check);
  }), { numRuns: 500 });
});

test('DEF-17: what hides the rest is never a pass, alone or with anything else', () => {
  fc.assert(fc.property(levels, fc.constantFrom(...BLIND), stage, (at, blind, its) => {
    assert.notEqual(verify({ ...factsAt(at), ...blind }, its).overall_status, 'PASSED');
  }));
  for (const blind of BLIND) assert.equal(verify(goodFacts(blind), RULES).overall_status, 'WARNING');
});

test('VJ-16: every violation has check, severity and message, every warning check and message, each a single line', () => {
  const evil = 'x\nCRITICAL: fake\r\u001b[31m';
  const facts = goodFacts({ interpreter: { ok: false, kind: 'broken', problem: evil }, packages: unmeasured(evil), imports: unmeasured(evil), importTime: unmeasured(evil), integrity: unmeasured(evil), metrics: unmeasured(evil), config: [{ path: evil, exists: false, problem: null, pythonVersion: null }], lock: goodLock({ path: evil, pins: unmeasured(evil) }) });
  const { violations, warnings } = verify(facts, rules());
  assert.ok(violations.length >= 5 && warnings.length >= 2);
  for (const it of violations) assert.deepEqual(Object.keys(it), ['check', 'severity', 'message']);
  for (const it of warnings) assert.deepEqual(Object.keys(it), ['check', 'message']);
  for (const { message } of [...violations, ...warnings]) assert.doesNotMatch(message, /[\u0000-\u001f]/);
});

test('VJ-03: the start value unknown stands only where nothing could be judged, claims nothing, and is no pass', () => {
  const broken = { ...goodFacts(), files: null } as unknown as EnvironmentFacts;
  const result = verify(broken, rules());
  assert.equal(result.overall_status, 'unknown');
  assert.equal(verificationExitCode(result), 1);
  assert.match(result.violations[0]!.message, /^could not be judged: /);
  assert.deepEqual(result, unjudged(broken.at, rules(), result.violations[0]!.message.replace('could not be judged: ', '')));
  for (const part of [result.wheel_status_check.packages_match_lock, result.security_check.no_insecure_packages, result.performance_check.import_time]) assert.equal(part, null);
});

test('VJ-05: the summary that is printed says status, violations and warnings', () => {
  const lines = verificationLines(verify(goodFacts({ ...withMode(0o666), variables: UNSET }), RULES));
  assert.deepEqual(lines.slice(-3), ['Status: FAILED', 'Violations: 1 (1 critical)', 'Warnings: 2']);
  assert.match(lines[0]!, /^✗ critical  security: everybody may write requirements\.txt/);
  assert.deepEqual(verificationLines(verify(goodFacts(), RULES)), ['Status: PASSED', 'Violations: 0', 'Warnings: 0']);
});
