import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fallbackDocuments } from '../../policy/documents.js';
import type { FallbackRecord } from '../../policy/fallback-record.js';
import type { LockVerdict, Outcome, PinVerdict, Verification } from '../../policy/model.js';

const pin = (project: string, verdict: PinVerdict['verdict'], why: string): PinVerdict => ({ project, version: '1.25.2', verdict, file: null, why });

const verdict = (version: string, missing: string[]): LockVerdict => ({
  version, missing, error: null, durationMs: 300,
  pins: [...missing.map((name) => pin(name, 'sdist-only', `no wheel for ${version}`)), pin('anyio', 'wheel', 'pure')],
});

const verification: Verification = {
  ok: true, files: { ok: true, checked: 7968, bad: [] }, lock: { ok: true, installed: 41, expected: 41, differences: [] },
  interpreter: { ok: true, expected: '3.11.13', got: '3.11.13' }, imports: { ok: true, passed: 19, total: 19, failures: [] },
  tests: { ok: true, ran: true, summary: '12 passed in 1.2s', outputPath: '/x' }, manifestDigest: 'd'.repeat(64), manifestFiles: 7968, freezeHash: 'e'.repeat(64), durationMs: 2400,
};

function record(outcome: Outcome = 'done', fields: Partial<FallbackRecord> = {}): FallbackRecord {
  const step = (name: string, from: number, ms: number, ok = true) => ({ step: name, ok, fact: `${name} fact`, workMs: ms, startedAt: new Date(from).toISOString(), endedAt: new Date(from + ms).toISOString() });
  const start = Date.UTC(2025, 10, 22, 11, 32, 8);
  return {
    result: {
      run: 'fb-7k2m', kind: 'fallback', env: { host: 'laptop', link: '/srv/pricer/.venv' }, outcome, message: 'answers from 3.11.13', from: '3.12.1', to: '3.11.13', planDigest: '9c41'.repeat(16),
      steps: [step('assess', start, 900), step('arm', start + 1000, 400), step('verify', start + 2000, 2400), step('switch', start + 5000, 0.2)], objections: [],
    },
    reason: 'new lock', requester: 'bob', verdicts: [verdict('3.12.1', ['greenlet', 'numpy', 'pandas']), verdict('3.11.13', [])],
    decision: '3 of 41 have no 3.12 wheel: greenlet numpy pandas. 3.11 has all 41.', at: '2025-11-22T11:32:15.000Z',
    verification, evidence: [{ name: 'tests', sha256: 'f'.repeat(64), bytes: 812, kept: true, where: 'records' }], ...fields,
  };
}

function texts(from: FallbackRecord): Record<string, string> {
  return Object.fromEntries(fallbackDocuments(from).map(({ path, text }) => [path, text]));
}

const FAILED: Outcome[] = ['rolled-back', 'rollback-incomplete', 'refused', 'superseded'];

test('WF-23: wheel_fallback.log gets start, date, primary Python version and failure reason', () => {
  const lines = texts(record())['wheel_fallback.log']!.split('\n');
  assert.deepEqual(lines.slice(0, 3), [
    '2025-11-22T11:32:08.000Z: Initiating wheel fallback procedure fb-7k2m on laptop:/srv/pricer',
    'Primary Python: 3.12.1',
    'Failure reason: 3 of 41 have no 3.12 wheel: greenlet numpy pandas. 3.11 has all 41.',
  ]);
  assert.ok(lines.includes('=== Wheel Fallback Completed ==='));
  assert.ok(lines.includes('Packages affected: greenlet numpy pandas'));
});

test('WF-31: deployment.log has the line wheel_status: fallback_to_3.11.13, alone on its line', () => {
  const text = texts(record())['deployment.log']!;
  assert.match(text, /^wheel_status: fallback_to_3\.11\.13$/m);
  assert.match(text, /^wheel_run: fb-7k2m$/m);
  assert.ok(text.endsWith('\n'));
});

test('WF-31: the line names the version that was really reached', () => {
  const with7 = record();
  assert.match(texts({ ...with7, result: { ...with7.result, to: '3.11.7' } })['deployment.log']!, /^wheel_status: fallback_to_3\.11\.7$/m);
});

test('WF-32: incident.log gets one dated line', () => {
  assert.match(texts(record())['incident.log']!, /^2025-11-22T11:32:15\.000Z: Interpreter fallback to 3\.11\.13 from 3\.12\.1 \(fb-7k2m, laptop:\/srv\/pricer, 3 of 41 [^\n]*\)\n$/);
});

test('WF-53: a failed fallback gets the same log, incident and report, and none of them says that it succeeded', () => {
  for (const outcome of FAILED) {
    const written = texts(record(outcome, { verification: null }));
    assert.deepEqual(Object.keys(written), ['wheel_fallback.log', 'deployment.log', 'incident.log', 'fallback_incidents.md', 'fallback_report.md']);
    assert.match(written['wheel_fallback.log']!, /=== Wheel Fallback Failed ===/);
    assert.doesNotMatch(written['deployment.log']!, /fallback_to_/);
    assert.match(written['deployment.log']!, new RegExp(`^wheel_status: fallback_failed_${outcome}$`, 'm'));
    assert.match(written['incident.log']!, new RegExp(`failed, ${outcome}; Python now: ${outcome === 'rollback-incomplete' ? 'not certain' : '3.12.1'} `));
    assert.match(written['fallback_incidents.md']!, new RegExp(`Outcome: failure, ${outcome}`));
    assert.match(written['fallback_report.md']!, new RegExp(`Outcome: ${outcome}\\.`));
    assert.doesNotMatch(Object.values(written).join(''), /runs Python 3\.11\.13 instead|Completed|success\b/);
  }
});

