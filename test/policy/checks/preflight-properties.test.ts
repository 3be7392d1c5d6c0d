/** Random facts, with and without a blocking measurement that is missing: what is not measured is never READY, and nothing is unsaid. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EnvironmentFacts } from '../../../policy/checks/facts.js';
import { manualPreflight, preflight } from '../../../policy/checks/preflight.js';
import { GOOD_PACKAGES, goodFacts, goodInterpreter, goodLock, measured, rules, unmeasured } from '../../support/check-facts.js';

const virtual = goodFacts().virtual!;
const maybe = <T>(value: fc.Arbitrary<T>) => fc.oneof({ weight: 4, arbitrary: value.map(measured) }, { weight: 1, arbitrary: fc.constant(unmeasured()) });
/** Right most of the time: with so many facts, an environment that is ready would never come otherwise. */
const mostly = <T>(good: T, wild: fc.Arbitrary<T>): fc.Arbitrary<T> => fc.oneof({ weight: 12, arbitrary: fc.constant(good) }, { weight: 1, arbitrary: wild });
const timed = fc.option(maybe(fc.record({ seconds: fc.double(), rssMiB: fc.double() })));
const version = fc.constantFrom('3.12.4', '3.11.13', '3.13.1', '3.12.0rc1', 'none');
const end = fc.constantFrom('2020-01-01T00:00:00.000Z', '2099-01-01T00:00:00.000Z', 'never', null);

type Python = Pick<EnvironmentFacts, 'interpreter' | 'virtual' | 'standing'>;
const of = (own: string, standing: EnvironmentFacts['standing'] = null): Python => ({ interpreter: goodInterpreter({ version: own }), virtual: { ...virtual, configured: own, base: measured({ executable: '/b', version: own }) }, standing });
const good = fc.constantFrom(of('3.12.4'), of('3.11.13'), of('3.13.1', { run: 'ex-1', end: '2099-01-01T00:00:00.000Z' }));
const wild: fc.Arbitrary<Python> = fc.record({
  interpreter: fc.oneof(fc.tuple(version, fc.boolean()).map(([own, isVirtual]) => goodInterpreter({ version: own, isVirtual })), fc.constantFrom('absent' as const, 'broken' as const).map((kind) => ({ ok: false as const, kind, problem: 'gone' }))),
  virtual: fc.option(maybe(version.map((own) => ({ executable: '/b', version: own }))).map((base) => ({ ...virtual, base, configured: null }))),
  standing: fc.option(end.map((one) => ({ run: 'ex-1', end: one }))),
});

const PINS = GOOD_PACKAGES.map(({ name, version: pin }) => ({ project: name, version: pin }));
const imports = fc.subarray(rules().required).chain((modules) => fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }).map((bad) => modules.map((module, at) => ({ module, ok: !bad[at], error: '' }))));
const lock = fc.record({ exists: fc.boolean(), bytes: fc.constantFrom(0, 1, 99), ageSeconds: fc.option(fc.double()), pins: maybe(fc.constant(PINS)) }).map(goodLock);

const facts: fc.Arbitrary<EnvironmentFacts> = fc
  .tuple(
    fc.oneof({ weight: 6, arbitrary: good }, { weight: 1, arbitrary: wild }),
    fc.record({
      foundBy: mostly<EnvironmentFacts['foundBy']>('link', fc.constantFrom('VIRTUAL_ENV', 'PATH', 'nothing')),
      packages: mostly(goodFacts().packages, maybe(fc.subarray(GOOD_PACKAGES))),
      imports: mostly(goodFacts().imports, maybe(imports)),
      lock: mostly(goodLock(), lock),
      files: mostly(goodFacts().files, fc.array(fc.record({ path: fc.constantFrom(...rules().criticalFiles), mode: fc.option(fc.integer({ min: 0, max: 0o777 })) }), { maxLength: 6 })),
    }),
    fc.record({
      variables: fc.dictionary(fc.constantFrom('PRICER_PYTHON_VERSION', 'PRICER_WHEEL_STATUS', '__proto__'), fc.option(fc.string())),
      probe: timed,
      importTime: timed,
      conflicts: fc.option(maybe(fc.array(fc.string()))),
      wheels: fc.option(maybe(fc.record({ missing: fc.array(fc.string()), total: fc.nat() }))),
      config: fc.array(fc.record({ path: fc.string(), exists: fc.boolean(), problem: fc.option(fc.string()), pythonVersion: fc.option(fc.string()) })),
      onPath: fc.option(fc.string()),
      virtualEnv: fc.option(fc.string()),
    }),
  )
  .map(([python, deciding, others]) => goodFacts({ ...python, ...deciding, ...others }));

