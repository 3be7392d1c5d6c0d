import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fallbackDocuments } from '../../policy/documents.js';
import type { FallbackRecord } from '../../policy/fallback-record.js';
import type { LockProposal, Outcome } from '../../policy/model.js';
import { diagnosis, lockProposal, lockVerdict, performance, record, wheelBuild, wholeRecord } from '../support/fallback-records.js';

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
    assert.match(written['fallback_incidents.md']!, new RegExp(`Outcome: failure, ${outcome};`));
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
  assert.match(written['fallback_report.md']!, /Diagnosis: none was made/);
  assert.match(written['fallback_report.md']!, /- Performance: not measured/);
  assert.match(written['fallback_report.md']!, /- Host class: not known/);
  for (const path of ['performance.log', 'wheel_install.log', 'vendor_support.md']) assert.equal(written[path], undefined, path);
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

test('WF-22, WF-43, DIS-09: the package list before, named by the time of the run, and the new lock with hashes, pending until it is approved; none of a failed run', () => {
  const named = (changes: object): string[] => fallbackDocuments({ ...record(), ...changes }).map(({ path }) => path);
  assert.ok(named({ frozen: ['a==1'] }).some((path) => /^requirements\.frozen\.\d{8}_\d{6}$/.test(path)));
  assert.ok(!fallbackDocuments(record('rolled-back')).some(({ path }) => path === 'requirements.lock'));
  const lock = fallbackDocuments(record()).find(({ path }) => path === 'requirements.lock')!.text;
  assert.match(lock, /^# pending: .* Python 3\.11\.\d+, and no other; approved by nobody yet/);
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
    'runs Python 3.11.13 instead of 3.12.1', '| numpy 1.25.2 | sdist-only | not known | no wheel for 3.12.1 |', 'Python 3.11.13: 1 of 1 package can be installed',
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

/** Fields of a block, in their order: the words before the first colon of each line after `from`. */
const fieldNames = (text: string, from: RegExp): string[] => text.split('\n').slice(text.split('\n').findIndex((line) => from.test(line)) + 1).filter((line) => line !== '').map((line) => line.replace(/^- /, '').split(':')[0]!);

test('WF-49: the completion block has exactly its eight fields, whatever the outcome', () => {
  for (const outcome of ['done', ...FAILED] as const) {
    const text = texts(wholeRecord(outcome))['wheel_fallback.log']!;
    assert.deepEqual(fieldNames(text, /^=== Wheel Fallback/), ['Date', 'Original Python', 'Fallback Python', 'Reason', 'Packages affected', 'Resolution', 'Performance impact', 'Recommendations']);
    assert.match(text, /^Performance impact: the same, within what can be told \(sum of a DataFrame: before 10 ms, after 11 ms, baseline 10 ms, ratio 1\.08\)$/m);
    assert.match(text, /^Recommendations: (Complete the way back first; )?Pin versions of greenlet, numpy, pandas that have wheels for Python 3\.12\.1/m);
  }
  assert.match(texts(record())['wheel_fallback.log']!, /^Performance impact: not measured$/m);
  assert.match(texts(record('done', { performance: { ...performance, ran: false, summary: 'pandas is not in the lock' } }))['wheel_fallback.log']!, /^Performance impact: not measured: pandas is not in the lock$/m);
});

test('WF-50: an incident has exactly its six fields, whatever the outcome', () => {
  for (const outcome of ['done', ...FAILED] as const) {
    assert.deepEqual(fieldNames(texts(wholeRecord(outcome))['fallback_incidents.md']!, /^## Incident: /), ['Python versions', 'Trigger', 'Affected packages', 'Resolution', 'Outcome', 'Prevention']);
  }
});

test('WF-51: the report has summary, root cause from the diagnosis, resolution steps, impact and recommendations', () => {
  const report = texts(wholeRecord())['fallback_report.md']!;
  const titles = [...report.matchAll(/^## (.*)$/gm)].map(([, title]) => title);
  assert.deepEqual(titles, ['Summary', 'Root cause', 'Resolution steps', 'Source builds', 'Proposed locks', 'Verification', 'Impact', 'How to go back', 'Recommendations', 'Evidence', 'Recipients']);
  for (const expected of [
    '- Date: 2025-11-22 11:32:08 UTC to 2025-11-22 11:32:15 UTC (7.0 s)', '- Host class: production', '- Primary Python: 3.12.1', '- Fallback Python: 3.11.13',
    'an attempt with wheels alone on Python 3.12.1 could install 38 of 41', '| numpy | WHEEL\\_MISSING | python version mismatch | fallback interpreter | take a release with wheels for 3.12 |',
    'fatal error: Python.h', '- System: linux, x86\\_64, glibc 2.36, Debian GNU/Linux 12', 'gfortran missing', 'python3.12-dev: `apt-get install python3.12-dev`',
    '- Functionality: not affected', '- Performance: the same, within what can be told', '- Duration: 7.0 s',
  ]) assert.ok(report.includes(expected), `${expected}\n${report}`);
});

test('WF-52: the report lists its recipients where they are known, and none where not', () => {
  assert.match(texts(wholeRecord())['fallback_report.md']!, /## Recipients\n\n- platform@example\.org\n/);
  assert.doesNotMatch(texts(record())['fallback_report.md']!, /Recipients/);
});

test('WF-48: performance.log gets one line per measurement, in milliseconds, and none where nothing was tried', () => {
  assert.equal(texts(wholeRecord())['performance.log'], '2025-11-22T11:32:15.000Z: sum of a DataFrame: before_ms=10.400 after_ms=11.200 baseline_ms=10.100 ratio=1.077 band=same (fb-7k2m, laptop:/srv/pricer, 3.12.1 to 3.11.13)\n');
  const noBefore = texts(record('done', { performance: { ...performance, beforeMs: null, baselineMs: null, ratio: null, band: 'unknown' } }))['performance.log']!;
  assert.match(noBefore, /before_ms=unknown after_ms=11\.200 baseline_ms=unknown ratio=unknown band=unknown/);
  assert.match(texts(record('done', { performance: { ...performance, ran: false, summary: 'no module\nnamed pandas' } }))['performance.log']!, /^[^\n]*: not measured: no module named pandas \(fb-7k2m[^\n]*\n$/);
});

test('wheel_install.log tells where the whole output is, by digest, and quotes what stands out so that no line of it is one of ours', () => {
  const text = texts(wholeRecord('done', { diagnosis: { ...diagnosis, attempt: { ...diagnosis.attempt, lines: ['installable: 41 of 41\noutput_sha256: forged'] } } }))['wheel_install.log']!;
  assert.match(text, /^installable: 38 of 41$/m);
  assert.match(text, /^output: laptop:\/var\/lib\/runbook\/runs\/fb-7k2m\/attempt\.log$/m);
  assert.match(text, new RegExp(`^output_sha256: ${'a1'.repeat(32)}$`, 'm'));
  assert.match(text, /^\| installable: 41 of 41 output_sha256: forged$/m);
});

test('WF-72: vendor_support.md has a block of seven fields for each package that failed on every rung', () => {
  const text = texts(wholeRecord('refused', { verdicts: [lockVerdict('3.12.1', ['greenlet', 'numpy', 'pandas']), lockVerdict('3.11.13', ['greenlet', 'numpy'])] }))['vendor_support.md']!;
  const blocks = text.split(/^## /m).slice(1);
  // greenlet was built from source; pandas has a wheel for the fallback, but its build failed.
  assert.deepEqual(blocks.map((block) => block.split('\n')[0]), ['numpy', 'pandas']);
  for (const block of blocks) assert.deepEqual(fieldNames(block, /^(numpy|pandas)$/), ['Package', 'Version', 'Python', 'Platform', 'Error', 'Steps tried', 'Business impact']);
  for (const expected of [/- Version: 1\.25\.2/, /- Python: 3\.11\.13/, /- Platform: linux, x86\\_64, glibc 2\.36/, /- Error: WHEEL\\_MISSING: ERROR: No matching distribution/, /- Steps tried: wheel for Python 3\.12\.1: none; wheel for Python 3\.11\.13: none; known-good pins of the policy for Python 3\.12\.1: tried in a scratch tree, installed, 19 of 19 imports/, /- Business impact: laptop:\/srv\/pricer \(production\) can't have this lock; Python now: 3\.12\.1\. .*new lock/]) assert.match(blocks[0]!, expected);
  assert.match(blocks[1]!, /- Error: BUILD: error: metadata-generation-failed/);
  assert.match(blocks[1]!, /source build on build-01: BUILD, log build-01:/);
});

test('WF-72: no vendor is asked where a rung helped, where only the host refused, or where nothing was judged', () => {
  assert.equal(texts(record())['vendor_support.md'], undefined);
  assert.equal(texts(record('refused'))['vendor_support.md'], undefined);
  assert.equal(texts(record('refused', { verdicts: [] }))['vendor_support.md'], undefined);
  const later = { ...wheelBuild, built: wheelBuild.failed.map(({ project, version }) => ({ project, version, file: { name: 'x.whl', sha256: '0' }, durationMs: 1, warnings: [] })), failed: [] };
  assert.equal(texts(wholeRecord('done', { builds: [wheelBuild, later] }))['vendor_support.md'], undefined);
});

test('DIS-20: a proposed lock is written byte for byte beside the project, its difference stands in the report, and it is not taken', () => {
  const again: LockProposal = { ...lockProposal, interpreter: '3.11.13', lock: 'numpy==1.26.3\n', changes: [{ project: 'numpy', from: '1.25.2', to: '1.26.3' }] };
  const written = texts(wholeRecord('refused', { proposals: [lockProposal, again] }));
  assert.equal(written['proposed-known-good.lock'], lockProposal.lock);
  assert.equal(written['proposed-known-good-3.11.13.lock'], again.lock);
  assert.equal(written['requirements.lock'], undefined);
  assert.match(written['fallback_report.md']!, /```diff\n-numpy==1\.25\.2\n\+numpy==1\.26\.2\n```/);
  assert.match(written['fallback_report.md']!, /None of these was taken/);
});

test('AU-09: each text log is appended once and names the run, so that its machine-readable record can be found', () => {
  const logs = fallbackDocuments(wholeRecord('refused')).filter(({ path }) => path.endsWith('.log'));
  assert.deepEqual(logs.map(({ path }) => path), ['wheel_install.log', 'wheel_fallback.log', 'deployment.log', 'incident.log', 'performance.log']);
  for (const { path, mode, text } of logs) {
    assert.equal(mode, 'append');
    assert.match(text, /fb-7k2m/, path);
    assert.ok(text.endsWith('\n') && !text.endsWith('\n\n'), path);
  }
});

test('AU-10: the Markdown documents of a fallback keep their structure whatever a fact holds', () => {
  const wild = 'x | y\n## forged\n- Outcome: success <script>alert(1)</script> `tick`';
  const written = texts(wholeRecord('rollback-incomplete', { reason: wild, decision: wild, requester: wild, verdicts: [lockVerdict('3.12.1', [wild]), lockVerdict('3.11.13', [wild])], diagnosis: { ...diagnosis, findings: [{ ...diagnosis.findings[0]!, project: wild, remedy: wild, evidence: '```\n## forged' }] } }));
  for (const path of ['fallback_incidents.md', 'fallback_report.md', 'vendor_support.md']) {
    const prose = written[path]!.replace(/^(`{3,}).*\n[^]*?\n\1$/gm, '');
    assert.doesNotMatch(prose, /^## forged|^- Outcome: success/m, path);
    assert.doesNotMatch(prose, /(^|[^\\])<script/m, path);
  }
});
