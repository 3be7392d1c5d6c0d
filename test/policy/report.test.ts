import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome } from '../../policy/model.js';
import { EMPTY_HEAD, nextLink, toStored } from '../../policy/records.js';
import type { AuditEntry, StoredEntry } from '../../policy/records.js';
import { REPORT_SCHEMA, fallbackReport, runReport } from '../../policy/report.js';
import { escapeHtml, toHtml } from '../../policy/report/html.js';
import { toMarkdown } from '../../policy/report/markdown.js';
import { LISTED, code, preformatted, table, type Page } from '../../policy/report/page.js';
import type { RunView } from '../../policy/run-view.js';
import { foldEntry } from '../../policy/run-view.js';
import { entriesOfRecord, record, wholeRecord } from '../support/fallback-records.js';
import { entry, wholeRun } from '../support/record-entries.js';

function stored(entries: AuditEntry[]): StoredEntry[] {
  let head = EMPTY_HEAD;
  return entries.map((each) => toStored((head = nextLink(head, each))));
}

function viewOf(entries: AuditEntry[]): RunView {
  const rows = new Map<string, RunView>();
  const lookup = { byChain: (chain: string) => rows.get(chain) ?? null, byRun: () => [...rows.values()][0] ?? null, unsettledOf: () => [] };
  entries.forEach((each, at) => foldEntry(lookup, each, at + 1).forEach((row) => rows.set(row.chain, row)));
  return [...rows.values()][0]!;
}

const reportOf = (form: 'md' | 'html' | 'json', entries: AuditEntry[]): string => runReport(form, viewOf(entries), stored(entries));

const WILD = '"><script>alert(1)</script><img src=x onerror=alert(1)> \u2028 &amp; \'quoted\' | `tick` \u0000 end';

test('AU-04: the report of a fallback from the records begins as the one on its host, and adds the trail', () => {
  const entries = entriesOfRecord(wholeRecord());
  const text = reportOf('md', entries);
  assert.ok(text.startsWith(fallbackReport(wholeRecord('done', { evidence: [{ name: 'proposed lock, known-good', sha256: '1346337ad71d8f659ebf2e095dbc4f469292f1b08f747b727265784aadc976ed', bytes: 31, kept: true, where: 'records' }, ...record().evidence!] })).trimEnd()));
  assert.match(text, new RegExp(`${entries.length} entries, the last is ${entries.length} sha256:[0-9a-f]{64}\\.`));
});

test('a run of another kind: what, why, who, steps with their times, outcome, the way back, the trail', () => {
  const entries = wholeRun({ kind: 'change', run: 'ch-0001' });
  const text = reportOf('md', entries);
  for (const expected of ['# change ch-0001', '`laptop:/srv/pricer/.venv`, Python 3.12.1 → 3.11.7: done. answers from the new one', '- asked by: bob', '- why: new lock', '- allowed by: policy pre-approved', '| ✓ switch | 2025-11-22 11:30:04 UTC | 1.0 s |', 'runbook undo laptop:/srv/pricer --reason …', '| 5 | 2025-11-22 11:30:05 UTC | outcome | bob |', '5 entries, the last is 5 sha256:']) assert.ok(text.includes(expected), `${expected}\n${text}`);
});

test('an open run, a stopped one, a refused one and one without entries say so', () => {
  const [started, planned] = wholeRun({ kind: 'change' }) as [AuditEntry, AuditEntry];
  assert.match(reportOf('md', [started, planned]), /ended: still open[^]*No step has ended[^]*runbook abort fb-7k2m/);
  const stopped = [started, planned, entry(3, { kind: 'change', event: 'aborted', actor: 'eve', data: { reason: 'prices differ' } }), entry(4, { kind: 'change', event: 'outcome', data: { outcome: 'refused', message: 'no', objections: [{ what: 'disk', expected: '2 GiB', got: '1 GiB', wayOut: 'free some' }] } })];
  assert.match(reportOf('md', stopped), /eve asked to stop: prices differ[^]*disk: expected 2 GiB, got 1 GiB\. free some[^]*Nothing is left to undo/);
  assert.match(runReport('md', viewOf([started]), []), /No entries\./);
});

