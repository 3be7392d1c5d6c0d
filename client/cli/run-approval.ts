/** What people decided about a run, and the clock of an exception, from the records: for `show`. */
import { decisionsTold, roleText, voteText } from '../../policy/decisions-told.js';
import { clockLines, reviewAmong, reviewRunOf } from '../../policy/exception-text.js';
import type { AuditEntry } from '../../policy/records.js';
import type { ReportMore } from '../../policy/report.js';
import type { RunView } from '../../policy/run-view.js';
import { oneLine } from '../../policy/text.js';
import type { RecordsReader } from '../../records/store.js';
import { clock } from './inbox-lines.js';

/** EE-12: the clock of an exception; and for every decision its votes: who, as what, when, counted or why not. */
export function approvalLines(view: RunView, entries: readonly AuditEntry[], now: Date): string[] {
  const formatTime = (iso: string): string => clock(iso, now);
  const { exception, requester, outcome } = view;
  const clocks = exception ? clockLines({ exception, requester, outcome, now: now.toISOString(), formatTime }) : [];
  return [...clocks.map(([name, text]) => `  ${name.padEnd(10)}  ${text}`), ...decisionsTold(entries).flatMap(({ purpose, needs, outcome: decided, message, deadline, votes }) => [
    `  ${purpose}: ${needs}, ${decided === null ? `open until ${formatTime(deadline)}` : oneLine(message)}`,
    ...votes.map((vote) => `    ${formatTime(vote.at)}  ${vote.person}  ${roleText(vote)}  ${oneLine(voteText(vote))}`),
  ])];
}

/** The same for machines; nothing where nobody was asked. */
export function decidedJson(view: RunView, entries: readonly AuditEntry[]): { decisions?: ReturnType<typeof decisionsTold> } {
  const decisions = decisionsTold(entries);
  return decisions.length > 0 || view.kind === 'exception' || view.kind === 'interpreter-change' ? { decisions } : {};
}

/** What a report takes from other runs and from the evidence that is kept. */
export function reportMore(records: RecordsReader, view: RunView, now: Date): ReportMore {
  const name = view.kind === 'exception' ? reviewRunOf(view.run) : null;
  const review = name === null ? null : reviewAmong(records.runsNamed([name]), view);
  return { review: review && { view: review, entries: records.entriesOf(review.chain) }, text: (sha256) => records.getEvidence(sha256), now: now.toISOString() };
}
