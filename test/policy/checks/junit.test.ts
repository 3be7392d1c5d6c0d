import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { junit } from '../../../policy/checks/junit.js';
import type { CheckResult, CheckStatus } from '../../../policy/checks/model.js';
import type { PreflightReport, VerificationResult } from '../../../policy/checks/results.js';
import { preflight } from '../../../policy/checks/preflight.js';
import { unjudged, verificationExitCode, verify } from '../../../policy/checks/verification.js';
import { GOOD_PACKAGES, goodFacts, goodInterpreter, measured, rules, unmeasured } from '../../support/check-facts.js';

interface Parsed {
  root: string;
  attributes: Record<string, string>;
  suites: { attributes: Record<string, string>; cases: { attributes: Record<string, string>; children: { tag: string; attributes: Record<string, string>; text: string }[] }[] }[];
}

/** A real XML parser reads all documents; a document that is no XML is null. */
const READER = `
import json, sys, xml.etree.ElementTree as tree
def read(text):
    try: root = tree.fromstring(text.encode())
    except tree.ParseError: return None
    return dict(root=root.tag, attributes=root.attrib, suites=[dict(attributes=suite.attrib, cases=[
        dict(attributes=case.attrib, children=[dict(tag=it.tag, attributes=it.attrib, text=it.text or '') for it in case]) for case in suite]) for suite in root])
json.dump([read(text) for text in json.load(sys.stdin)], sys.stdout)`;

