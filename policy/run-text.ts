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
  /** Who put what is live there, where it is not what the newest run left (`putThereBy`). */
  putThere?: string;
  /** ISO; absent: whether an end has come is not said. */
  now?: string | undefined;
  /** Writes an ISO instant the way the reader wants it: `Sat 11:32`. */
  formatTime(iso: string): string;
}

/** Which Python, since when, by which run, who allowed it, until when, then what: one line. */
export function whyLine({ history, live, putThere, now, formatTime }: WhyInput): string {
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
  if (live !== undefined && live !== stands) return `${live ?? 'no Python'}, ${putThere ?? 'which no run on record put there'}; the last on record: ${line}`;
  return line;
}

/** What stands, as the host itself shows it. */
export interface Present {
  version: string | null;
  /** Name of the tree the link leads to; null: it leads to none of ours. */
  tree: string | null;
}

const TREE_OF_RUN = /^([a-z]{2}-[0-9a-z]{4})-\d+$/;

/** The run that built a tree, by the tree's name; null for what no run built. */
export const runOfTree = (tree: string | null): string | null => TREE_OF_RUN.exec(tree ?? '')?.[1] ?? null;

/**
 * HM-13: whether what stands is what the newest run left; null: it is, or nobody can say. By the version, and where a run built what
 * it left by the tree, too: of a way back the records name no tree.
 */
export function otherThanLeft(latest: RunView | undefined, { version, tree }: Present): 'version' | 'tree' | null {
  if (!latest || version === null || latest.changed === 'uncertain') return null;
  const back = isBack(latest);
  if (version !== (back ? latest.exception!.reverted!.to : latest.to)) return 'version';
  if (back || latest.changed !== 'yes' || latest.kind === 'rollback') return null;
  const built = runOfTree(tree);
  return tree === null || (built !== null && built !== latest.run) ? 'tree' : null;
}

/** Which approved run once put what stands there; `madeBy`: the run that built the tree, where it is on record. */
export function putThereBy(madeBy: RunView | null, latest: RunView, formatTime: WhyInput['formatTime']): string {
  if (madeBy?.changedAt == null) return 'which no run on record put there';
  return `which ${madeBy.run} (${who(madeBy)}) put there ${formatTime(madeBy.changedAt)}, and no run on record put back since ${latest.run}`;
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
