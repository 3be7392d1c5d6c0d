import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { gateExitCode, gateVerdict, warningsDigest } from '../../../policy/checks/gate.js';
import type { EnvironmentFacts } from '../../../policy/checks/facts.js';
import type { CheckRules } from '../../../policy/checks/model.js';
import type { PreflightReport, VerificationResult } from '../../../policy/checks/results.js';
import { preflight } from '../../../policy/checks/preflight.js';
import { unjudged, verify } from '../../../policy/checks/verification.js';
import { GOOD_PACKAGES, goodFacts, goodInterpreter, goodLock, measured, rules, unmeasured } from '../../support/check-facts.js';

const ENV = { host: 'calc-01', link: '/srv/pricer/.venv' };
/** An old fastapi that the lock pins: preflight has nothing against it, the verifier warns. */
const OLD = GOOD_PACKAGES.map((it) => (it.name === 'fastapi' ? { ...it, version: '0.95.0' } : it));
const oldFacts = (more: Partial<EnvironmentFacts> = {}) => goodFacts({ packages: measured(OLD), lock: goodLock({ pins: measured(OLD.map(({ name, version }) => ({ project: name, version }))) }), ...more });
const gate = (facts: EnvironmentFacts, more: Partial<CheckRules> = {}, accepted: string[] = []) => gateVerdict(preflight(facts, rules(more)), verify(facts, rules(more)), rules(more), accepted, facts);
const digest = (facts: EnvironmentFacts, env = ENV) => warningsDigest(env, facts, verify(facts, rules()), rules());

test('CI-10: what preflight and verifier both pass goes on, with nothing to say', () => {
  const verdict = gate(goodFacts());
  assert.deepEqual(verdict, { verdict: 'pass', notice: null });
  assert.equal(gateExitCode(verdict), 0);
});

test('CI-10: a failed or unknown check that decides blocks, with its evidence and its way out, before the verifier is looked at', () => {
  for (const [facts, words] of [
    [goodFacts({ interpreter: goodInterpreter({ version: '3.13.1' }) }), /3\.13\.1/],
    [goodFacts({ imports: unmeasured('no answer') }), /no answer/],
    [goodFacts({ files: goodFacts().files.map((file) => ({ ...file, mode: 0o666 })) }), /everybody may write/],
  ] as const) {
    const verdict = gate(facts, { onWarning: 'pass' });
    assert.equal(verdict.verdict, 'block');
    assert.equal(gateExitCode(verdict), 1);
    const { what, got, wayOut } = verdict.verdict === 'block' ? verdict.objections[0]! : assert.fail();
    assert.match(what, /^preflight: /);
    assert.match(got, words);
    assert.notEqual(wayOut, '');
  }
});

test('DIS-07: a missing lock, a warning to the verifier, blocks at every gate', () => {
  const facts = goodFacts({ lock: goodLock({ exists: false, bytes: 0, ageSeconds: null, sha256: null, pins: unmeasured('no such file') }) });
  assert.equal(verify(facts, rules()).overall_status, 'WARNING');
  for (const onWarning of ['pass', 'ask', 'block'] as const) assert.equal(gate(facts, { onWarning }, [digest(facts)]).verdict, 'block');
});

test('CI-10: what the verifier alone fails blocks, too', () => {
  const verdict = gate(goodFacts({ integrity: measured({ run: 'wf-1', files: 1, differences: ['in no RECORD: evil.pth'] }) }), { onWarning: 'pass' });
  assert.equal(verdict.verdict, 'block');
  assert.deepEqual(verdict.verdict === 'block' && verdict.objections.map(({ what, got }) => [what, got]), [['verification: package_integrity', '1 difference from what wf-1 verified: in no RECORD: evil.pth']]);
});

