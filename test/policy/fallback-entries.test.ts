import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fallbackDocuments } from '../../policy/documents.js';
import { KEPT_BYTES, assessedFacts, buildFacts, completeRecord, diagnosisFacts, fallbackRecordFromEntries, plannedFacts, proposalFacts } from '../../policy/fallback-entries.js';
import { planFacts, type FallbackRecord } from '../../policy/fallback-record.js';
import type { Finding, Outcome } from '../../policy/model.js';
import { MAX_ENTRY_LENGTH, nextLink, EMPTY_HEAD } from '../../policy/records.js';
import type { AuditEntry } from '../../policy/records.js';
import { MAX_EVIDENCE_BYTES } from '../../records/evidence.js';
import { fallbackReport } from '../../policy/report.js';
import { recordedRuns } from '../support/history-entries.js';
import { diagnosis, entriesOfRecord, lockProposal, lockVerdict, plan, record, wheelBuild, wholeRecord } from '../support/fallback-records.js';

const OUTCOMES: Outcome[] = ['done', 'not-needed', 'rolled-back', 'rollback-incomplete', 'refused', 'superseded'];

test('AU-04, AU-09: from the entries alone comes the same report as was written on the host, for every outcome', () => {
  for (const outcome of OUTCOMES) {
    for (const whole of [record(outcome), wholeRecord(outcome, { plan: planFacts(plan) }), record(outcome, { verdicts: [], decision: '', verification: null, result: { ...record(outcome).result, steps: [], objections: [{ what: 'disk', expected: '2 GiB', got: '1 GiB', wayOut: 'free some' }] } })]) {
      // The lists of refs are part of the entries: what the host's report adds from them, it takes the same way.
      const entries = entriesOfRecord(whole);
      const written = completeRecord(whole, entries);
      assert.equal(fallbackReport(fallbackRecordFromEntries(entries)!), fallbackReport(written), outcome);
    }
  }
});

test('every log and document but the locks themselves comes out of the entries as it was written', () => {
  const whole = completeRecord(wholeRecord('refused', { verdicts: [lockVerdict('3.12.1', ['numpy']), lockVerdict('3.11.13', ['numpy'])] }), []);
  const entries = entriesOfRecord(whole);
  const again = fallbackDocuments(fallbackRecordFromEntries(entries)!);
  const before = fallbackDocuments(completeRecord(whole, entries)).filter(({ path }) => !path.startsWith('proposed-'));
  assert.deepEqual(again, before);
});

test('a lock of a thousand pins of which the index knows none, with everything found out, fits into entries and is reported alike', () => {
  const names = Array.from({ length: 1000 }, (_, at) => `a-package-with-a-long-name-${at}`);
  const long = 'w'.repeat(2_000);
  const findings = names.map((project): Finding => ({ project, class: 'BUILD', cause: null, evidence: long, remedy: long, branch: 'stop' }));
  const whole = wholeRecord('refused', {
    verdicts: ['3.12.1', '3.11.13'].map((version) => { const verdict = lockVerdict(version, names); return { ...verdict, pins: verdict.pins.map((pin) => ({ ...pin, why: long })) }; }),
    diagnosis: { ...diagnosis, findings, attempt: { ...diagnosis.attempt, lines: Array.from({ length: 500 }, () => long) } },
    builds: [{ ...wheelBuild, failed: findings.map((finding) => ({ ...finding, project: finding.project!, version: '1', logPath: '/x' })) }],
    proposals: [{ ...lockProposal, changes: names.map((project) => ({ project, from: '1.0.0', to: '2.0.0' })) }],
  });
  const entries = entriesOfRecord(whole);
  for (const entry of entries) assert.ok(nextLink(EMPTY_HEAD, entry).body.length <= MAX_ENTRY_LENGTH, entry.event);
  assert.equal(fallbackReport(fallbackRecordFromEntries(entries)!), fallbackReport(completeRecord(whole, entries)));
  assert.match(fallbackReport(whole), /150 or more findings/);
});

test('a proposed lock is kept as evidence by its digest, and its entry does not repeat it', () => {
  const { data, evidence } = proposalFacts([lockProposal]);
  assert.deepEqual(evidence, [lockProposal.lock]);
  assert.doesNotMatch(JSON.stringify(data), /--hash/);
  assert.deepEqual((data['evidence'] as { kept: boolean; bytes: number }[]).map(({ kept, bytes }) => [kept, bytes]), [[true, lockProposal.lock.length]]);
});

test('what the run itself knows wins over the trail, and what it does not know is taken from there', () => {
  const told = entriesOfRecord(wholeRecord());
  const bare = record('done', { verification: null, builds: [], hostClass: 'staging' });
  const whole = completeRecord(bare, told);
  assert.equal(whole.hostClass, 'staging');
  assert.deepEqual(whole.builds, [wheelBuild]);
  assert.equal(whole.verification?.files.checked, 7968);
  assert.equal(whole.result, bare.result);
});

