/** Reports of runs, from the record or from the trail: one page, as Markdown, HTML or JSON. */
import { decisionsTold } from './decisions-told.js';
import { fallbackRecordFromEntries } from './fallback-entries.js';
import type { FallbackRecord } from './fallback-record.js';
import type { AuditEntry, StoredEntry } from './records.js';
import { exceptionPage } from './report/exception.js';
import { fallbackPage } from './report/fallback.js';
import { toHtml } from './report/html.js';
import { toMarkdown } from './report/markdown.js';
import type { Page } from './report/page.js';
import { reviewPage } from './report/review.js';
import { runPage, trailSection } from './report/run.js';
import type { RunView } from './run-view.js';

export const REPORT_FORMS = ['md', 'html', 'json'] as const;
export type ReportForm = (typeof REPORT_FORMS)[number];

/** Version of the keys of the JSON form; a key changes its meaning only with this number. */
export const REPORT_SCHEMA = 'interpreter-runbooks/report/1';

/** `fallback_report.md`: the report of a fallback as Markdown. */
export const fallbackReport = (record: FallbackRecord): string => toMarkdown(fallbackPage(record));

/** What a report needs beyond the run's own entries. */
export interface ReportMore {
  /** The final review of an exception, where it began. */
  review?: { view: RunView; entries: readonly StoredEntry[] } | null;
  /** Text kept by its digest; null: not kept. */
  text?(sha256: string): string | null;
  /** ISO: when the report is made. */
  now?: string;
}

/** The report of a run of any kind from what the records hold of it, with its trail. */
export function runReport(form: ReportForm, view: RunView, stored: readonly StoredEntry[], more: ReportMore = {}): string {
  const entries = entriesIn(stored);
  if (form === 'json') return `${JSON.stringify({ schema: REPORT_SCHEMA, run: view, fallback: fallbackRecordFromEntries(entries), ...decidedIn(view, entries, more), entries: stored }, null, 2)}\n`;
  const page = pageOf(view, entries, stored, more);
  return form === 'html' ? toHtml(page) : toMarkdown(page);
}

const entriesIn = (stored: readonly StoredEntry[]): AuditEntry[] => stored.map(({ entry }) => entry);

/** Of kinds that people decide on. */
function decidedIn({ kind }: RunView, entries: readonly AuditEntry[], { review }: ReportMore): object {
  if (kind !== 'exception' && kind !== 'interpreter-change') return {};
  return { decisions: decisionsTold(entries), ...(kind === 'exception' ? { review: review ? { run: review.view, decisions: decisionsTold(entriesIn(review.entries)) } : null } : {}) };
}

function pageOf(view: RunView, entries: readonly AuditEntry[], stored: readonly StoredEntry[], more: ReportMore): Page {
  const page = pageWithoutTrail(view, entries, more);
  return { ...page, sections: [...page.sections, trailSection(stored)] };
}

function pageWithoutTrail(view: RunView, entries: readonly AuditEntry[], { review, text, now }: ReportMore): Page {
  if (view.kind === 'interpreter-change') return reviewPage(view, entries);
  if (view.kind === 'exception') {
    const handed = view.exception?.rootCause?.sha256;
    return exceptionPage({ view, entries, review: review ? { view: review.view, entries: entriesIn(review.entries) } : null, rootCause: handed ? (text?.(handed) ?? null) : null, expiresLocal: null, at: now ?? view.endedAt ?? entries.at(-1)?.at ?? view.startedAt });
  }
  const record = fallbackRecordFromEntries(entries);
  return record ? fallbackPage(record) : runPage(view, entries);
}