test('DIS-05: WARNING passes with a notice in development, waits for a named acceptance in production, blocks where the policy says so', () => {
  const facts = oldFacts();
  assert.equal(rules().onWarning, 'ask');
  const passed = gate(facts, { onWarning: 'pass' });
  assert.equal(passed.verdict, 'pass');
  assert.match(passed.verdict === 'pass' ? passed.notice ?? '' : '', /fastapi 0\.95\.0 < 0\.100\.0/);
  const asked = gate(facts);
  assert.equal(gateExitCode(asked), 3);
  assert.deepEqual(asked.verdict === 'ask' && asked.warningsDigest, digest(facts));
  const blocked = gate(facts, { onWarning: 'block' }, [digest(facts)]);
  assert.equal(gateExitCode(blocked), 1);
});

test('DIS-05: accepted is exactly what was accepted: other warnings, another lock or another tree ask again', () => {
  const accepted = [digest(oldFacts())];
  const passed = gate(oldFacts({ at: '2026-03-05T00:00:00.000Z', importTime: measured({ seconds: 1.1, rssMiB: 91 }) }), {}, accepted);
  assert.equal(passed.verdict, 'pass');
  assert.match(passed.verdict === 'pass' ? passed.notice ?? '' : '', /accepted on record/);
  const virtual = goodFacts().virtual!;
  for (const other of [oldFacts({ virtual: { ...virtual, path: '/srv/pricer/.venvs/t2' } }), oldFacts({ metrics: unmeasured('no JSON') }), oldFacts({ host: 'calc-02' }), oldFacts({ link: '/srv/other/.venv' })]) {
    assert.equal(gate(other, {}, accepted).verdict, 'ask');
  }
});

test('DIS-05: the digest is the same over repeated verifications: no time and no measured number is in it', () => {
  fc.assert(fc.property(fc.double({ min: 31, max: 1e4, noNaN: true }), fc.integer({ min: 0, max: 3e6 }), fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('2100-01-01') }), fc.shuffledSubarray(OLD, { minLength: OLD.length }), (seconds, age, at, packages) => {
    const now = oldFacts({
      at: at.toISOString(), packages: measured(packages), probe: measured({ seconds, rssMiB: seconds }), importTime: measured({ seconds, rssMiB: seconds }), metrics: measured({ at: at.toISOString(), solveSeconds: seconds, memoryMiB: 5000 + seconds }),
      interpreter: goodInterpreter({ startupMs: seconds }), lock: { ...oldFacts().lock, ageSeconds: age },
    });
    const before = oldFacts({ metrics: measured({ at: '2026-03-01T11:00:00.000Z', solveSeconds: 40, memoryMiB: 5000 }) });
    assert.equal(digest(now), digest(before));
  }));
});

test('DIS-05: the digest differs with environment, tree, interpreter, lock, any package and any violation, also beyond those a message names', () => {
  const virtual = goodFacts().virtual!;
  const many = Array.from({ length: 9 }, (_, at) => `f${at}`);
  const all = [
    digest(oldFacts()), digest(oldFacts(), { ...ENV, host: 'calc-02' }), digest(oldFacts(), { ...ENV, link: '/srv/other/.venv' }),
    digest(oldFacts({ virtual: { ...virtual, path: '/srv/pricer/.venvs/t2' } })), digest(oldFacts({ interpreter: goodInterpreter({ version: '3.12.5' }) })), digest(oldFacts({ interpreter: goodInterpreter({ realpath: '/usr/bin/python3.12' }) })),
    digest(oldFacts({ lock: { ...oldFacts().lock, sha256: 'cd'.repeat(32) } })), digest(oldFacts({ packages: measured([...OLD, { name: 'six', version: '1.17.0' }]) })), digest(oldFacts({ packages: unmeasured('no answer') })),
    digest(oldFacts({ metrics: unmeasured('no JSON') })), digest(oldFacts({ metrics: unmeasured('no such file') })), digest(oldFacts({ metrics: measured({ at: goodFacts().at, solveSeconds: 31 }) })), digest(oldFacts({ metrics: measured({ at: goodFacts().at, memoryMiB: 5000 }) })),
    digest(oldFacts({ integrity: measured({ run: null, files: 9, differences: many }) })), digest(oldFacts({ integrity: measured({ run: null, files: 9, differences: [...many.slice(0, 8), 'other'] }) })), digest(goodFacts()),
  ];
  assert.equal(new Set(all).size, all.length);
  const result = verify(oldFacts({ metrics: measured({ at: goodFacts().at, solveSeconds: 31, memoryMiB: 5000 }) }), rules());
  assert.equal(warningsDigest(ENV, oldFacts(), result, rules()), warningsDigest(ENV, oldFacts(), { ...result, violations: [...result.violations].reverse() }, rules()));
  assert.match(all[0]!, /^[0-9a-f]{64}$/);
});