test('DIS-06: whatever the facts are, status and exit code agree, and every check says something', () => {
  fc.assert(
    fc.property(facts, (given) => {
      const report = manualPreflight(given, rules());
      assert.equal(report.exitCode, report.status === 'NOT_READY' ? 1 : 0);
      assert.equal(report.passed + report.warned + report.failed + report.unknown, report.total);
      assert.equal(report.status === 'NOT_READY', ['unsupported', 'not_found'].includes(report.python.status) || report.checks.some(({ blocking, status }) => blocking && (status === 'fail' || status === 'unknown')));
      for (const { check, lines, status, remedy } of report.checks) {
        assert.ok(lines.length > 0 && lines.every((line) => line !== '' && !line.startsWith('the check itself failed')), `${check}: ${lines.join('; ')}`);
        if (status === 'fail') assert.ok(remedy, `${check} fails without a way out`);
        if (status === 'pass') assert.equal(remedy, null);
      }
    }),
    { numRuns: 1000 },
  );
});

/** Each takes one fact that a blocking check needs away from facts on which nothing is wrong. */
const UNMEASURED: Record<string, Partial<EnvironmentFacts>> = {
  'no interpreter': { interpreter: { ok: false, kind: 'absent', problem: 'none' } },
  'an interpreter that does not run': { interpreter: { ok: false, kind: 'broken', problem: 'exit code 1' } },
  'a version that is none': { interpreter: goodInterpreter({ version: 'unknown' }) },
  'no pyvenv.cfg': { virtual: null },
  'a base that does not answer': { virtual: { ...virtual, base: unmeasured() } },
  'a pyvenv.cfg that says nothing readable': { virtual: { ...virtual, configured: '?' } },
  'no imports': { imports: unmeasured() },
  'an import left out': { imports: measured(['pandas', 'numpy', 'fastapi', 'sqlalchemy'].map((module) => ({ module, ok: true, error: '' }))) },
  'no list of packages': { packages: unmeasured() },
  'pins that could not be read': { lock: goodLock({ pins: unmeasured() }) },
  'an age that could not be told': { lock: goodLock({ ageSeconds: null }) },
  'no permissions at all': { files: [] },
  'permissions of one file left out': { files: [{ path: 'requirements.txt', mode: 0o644 }, { path: '.smvm_config', mode: null }] },
};

test('DEF-17: one blocking fact that was not measured is enough for NOT_READY, each of them, on an environment that is READY otherwise', () => {
  assert.equal(preflight(goodFacts(), rules()).status, 'READY');
  for (const [what, overrides] of Object.entries(UNMEASURED)) {
    const report = preflight(goodFacts(overrides), rules());
    assert.deepEqual([report.status, report.exitCode], ['NOT_READY', 1], what);
  }
});

test('DEF-17: no facts around it make an unmeasured blocking fact READY', () => {
  fc.assert(
    fc.property(facts, fc.constantFrom(...Object.keys(UNMEASURED)), (given, what) => {
      // Outside a virtual environment there is none to measure, which is a warning (PF-08).
      fc.pre(!given.interpreter.ok || given.interpreter.value.isVirtual);
      assert.equal(preflight({ ...given, ...UNMEASURED[what] }, rules()).status, 'NOT_READY');
    }),
    { numRuns: 1000 },
  );
});

test('the generator reaches every status: these properties judge something', () => {
  const seen = new Set(fc.sample(facts, 1000).map((given) => preflight(given, rules()).status));
  assert.deepEqual([...seen].sort(), ['NOT_READY', 'READY', 'READY_EXCEPTION', 'READY_FALLBACK']);
});
