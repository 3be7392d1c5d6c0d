/** A run as text: `runbook show --report md` and the one line of `runbook why`. */
import { seconds } from './describe.js';
import type { StoredEntry } from './records.js';
import type { RunView } from './run-view.js';
import { markdownCode, markdownText, oneLine } from './text.js';

/** The run and its trail as Markdown. Instants are ISO, UTC, as recorded. */
export function renderRun(run: RunView, entries: readonly StoredEntry[]): string {
  return [
    `# ${run.kind} ${run.run}: ${run.outcome ?? run.phase}`,
    '',
    `${markdownCode(`${run.host}:${run.link}`)}, Python ${run.from ?? 'none'} → ${run.to ?? 'not decided'}`,
    '',
    ...facts(run).map(([name, value]) => `- ${name}: ${value}`),
    ...(run.steps.length > 0 ? ['', '## Steps', '', '| step | began | took | fact |', '| --- | --- | ---: | --- |', ...run.steps.map(stepRow)] : []),
    '',
    '## Trail',
    '',
    ...trail(entries),
    '',
  ].join('\n');
}

function facts(run: RunView): [string, string][] {
  const all: [string, string | null][] = [
    ['asked by', `${markdownText(run.requester)}: ${markdownText(run.reason)}`],
    ['allowed by', run.approval === '' ? null : markdownText(run.approval)],
    ['began', run.startedAt],
    ['ended', run.endedAt ?? 'still open'],
    ['message', run.message === '' ? null : markdownText(run.message, 2_000)],
    ['waits for', run.waitsFor.length > 0 ? markdownText(run.waitsFor.join(', ')) : null],
    ['ends by itself', run.end],
    ['ordered by', run.parent],
    ['plan', run.planDigest === null ? null : `sha256 ${run.planDigest}`],
    ['policy', run.policyDigest === null ? null : `sha256 ${run.policyDigest}`],
    ['report', run.report === null ? null : markdownCode(run.report)],
    ['workflow', `${markdownCode(run.workflowId)}, execution ${run.executionRunId}`],
  ];
  return all.filter((fact): fact is [string, string] => fact[1] !== null);
}

const stepRow = (step: RunView['steps'][number]): string => `| ${step.ok ? '✓' : '✗'} ${markdownText(step.step)} | ${step.startedAt} | ${seconds(step)} | ${markdownText(step.fact)} |`;

function trail(entries: readonly StoredEntry[]): string[] {
  const last = entries.at(-1);
  if (!last) return ['No entries.'];
  const rows = entries.map(({ seq, hash, entry }) => `| ${seq} | ${entry.at} | ${entry.event} | ${markdownText(entry.actor)} | ${markdownText(entry.justification)} | ${hash.slice(0, 12)} |`);
  return ['| entry | at | event | who | why | hash |', '| ---: | --- | --- | --- | --- | --- |', ...rows, '', `${entries.length === 1 ? '1 entry' : `${entries.length} entries`}, the last is ${last.seq} sha256:${last.hash}.`];
}

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