function parsed(documents: string[]): Parsed[] {
  const { stdout, stderr, status } = spawnSync('python3', ['-I', '-c', READER], { input: JSON.stringify(documents), encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  assert.equal(status, 0, stderr);
  const read = JSON.parse(stdout) as (Parsed | null)[];
  read.forEach((one, at) => assert.ok(one, `expected XML, got ${documents[at]}`));
  return read as Parsed[];
}

/** What Jenkins and GitLab count on: names, whole numbers that agree with the elements, at most one problem a case, before its output. */
function assertJunit({ root, attributes, suites }: Parsed): void {
  assert.equal(root, 'testsuites');
  const cases = suites.flatMap((suite) => suite.cases);
  for (const [counted, own] of [[attributes, cases], ...suites.map((suite) => [suite.attributes, suite.cases])] as [Record<string, string>, typeof cases][]) {
    const having = (tag: string) => String(own.filter(({ children }) => children.some((it) => it.tag === tag)).length);
    assert.deepEqual([counted['tests'], counted['failures'], counted['errors'], counted['skipped']], [String(own.length), having('failure'), having('error'), '0']);
    assert.ok(counted['name']);
  }
  for (const suite of suites) {
    assert.ok(suite.cases.length > 0);
    assert.match(suite.attributes['timestamp'] ?? '2026-01-01T00:00:00', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
    assert.equal(new Set(suite.cases.map((it) => it.attributes['name'])).size, suite.cases.length);
    for (const { attributes: own, children } of suite.cases) {
      assert.ok(own['name'] && own['classname']);
      assert.ok(children.length <= 1);
      for (const it of children) {
        assert.match(it.tag, /^(failure|error|system-out)$/);
        if (it.tag !== 'system-out') assert.ok(it.attributes['message'] && it.attributes['type']);
      }
    }
  }
}

const read = (report: PreflightReport | null, result: VerificationResult | null): Parsed => parsed([junit(report, result)])[0]!;
const problems = ({ suites }: Parsed) => suites.flatMap(({ cases }) => cases.flatMap(({ attributes, children }) => children.filter(({ tag }) => tag !== 'system-out').map(({ tag, attributes: own }) => [attributes['name'], tag, own['type']])));

test('CI-10: one suite a report and one test case a check; a good environment has no problem', () => {
  const document = read(preflight(goodFacts(), rules()), verify(goodFacts(), rules()));
  assertJunit(document);
  assert.deepEqual(document.suites.map((suite) => [suite.attributes['name'], suite.attributes['timestamp'], suite.cases.map((it) => it.attributes['name'])]), [
    ['preflight', '2026-03-01T12:00:00', ['python-version', 'virtual-environment', 'package-dependencies', 'wheel-status', 'environment-configuration', 'security-permissions', 'performance-baseline']],
    ['verification', '2026-03-01T12:00:00', ['python_version', 'package_integrity', 'wheel_status', 'environment_config', 'security', 'performance']],
  ]);
  assert.deepEqual(problems(document), []);
});

test('fail and a violation are failures, unknown is an error, warn is text only', () => {
  const facts = goodFacts({
    interpreter: goodInterpreter({ version: '3.13.1' }), variables: { PRICER_PYTHON_VERSION: null, PRICER_WHEEL_STATUS: null }, importTime: unmeasured('No module named fastapi'), probe: unmeasured('no answer'),
    packages: measured(GOOD_PACKAGES.map((it) => (it.name === 'fastapi' ? { ...it, version: '0.95.0' } : it))), metrics: measured({ at: goodFacts().at, crashes: 1 }),
  });
  const document = read(preflight(facts, rules()), verify(facts, rules()));
  assertJunit(document);
  assert.deepEqual(problems(document).filter(([name]) => name !== 'virtual-environment' && name !== 'wheel-status'), [
    ['python-version', 'failure', 'fail'], ['performance-baseline', 'error', 'unknown'],
    ['python_version', 'failure', 'critical'], ['package_integrity', 'failure', 'warning'], ['wheel_status', 'failure', 'critical'], ['performance', 'error', 'unknown'], ['reported_metrics', 'failure', 'critical'],
  ]);
  const config = document.suites[1]!.cases.find(({ attributes }) => attributes['name'] === 'environment_config')!;
  assert.deepEqual(config.children.map(({ tag }) => tag), ['system-out']);
  assert.match(config.children[0]!.text, /^note: variable PRICER_PYTHON_VERSION is not set$/m);
});

test('a command that would exit with an error has a case that says why; so has a report of nothing', () => {
  for (const document of [read(null, unjudged(goodFacts().at, rules(), 'no answer')), read(null, null), read({ ...preflight(goodFacts(), rules()), checks: [] }, null)]) {
    assertJunit(document);
    assert.ok(problems(document).length > 0);
  }
  assert.deepEqual(problems(read(null, unjudged(goodFacts().at, rules(), 'no answer'))).map(([name, tag]) => [name, tag]), ['python_version', 'package_integrity', 'wheel_status', 'environment_config', 'security', 'performance', 'verification'].map((name) => [name, 'error']));
});

test('whatever foreign text holds, it is XML that says the same text, without control characters', () => {
  const evil = '</failure><testcase name="x"/>]]>&amp;<![CDATA[ "\'\u0000\u001b[31m\ud800 \ufffe\uffff\r\n\u2028 é 🙂';
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constant(evil));
  const check: fc.Arbitrary<CheckResult> = fc.record({ check: fc.constantFrom('a', 'b'), title: text, status: fc.constantFrom<CheckStatus>('pass', 'warn', 'fail', 'unknown'), blocking: fc.boolean(), lines: fc.array(text, { minLength: 1, maxLength: 3 }), evidence: fc.constant({}), remedy: fc.option(text) });
  const found = fc.array(fc.record({ check: fc.constantFrom('security', 'performance', 'other', '<&>"'), severity: fc.constantFrom<'critical' | 'warning'>('critical', 'warning'), message: text }), { maxLength: 4 });
  const inputs = fc.sample(fc.tuple(fc.uniqueArray(check, { selector: (it) => it.check, maxLength: 2 }), found, found), 200);
  const [report, result] = [preflight(goodFacts(), rules()), verify(goodFacts(), rules())];
  const documents = inputs.map(([checks, violations, warnings]) => junit({ ...report, checks }, { ...result, violations, warnings, overall_status: violations.length === 0 ? 'PASSED' : 'FAILED' }));
  for (const document of documents) assert.doesNotMatch(document, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]/);
  parsed(documents).forEach((document, at) => {
    assertJunit(document);
    const [checks, violations] = inputs[at]!;
    assert.equal(problems({ ...document, suites: [document.suites[0]!] }).length, checks.length === 0 ? 1 : checks.filter(({ status }) => status === 'fail' || status === 'unknown').length);
    assert.equal(problems({ ...document, suites: [document.suites[1]!] }).length, new Set(violations.map((it) => it.check)).size);
  });
  const exact = read(null, { ...result, warnings: [{ check: 'security', message: 'a < b && "c" > \'d\' ]]> é 🙂\u0000' }] });
  assert.equal(exact.suites[0]!.cases[4]!.children[0]!.text, 'note: a < b && "c" > \'d\' ]]> é 🙂\ufffd');
});

test('exit codes and documents agree: not 0 has a failure or an error', () => {
  for (const facts of [goodFacts({ imports: unmeasured() }), goodFacts({ importTime: null }), goodFacts({ interpreter: { ok: false, kind: 'absent', problem: 'none' } })]) {
    const [report, result] = [preflight(facts, rules()), verify(facts, rules())];
    if (report.exitCode !== 0) assert.ok(problems(read(report, null)).length > 0);
    assert.notEqual(verificationExitCode(result), 0);
    assert.ok(problems(read(null, result)).length > 0);
  }
});