test('HTML: one page without script, event handler or anything to fetch, whatever the facts hold', () => {
  for (const outcome of ['done', 'rolled-back', 'rollback-incomplete', 'refused'] as Outcome[]) {
    const wild = wholeRecord(outcome, { reason: WILD, requester: WILD, decision: WILD, hostClass: WILD, recipients: [WILD] });
    wild.result.message = WILD;
    wild.result.steps[0]!.fact = WILD;
    const html = reportOf('html', entriesOfRecord(wild));
    const tags = new Set([...html.matchAll(/<\/?([a-z0-9]+)/gi)].map(([, tag]) => tag!.toLowerCase()));
    for (const tag of tags) assert.ok(['html', 'head', 'meta', 'title', 'style', 'body', 'main', 'header', 'section', 'h1', 'h2', 'p', 'span', 'dl', 'div', 'dt', 'dd', 'ul', 'ol', 'li', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'pre', 'code', 'strong'].includes(tag), tag);
    const attributes = new Set([...html.replace(/<style>[^]*<\/style>/, '').matchAll(/<[a-z0-9]+((?:\s+[a-z-]+="[^"]*")*)\s*>/gi)].flatMap(([, all]) => [...all!.matchAll(/([a-z-]+)=/g)].map(([, name]) => name)));
    for (const name of attributes) assert.ok(['lang', 'charset', 'name', 'content', 'http-equiv', 'class', 'scope', 'data-name', 'width', 'initial-scale', 'default-src', 'style-src'].includes(name!), name);
    assert.doesNotMatch(html, /https?:|javascript:|@import|\0|\u2028/);
    assert.match(html, /default-src 'none'/);
    assert.ok(html.includes(`alert(1)${escapeHtml('</script>')}`));
  }
});

test('HTML and Markdown say the same: every text of the one is in the other', () => {
  const entries = entriesOfRecord(wholeRecord());
  const unmark = (text: string): string => text.replace(/[\\*`|#]/g, ' ').replace(/^- |^\d+\. |:? ?---:?/gm, ' ').replace(/\s+/g, ' ');
  const markdown = new Set(unmark(reportOf('md', entries)).split(' ').filter((word) => word.length > 3).map((word) => word.replace(/[:.,;)(]/g, '')));
  const html = reportOf('html', entries).replace(/<style>[^]*<\/style>/, '').replace(/<[^>]*>/g, ' ').replace(/&#(\d+);/g, (_all, point: string) => String.fromCharCode(Number(point))).replace(/[:.,;)(\\*`|#]/g, '');
  const absent = [...markdown].filter((word) => !/^(diff|-+)$/.test(word) && !html.includes(word));
  assert.deepEqual(absent, []);
});

test('JSON: stable keys, the schema, the row, the fallback\'s record and every entry', () => {
  const entries = entriesOfRecord(wholeRecord());
  const report = JSON.parse(reportOf('json', entries)) as { schema: string; run: RunView; fallback: { result: { outcome: string } } | null; entries: StoredEntry[] };
  assert.deepEqual(Object.keys(report), ['schema', 'run', 'fallback', 'entries']);
  assert.equal(report.schema, REPORT_SCHEMA);
  assert.equal(report.fallback?.result.outcome, 'done');
  assert.deepEqual(Object.keys(report.fallback!).sort(), ['at', 'builds', 'causes', 'decision', 'diagnosis', 'evidence', 'hostClass', 'performance', 'proposals', 'reason', 'recipients', 'requester', 'result', 'verdicts', 'verification']);
  assert.equal(report.entries.length, entries.length);
  assert.equal((JSON.parse(reportOf('json', wholeRun({ kind: 'change' }))) as { fallback: unknown }).fallback, null);
});

test('a table lists a bounded number of rows and counts the rest; a fence is longer than any within', () => {
  const page: Page = { title: 'x', badge: { word: 'done', tone: 'good' }, lead: ['a ', code('b'), ' c'], sections: [{ title: 's', blocks: [...table(['n'], Array.from({ length: LISTED + 3 }, (_, at) => [`row ${at}`])), preformatted('````\nforged\n````', 'diff')] }] };
  const text = toMarkdown(page);
  assert.match(text, /and 3 more\./);
  assert.ok(!text.includes(`row ${LISTED} `) && text.includes(`row ${LISTED - 1} `));
  assert.match(text, /^`{5}diff\n````\nforged\n````\n`{5}$/m);
  assert.match(text, /^a `b` c$/m);
  assert.match(toHtml(page), /<p class="lead">a <code>b<\/code> c<\/p>/);
});