test('DIS-05: an acceptance of insecure packages is for exactly those, also beyond the five that the message names', () => {
  const names = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7'];
  const packages = [...GOOD_PACKAGES, ...names.map((name) => ({ name, version: '1.0' }))];
  const facts = goodFacts({ packages: measured(packages), lock: goodLock({ pins: measured(packages.map(({ name, version }) => ({ project: name, version }))) }) });
  const about = (...projects: string[]) => ({ advisories: projects.map((project) => ({ project, versions: '<2', id: `ADV-${project}`, text: 'x' })) });
  const [six, otherSix] = [about(...names.slice(0, 6)), about(...names.slice(0, 5), 'a7')];
  // The message is the same for both: it names the first five and counts the sixth.
  assert.deepEqual(verify(facts, rules(six)).violations, verify(facts, rules(otherSix)).violations);
  const asked = gate(facts, six);
  const accepted = [asked.verdict === 'ask' ? asked.warningsDigest : assert.fail(asked.verdict)];
  assert.equal(gate(facts, six, accepted).verdict, 'pass');
  assert.equal(gate(facts, otherSix, accepted).verdict, 'ask');
  const renamed = { advisories: six.advisories.map((one, at) => (at === 5 ? { ...one, id: 'ADV-later' } : one)) };
  assert.equal(gate(facts, renamed, accepted).verdict, 'ask');
});

test('CI-10: what only refers to the reports names the environment', () => {
  const facts = goodFacts({ integrity: measured({ run: 'wf-1', files: 1, differences: ['in no RECORD: evil.pth'] }) });
  const verdict = gate(facts);
  assert.deepEqual(verdict.verdict === 'block' && verdict.objections.map(({ wayOut }) => wayOut), ['mend it, then try again; see runbook verify /srv/pricer']);
  const report = preflight(facts, rules());
  const empty = gateVerdict({ ...report, checks: [] }, verify(facts, rules()), rules(), [], facts);
  assert.equal(empty.verdict === 'block' && empty.objections[0]!.wayOut, 'see runbook preflight /srv/pricer');
});

test('PF-16, EE-11: the fallback interpreter, and one that stands by an exception, pass with a notice', () => {
  const fallback = gate(goodFacts({ interpreter: goodInterpreter({ version: '3.11.13' }), virtual: { ...goodFacts().virtual!, configured: '3.11.13', base: measured({ executable: '/opt/python3.11', version: '3.11.13' }) } }));
  assert.match(fallback.verdict === 'pass' ? fallback.notice ?? '' : '', /fallback interpreter 3\.11\.13/);
  const exception = gate(goodFacts({ interpreter: goodInterpreter({ version: '3.13.1' }), virtual: { ...goodFacts().virtual!, configured: '3.13.1', base: measured({ executable: '/opt/python3.13', version: '3.13.1' }) }, standing: { run: 'ex-7k2m', end: '2026-03-02T12:00:00.000Z' } }));
  assert.match(exception.verdict === 'pass' ? exception.notice ?? '' : '', /3\.13\.1, that only a granted exception allows/);
});

