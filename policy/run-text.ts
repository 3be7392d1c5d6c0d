/** The one line of `runbook why`. */
import type { EnvironmentRef } from './model.js';
import type { AuditEntry } from './records.js';
import type { RunView } from './run-view.js';
import { isBack } from './standing.js';
import { oneLine } from './text.js';

export interface WhyInput {
  /** What `historyOf` answers: newest first. */
  history: readonly RunView[];
  /** Version the host reports now; undefined: nobody asked the host. */
  live?: string | null;
  /** ISO; absent: whether an end has come is not said. */
  now?: string | undefined;
  /** Writes an ISO instant the way the reader wants it: `Sat 11:32`. */
  formatTime(iso: string): string;
}

/** Which Python, since when, by which run, who allowed it, until when, then what: one line. */
export function whyLine({ history, live, now, formatTime }: WhyInput): string {
  const [latest, earlier] = history;
  if (!latest) return live === undefined ? 'no run on record changed it' : `${live ?? 'no Python'}; no run on record changed it`;
  if (latest.changed === 'uncertain') {
    return `not certain since ${formatTime(latest.changedAt ?? latest.startedAt)}: ${latest.run} (${who(latest)}) could not go back from ${latest.to ?? 'none'} to ${latest.from ?? 'none'}; runbook show ${latest.run}`;
  }
  const back = isBack(latest) ? latest.exception!.reverted! : null;
  const line = back
    ? `${back.to ?? 'none'} since ${formatTime(back.at)}, when ${latest.run} (${who(latest)}) ended; before it ${latest.to ?? 'none'} since ${formatTime(latest.changedAt ?? latest.startedAt)}`
    : `${latest.to ?? 'none'} since ${formatTime(latest.changedAt ?? latest.startedAt)} by ${latest.run} (${who(latest)})${until(latest, earlier, { now, formatTime })}${running(latest)}`;
  const stands = back ? back.to : latest.to;
  if (live !== undefined && live !== stands) return `${live ?? 'no Python'}, which no run on record put there; the last on record: ${line}`;
  return line;
}

/** What hands changed in an environment since its last run, by the newest news of its host that name it; null: nothing known. */
export function driftLine(env: EnvironmentRef, since: string, news: readonly AuditEntry[], formatTime: WhyInput['formatTime']): string | null {
  const wordsIn = ({ data }: AuditEntry): string | undefined => (data['drift'] as { link: string; what: string }[] | undefined)?.find(({ link }) => link === env.link)?.what;
  const last = news.findLast((entry) => entry.host === env.host && entry.at > since && wordsIn(entry) !== undefined);
  return last ? `seen changed by hand ${formatTime(last.at)}: ${oneLine(wordsIn(last)!, 400)}` : null;
}

/** `bob; alice, carol` for an exception, whose ground and reason stand in its report. */
function who({ requester, reason, approval, kind, exception }: RunView): string {
  if (kind === 'exception') return [oneLine(requester), ...(approval === '' ? [] : [oneLine(approval)]), ...(exception?.permanentBy ? [`for good by ${exception.permanentBy}`] : [])].join('; ');
  return `${oneLine(requester)}: "${oneLine(reason, 120)}"${approval === '' ? '' : `, ${oneLine(approval)}`}`;
}

/** A rollback does not say what stood there before it; the run before it does. */
function until(run: RunView, earlier: RunView | undefined, { now, formatTime }: Pick<WhyInput, 'now' | 'formatTime'>): string {
  if (run.end === null) return `; before it ${run.from ?? earlier?.to ?? 'none'}`;
  const then = run.from ?? 'none';
  return now !== undefined && run.end <= now ? `; its end was ${formatTime(run.end)}, and no way back to ${then} is on record: runbook show ${run.run}` : ` to ${formatTime(run.end)}, then ${then}`;
}

function running(run: RunView): string {
  if (run.phase === 'unsettled') return `; unsettled: runbook settle ${run.run}`;
  // An exception goes on until its end: the line says until when.
  if (run.endedAt !== null || run.end !== null) return '';
  return `; the run goes on, ${run.phase}`;
}
