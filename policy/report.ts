/** Reports of runs, from the record or from the trail: one page, as Markdown, HTML or JSON. */
import { fallbackRecordFromEntries } from './fallback-entries.js';
import type { FallbackRecord } from './fallback-record.js';
import type { AuditEntry, StoredEntry } from './records.js';
import { fallbackPage } from './report/fallback.js';
import { toHtml } from './report/html.js';
import { toMarkdown } from './report/markdown.js';
import type { Page } from './report/page.js';
import { runPage, trailSection } from './report/run.js';
import type { RunView } from './run-view.js';

export const REPORT_FORMS = ['md', 'html', 'json'] as const;
export type ReportForm = (typeof REPORT_FORMS)[number];

/** Version of the keys of the JSON form; a key changes its meaning only with this number. */
export const REPORT_SCHEMA = 'interpreter-runbooks/report/1';

/** `fallback_report.md`: the report of a fallback as Markdown. */
export const fallbackReport = (record: FallbackRecord): string => toMarkdown(fallbackPage(record));

/** The report of a run of any kind from what the records hold of it, with its trail. */
export function runReport(form: ReportForm, view: RunView, stored: readonly StoredEntry[]): string {
  const entries = stored.map(({ entry }): AuditEntry => entry);
  if (form === 'json') return `${JSON.stringify({ schema: REPORT_SCHEMA, run: view, fallback: fallbackRecordFromEntries(entries), entries: stored }, null, 2)}\n`;
  const page = pageOf(view, entries, stored);
  return form === 'html' ? toHtml(page) : toMarkdown(page);
}

function pageOf(view: RunView, entries: readonly AuditEntry[], stored: readonly StoredEntry[]): Page {
  const record = fallbackRecordFromEntries(entries);
  const page = record ? fallbackPage(record) : runPage(view, entries);
  return { ...page, sections: [...page.sections, trailSection(stored)] };
}