const good = goodFacts();
/** Mostly well: of eight that go wrong as often as not, nothing would be left to pass or to ask about. */
const mostly = (...wrong: Partial<EnvironmentFacts>[]): fc.Arbitrary<Partial<EnvironmentFacts>> => fc.oneof({ weight: 5, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: fc.constantFrom(...wrong) });
const parts = [
  // Something to ask about as often as not.
  fc.constantFrom({}, { packages: measured(OLD), lock: oldFacts().lock }),
  mostly({ interpreter: goodInterpreter({ version: '3.11.13' }) }, { interpreter: goodInterpreter({ version: '3.14.0' }) }, { interpreter: { ok: false, kind: 'absent', problem: 'none' } }),
  mostly({ packages: measured(OLD) }, { packages: measured(OLD.slice(1)) }, { packages: unmeasured() }),
  mostly({ imports: unmeasured() }, { imports: measured([{ module: 'pandas', ok: false, error: 'x' }]) }),
  mostly({ lock: oldFacts().lock }, { lock: goodLock({ exists: false, bytes: 0, ageSeconds: null, sha256: null, pins: unmeasured() }) }, { lock: goodLock({ pins: unmeasured() }) }, { lock: goodLock({ bytes: 0, pins: measured([]) }) }),
  mostly({ virtual: null }, { virtual: { ...good.virtual!, configured: '3.11.1' } }),
  mostly({ files: [] }, { files: good.files.map((file) => ({ ...file, mode: 0o666 })) }),
  mostly({ probe: null, importTime: null }, { probe: unmeasured(), importTime: unmeasured() }),
  mostly({ integrity: null }, { integrity: unmeasured() }, { integrity: measured({ run: null, files: 1, differences: ['x'] }) }),
];
const anyFacts = fc.tuple(...parts).map((chosen) => goodFacts(Object.assign({}, ...chosen)));
const policy = fc.constantFrom<CheckRules['onWarning']>('pass', 'ask', 'block');

test('CI-10, DIS-05: nothing that preflight blocks or the verifier fails is ever passed or asked about, whatever is accepted', () => {
  const seen = { pass: 0, ask: 0, block: 0 };
  fc.assert(fc.property(anyFacts, policy, fc.boolean(), (facts, onWarning, isAccepted) => {
    const [report, result] = [preflight(facts, rules()), verify(facts, rules())];
    const verdict = gateVerdict(report, result, rules({ onWarning }), isAccepted ? [digest(facts)] : [], facts);
    seen[verdict.verdict] += 1;
    if (report.exitCode === 1 || result.overall_status === 'FAILED') assert.equal(verdict.verdict, 'block');
    else if (result.overall_status === 'PASSED') assert.equal(verdict.verdict, 'pass');
    else assert.equal(verdict.verdict, onWarning === 'block' ? 'block' : onWarning === 'pass' || isAccepted ? 'pass' : 'ask');
    if (verdict.verdict === 'block') assert.ok(verdict.objections.length > 0);
  }), { numRuns: 400, seed: 7 });
  // The property is about all three, and not by chance about one of a kind.
  assert.ok(Math.min(seen.pass, seen.ask, seen.block) >= 10, JSON.stringify(seen));
});

test('a report that contradicts itself, or could not be judged, does not pass', () => {
  const facts = goodFacts();
  const [report, result] = [preflight(facts, rules()), verify(facts, rules())];
  const bad = report.checks.map((check, at): PreflightReport['checks'][number] => (at === 2 ? { ...check, status: 'unknown' } : check));
  const wrong: [PreflightReport, VerificationResult][] = [
    [{ ...report, checks: bad }, result], [{ ...report, checks: [] }, result], [{ ...report, exitCode: 1 }, result], [{ ...report, status: 'NOT_READY' }, result],
    [report, unjudged(facts.at, rules(), 'no answer')], [report, { ...result, overall_status: 'unknown' }], [report, { ...result, overall_status: 'FAILED' }],
    [report, { ...result, violations: [{ check: 'security', severity: 'critical', message: 'x' }] }], [report, { ...result, violations: [{ check: 'security', severity: 'warning', message: 'x' }] }],
  ];
  for (const [one, other] of wrong) {
    const verdict = gateVerdict(one, other, rules({ onWarning: 'pass' }), [], facts);
    assert.equal(verdict.verdict, 'block');
    assert.ok(verdict.verdict === 'block' && verdict.objections.length > 0);
  }
});
