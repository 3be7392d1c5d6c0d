/** The one line of `runbook why`. */
import type { EnvironmentRef } from './model.js';
import type { AuditEntry } from './records.js';
import type { RunView } from './run-view.js';
import { oneLine } from './text.js';

export interface WhyInput {
  /** What `historyOf` answers: newest first. */
  history: readonly RunView[];
  /** Version the host reports now; undefined: nobody asked the host. */
  live?: string | null;
  /** Writes an ISO instant the way the reader wants it: `Sat 11:32`. */
  formatTime(iso: string): string;
}

/** Which Python, since when, by which run, who allowed it, until when, then what: one line. */
export function whyLine({ history, live, formatTime }: WhyInput): string {
  const [latest, earlier] = history;
  if (!latest) return live === undefined ? 'no run on record changed it' : `${live ?? 'no Python'}; no run on record changed it`;
  if (latest.changed === 'uncertain') {
    return `not certain since ${formatTime(latest.changedAt ?? latest.startedAt)}: ${latest.run} (${who(latest)}) could not go back from ${latest.to ?? 'none'} to ${latest.from ?? 'none'}; runbook show ${latest.run}`;
  }
  const line = `${latest.to ?? 'none'} since ${formatTime(latest.changedAt ?? latest.startedAt)} by ${latest.run} (${who(latest)})${until(latest, earlier, formatTime)}${running(latest)}`;
  if (live !== undefined && live !== latest.to) return `${live ?? 'no Python'}, which no run on record put there; the last on record: ${line}`;
  return line;
}

/** What hands changed in an environment since its last run, by the newest news of its host that name it; null: nothing known. */
export function driftLine(env: EnvironmentRef, since: string, news: readonly AuditEntry[], formatTime: WhyInput['formatTime']): string | null {
  const wordsIn = ({ data }: AuditEntry): string | undefined => (data['drift'] as { link: string; what: string }[] | undefined)?.find(({ link }) => link === env.link)?.what;
  const last = news.findLast((entry) => entry.host === env.host && entry.at > since && wordsIn(entry) !== undefined);
  return last ? `seen changed by hand ${formatTime(last.at)}: ${oneLine(wordsIn(last)!, 400)}` : null;
}

const who = (run: RunView): string => `${oneLine(run.requester)}: "${oneLine(run.reason, 120)}"${run.approval === '' ? '' : `, ${oneLine(run.approval)}`}`;

/** A rollback does not say what stood there before it; the run before it does. */
function until(run: RunView, earlier: RunView | undefined, formatTime: WhyInput['formatTime']): string {
  if (run.end !== null) return ` to ${formatTime(run.end)}, then ${run.from ?? 'none'}`;
  return `; before it ${run.from ?? earlier?.to ?? 'none'}`;
}

function running(run: RunView): string {
  if (run.phase === 'unsettled') return `; unsettled: runbook settle ${run.run}`;
  return run.endedAt === null ? `; the run goes on, ${run.phase}` : '';
}
