import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256Hex } from '../../../policy/canonical.js';
import type { AuditEntry, StoredEntry } from '../../../policy/records.js';
import { runReport, type ReportForm, type ReportMore } from '../../../policy/report.js';
import type { RunView } from '../../../policy/run-view.js';
import { openRecords } from '../../../records/store.js';
import { ROOT_CAUSE, active, outcome, revertedByRun, reviewed, rootCause } from '../../support/exception-entries.js';
import { entry, recordsFile, wholeRun } from '../../support/record-entries.js';

const SHA = sha256Hex(ROOT_CAUSE);
const WHOLE = (): AuditEntry[] => [...active(), rootCause(SHA), ...reviewed(), ...revertedByRun(), outcome('expired', 'its 24 hours are over')];

function reports(t: Parameters<typeof recordsFile>[0], run: string, entries: AuditEntry[]): (form: ReportForm) => string {
  const records = openRecords(recordsFile(t));
  t.after(() => records.close());
  records.append(entries, [ROOT_CAUSE]);
  const of = (name: string): { view: RunView; entries: StoredEntry[] } => ({ view: records.run(name)!, entries: records.entriesOf(name) });
  const { view, entries: own } = of(run);
  const more: ReportMore = { review: records.run('ic-3p9d') && run !== 'ic-3p9d' ? of('ic-3p9d') : null, text: (sha256) => records.getEvidence(sha256) };
  return (form) => runReport(form, view, own, more);
}

test('EE-13: show --report of an exception is made from the records alone: votes, root cause, review, trail', (t) => {
  const report = reports(t, 'ex-3p9d', WHOLE());
  const text = report('md');
  for (const part of ['# Emergency exception ex-3p9d', '## Clock', '| alice | cab | approve, counted |', 'reads beyond its buffer', '- run: `ic-3p9d`', '## Trail', '| root-cause | frank |', 'runbook audit export --run ex-3p9d']) assert.ok(text.includes(part), `${part}\n${text}`);
  const html = report('html');
  for (const part of ['Emergency exception ex-3p9d', 'SHA256:carol', 'reads beyond its buffer']) assert.ok(html.includes(part), part);
  assert.doesNotMatch(html, /<script|https?:/);
  const json = JSON.parse(report('json')) as { schema: string; run: RunView; decisions: { purpose: string; votes: { counted: boolean }[] }[]; review: { run: RunView; decisions: unknown[] }; entries: unknown[] };
  assert.deepEqual(Object.keys(json), ['schema', 'run', 'fallback', 'decisions', 'review', 'entries']);
  assert.deepEqual([json.run.exception?.reverted?.to, json.decisions.map(({ purpose, votes }) => [purpose, votes.map(({ counted }) => counted)]), json.review.run.run, json.review.decisions.length], ['3.12.11', [['grant', [true, false, true]]], 'ic-3p9d', 1]);
});

test('EE-12: the report of an exception that stands says how it ends and how to end it before', (t) => {
  const text = reports(t, 'ex-3p9d', active())('md');
  for (const part of ['Outcome: open: waiting', '- expires: 2026-11-22 10:31:00 UTC', 'By itself, on its host: 2026-11-22 10:31:00 UTC. Before:', 'runbook abort ex-3p9d --reason …']) assert.ok(text.includes(part), `${part}\n${text}`);
});

test('AP-13: the report of an interpreter change names versions, environments, evidence by digest, and who decided on what', (t) => {
  const report = reports(t, 'ic-3p9d', reviewed());
  for (const part of ['# Interpreter change ic-3p9d', 'Python 3.12.11 → 3.13.9 for `web-01:/srv/pricer/.venv`', '- Approved last: 3.12.11 → 3.13.9', `| technical-review | root-cause | frank | \`${'f'.repeat(64)}\` |`, '- decision: technical-review, request `req-review`', '| frank | engineering, for erin | approve, counted | `SHA256:frank` |']) assert.ok(report('md').includes(part), `${part}\n${report('md')}`);
  assert.doesNotMatch(report('md'), /How to go back/);
  assert.equal((JSON.parse(report('json')) as { decisions: unknown[] }).decisions.length, 1);
});

test('a change that people allowed has its decision in its report; one that nobody was asked about has none', (t) => {
  const [started, ...rest] = wholeRun({ kind: 'change', run: 'ch-0001' });
  const asked = entry(2, { kind: 'change', run: 'ch-0001', chain: 'part', event: 'approval-asked', data: { request: 'r1', purpose: 'change', deadline: entry(9).at, rules: { stages: [{ role: 'cab', quorum: 1, eligible: 2 }], inOrder: true, veto: [] }, facts: {}, asked: null } });
  const refused = entry(3, { kind: 'change', run: 'ch-0001', chain: 'part', event: 'vote-refused', data: { request: 'r1', vote: { seq: 1, t: entry(3).at, person: null, reason: 'its key is nobody\'s', digest: 'e' } } });
  const stray = entry(4, { kind: 'change', run: 'ch-0001', chain: 'part', event: 'vote-refused', data: { request: 'r2', vote: { seq: 1, t: entry(3).at, person: 'eve', reason: 'no', digest: 'e' } } });
  const text = reports(t, 'ch-0001', [started!, asked, refused, stray, ...rest])('md');
  for (const part of ['## Decision', '- needs: 1 of cab', "| unknown | — | not counted: its key is nobody's | — |"]) assert.ok(text.includes(part), `${part}\n${text}`);
  assert.doesNotMatch(text, /\beve\b|audit export/);
  assert.doesNotMatch(reports(t, 'ch-0001', wholeRun({ kind: 'change', run: 'ch-0001' }))('md'), /## Decision/);
});