test('the last answer counts where a question was asked again', () => {
  const [started, assessed, ...rest] = entriesOfRecord(record()) as [AuditEntry, AuditEntry, ...AuditEntry[]];
  const earlier = { ...assessed, data: assessedFacts({ python: '', tools: {}, verdicts: [], decision: null }) };
  assert.equal(fallbackRecordFromEntries([started, earlier, assessed, ...rest])!.verdicts.length, 2);
  assert.equal(fallbackRecordFromEntries([started, assessed, earlier, ...rest])!.verdicts.length, 0);
});

test('a lock too large to be kept is named by its digest and never sent as evidence', () => {
  const { data, evidence } = proposalFacts([{ ...lockProposal, lock: 'x'.repeat(KEPT_BYTES + 1) }]);
  assert.deepEqual(evidence, []);
  assert.deepEqual((data['evidence'] as { kept: boolean }[]).map(({ kept }) => kept), [false]);
  assert.equal(KEPT_BYTES, MAX_EVIDENCE_BYTES);
});

test('after a source build the decision is the later one', () => {
  const [started, assessed, ...rest] = entriesOfRecord(record()) as [AuditEntry, AuditEntry, ...AuditEntry[]];
  const later = { ...assessed, data: { ...assessed.data, decision: { decision: 'fallback', text: 'built, and now all are there', causes: {} } } };
  assert.equal(fallbackRecordFromEntries([started, assessed, ...rest.slice(0, -1), later, rest.at(-1)!])!.decision, 'built, and now all are there');
});

test('a decision that was a refusal is told as one, not as an assessment', () => {
  const entries = entriesOfRecord(record('refused', { decision: '' })).map((entry): AuditEntry => (entry.data['step'] === 'assess' ? { ...entry, data: { ...entry.data, decision: 'refused', fact: 'refused: disk space' } } : entry));
  assert.equal(fallbackRecordFromEntries(entries)!.decision, '');
});

test('an open run, and a run of another kind, has no record of a fallback; a change that outlived its fallback does not end it', () => {
  const entries = entriesOfRecord(record());
  assert.equal(fallbackRecordFromEntries(entries.slice(0, -1)), null);
  assert.equal(fallbackRecordFromEntries(entries.map((entry) => ({ ...entry, kind: 'change' }))), null);
  assert.equal(fallbackRecordFromEntries([]), null);
  const orphan: AuditEntry = { ...entries.at(-1)!, chain: 'two', key: 'two/99', data: { outcome: 'rolled-back' } };
  assert.equal(fallbackRecordFromEntries([...entries.slice(0, -1), orphan]), null);
  assert.equal(fallbackRecordFromEntries([...entries, orphan])!.result.outcome, 'done');
});

test('what earlier versions recorded is told with what it holds', () => {
  const entries = entriesOfRecord(record()).map((entry): AuditEntry => (entry.event === 'assessed' ? { ...entry, data: { python: '3.12.1', tools: {}, missing: { '3.12.1': ['numpy'], '3.11.13': [] } } } : { ...entry, data: Object.fromEntries(Object.entries(entry.data).filter(([field]) => field !== 'verification')) }));
  const report = fallbackReport(fallbackRecordFromEntries(entries) as FallbackRecord);
  assert.match(report, /verify: verify fact/);
  assert.match(report, /3 of 41 have no 3\.12 wheel/);
  assert.doesNotMatch(report, /undefined|NaN|0 of 0/);
});

test('facts of a plan, a diagnosis and a build are plain data', () => {
  for (const facts of [plannedFacts(plan), diagnosisFacts(diagnosis), buildFacts(wheelBuild)]) assert.deepEqual(JSON.parse(JSON.stringify(facts)), facts);
});

test('AU-04: every recorded fallback that ended has a record in its entries, which agrees with what its documents were made from', () => {
  const runs = recordedRuns().filter(({ workflow }) => workflow === 'wheel-fallback');
  assert.ok(runs.length >= 6, `${runs.length} recorded fallbacks`);
  for (const { file, entries, documented } of runs) {
    const told = fallbackRecordFromEntries(entries);
    assert.ok(told, file);
    assert.doesNotMatch(fallbackReport(told), /undefined|NaN|\[object/, file);
    if (!documented) continue;
    const own = (steps: FallbackRecord['result']['steps']) => steps.filter(({ step }) => step === 'assess');
    // Steps of the ordered change are in that change's own history.
    assert.deepEqual({ ...told.result, steps: own(told.result.steps) }, { ...documented.result, steps: own(documented.result.steps) }, file);
    for (const field of ['reason', 'requester', 'decision', 'causes', 'at'] as const) assert.deepEqual(told[field], documented[field], `${file}: ${field}`);
  }
});