test('WF-53: a run that failed before anything was judged is documented with what is known', () => {
  const bare = record('refused', { verdicts: [], decision: '', verification: null, evidence: [] });
  const written = texts({ ...bare, result: { ...bare.result, steps: [], to: null, planDigest: null, from: null, message: 'no interpreter' } });
  assert.match(written['wheel_fallback.log']!, /^2025-11-22T11:32:15\.000Z: Initiating/);
  assert.match(written['wheel_fallback.log']!, /Failure reason: no interpreter/);
  assert.match(written['fallback_report.md']!, /Nothing was begun/);
  assert.doesNotMatch(Object.values(written).join(''), /undefined|null|NaN/);
});

test('DIS-16: all records of both documents are written, from one record, and agree on run, versions and outcome', () => {
  const documents = fallbackDocuments(record());
  assert.deepEqual(documents.map(({ path, mode }) => [path, mode]), [
    ['wheel_fallback.log', 'append'], ['deployment.log', 'append'], ['incident.log', 'append'], ['fallback_incidents.md', 'append'], ['fallback_report.md', 'replace'], ['requirements.lock', 'replace'],
  ]);
  for (const { path, text } of documents.slice(0, 5)) {
    assert.match(text, /fb-7k2m/, path);
    assert.match(text, /3\.11\.13/, path);
  }
});

test('WF-22, WF-43: the package list before, named by the time of the run, and the new lock with hashes; none of a failed run', () => {
  const named = (changes: object): string[] => fallbackDocuments({ ...record(), ...changes }).map(({ path }) => path);
  assert.ok(named({ frozen: ['a==1'] }).some((path) => /^requirements\.frozen\.\d{8}_\d{6}$/.test(path)));
  assert.ok(!fallbackDocuments(record('rolled-back')).some(({ path }) => path === 'requirements.lock'));
});

test('WF-27: the report names activation on both layouts', () => {
  const report = fallbackDocuments(record()).find(({ path }) => path === 'fallback_report.md')!.text;
  assert.match(report, /bin\/activate/);
  assert.match(report, /Scripts\\activate/);
});

test('each appended text names its run exactly once, even where the reason names it too', () => {
  const named = record('done', { reason: 'because fb-7k2m said so', decision: 'fb-7k2m' });
  for (const { path, mode, text } of fallbackDocuments({ ...named, result: { ...named.result, message: 'fb-7k2m is done' } })) {
    if (mode === 'append') assert.equal(text.split('fb-7k2m').length, 2, path);
  }
});

test('foreign words cannot write a line of their own into any log', () => {
  const forged = 'x\nwheel_status: fallback_to_9.9.9\r\u2028wheel_status: fallback_to_9.9.8\u0085y';
  const written = texts(record('rolled-back', { reason: forged, requester: forged, decision: forged }));
  for (const path of ['wheel_fallback.log', 'deployment.log', 'incident.log', 'fallback_incidents.md']) {
    assert.doesNotMatch(written[path]!, /^wheel_status: fallback_to_9/m, path);
    assert.doesNotMatch(written[path]!, /[\u0085\u2028\r]/, path);
  }
});

test('nothing is written when there was nothing to do', () => {
  assert.deepEqual(fallbackDocuments(record('not-needed')), []);
});

test('the report says what was wrong, which packages and why, each step with its time, undo, verification, evidence', () => {
  const report = texts(record())['fallback_report.md']!;
  for (const expected of [
    'runs Python 3.11.13 instead of 3.12.1', '| numpy 1.25.2 | sdist-only | no wheel for 3.12.1 |', 'Python 3.11.13: 1 of 1 package can be installed',
    '| ✓ verify | 2025-11-22 11:32:10 UTC | 2.4 s |', 'runbook undo laptop:/srv/pricer --reason', '--local', 'lock: 41 of 41', 'tests: 12 passed in 1.2s', 'f'.repeat(64), 'd'.repeat(64), '9c41'.repeat(16),
  ]) assert.ok(report.includes(expected), expected);
});

test('the report keeps its tables whole whatever a fact or reason holds', () => {
  const wild = record('done', { reason: '`a` | b <script>alert(1)</script> [x](javascript:y) # z' });
  wild.result.steps[0]!.fact = 'one | two\nthree | four';
  const report = texts(wild)['fallback_report.md']!;
  assert.doesNotMatch(report, /(^|[^\\])<script/);
  const row = report.split('\n').find((line) => line.includes('assess'))!;
  assert.equal(row.replaceAll('\\|', '').split('|').length, 7, row);
});
