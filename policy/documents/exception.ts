/** What is written into the project when an exception ends, however it ended (EE-13): its incident report, and a line of the log. */
import type { FallbackDocument } from '../documents.js';
import { formatEnvironment } from '../ids.js';
import { endingText, exceptionPage, type ExceptionRecord } from '../report/exception.js';
import { toMarkdown } from '../report/markdown.js';
import { oneLine } from '../text.js';

/** Longest report in characters: as evidence of the run it has at most 256 KiB of UTF-8. */
const LONGEST = 80_000;

export function exceptionDocuments(record: ExceptionRecord): FallbackDocument[] {
  return [
    { path: 'exception_report.md', mode: 'replace', text: bounded(toMarkdown(exceptionPage(record)), record.view.run) },
    { path: 'incident.log', mode: 'append', text: incidentLine(record) },
  ];
}

const bounded = (text: string, run: string): string => (text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}\n\n… cut here; all of it: runbook show ${run} --report md\n`);

/** One dated line, as the fallback's; foreign words stay on it. */
function incidentLine({ view, at }: ExceptionRecord): string {
  const { run, from, to, outcome, message, reason, exception } = view;
  const ground = exception?.ground ?? 'ground not on record';
  const granted = exception?.grantedAt ? `granted ${exception.grantedAt} to ${exception.expiresAt ?? 'an end that is not on record'}` : 'not granted';
  return `${at}: Emergency exception from ${from ?? 'none'} to ${to ?? 'none'}, ${ground}, ${granted}: ${outcome ?? 'open'}, ${endingText(view)}; ${oneLine(message, 2_000)} (${run}, ${oneLine(formatEnvironment(view), 4_096)}, ${oneLine(reason)})\n`;
}
