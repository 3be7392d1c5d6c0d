/** Following a run: one line a step with the fact that matters, and the end with what comes next. */
import path from 'node:path';
import type { Client } from '@temporalio/client';
import { describe, formatMs, seconds, type RunState } from '../../policy/describe.js';
import { formatEnvironment } from '../../policy/ids.js';
import type { RunResult, StepReport } from '../../policy/model.js';
import { askStatus, awaitEnd, silenceTeller } from './await-end.js';
import type { Instance } from './instance.js';
import { clock } from './inbox-lines.js';
import { exitCodeOf, type Io } from './io.js';
import { placeOf, tilde } from './words.js';

/** How often the run is asked, in milliseconds. */
const POLL_MS = 150;

export interface Follow {
  io: Io;
  client: Client;
  workflowId: string;
  json: boolean;
  /** Steps already on the screen. */
  printed?: number;
  /** Puts names behind `2 of cab`; see `voterTeller`. */
  withVoters?: WithVoters;
}

type WithVoters = (text: string, requester: string) => string;

/** Prints steps as they end until the run has ended; returns its result. Server and control worker may be away meanwhile. */
export async function follow(options: Follow): Promise<RunResult> {
  let printed = options.printed ?? 0;
  let result: RunResult | null = null;
  const ended = awaitEnd(options).then((value) => void (result = value));
  const live = liveLine(options.io);
  const tellWait = waitTeller(options.io, options.withVoters);
  const tell = silenceTeller({ ...options.io, talk: (line) => (clearLive(options.io), options.io.talk(line)) });
  const stop = new AbortController();
  let asking: Promise<RunState | null> = Promise.resolve(null);
  try {
    while (result === null) {
      asking = askStatus(options, stop.signal);
      const state = await Promise.race([asking, ended.then(() => null)]);
      if (result !== null) break;
      tell(state);
      if (state && !options.json) {
        tellWait(state);
        printed = show(options.io, state, printed, live);
      }
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, POLL_MS))]);
    }
  } finally {
    // The client retries a question that failed by a timer of its own: on a connection that was closed meanwhile that ends the process.
    stop.abort();
    await asking;
  }
  if (!options.json) printStepLines(options.io, (result as RunResult).steps, printed, widthOf((result as RunResult).kind));
  return result;
}

function show(io: Io, state: RunState, printed: number, live: (state: RunState) => string): number {
  printStepLines(io, state.steps, printed, state.review && REVIEW_WIDTH);
  if (io.interactive) process.stderr.write(live(state).slice(0, (process.stderr.columns ?? 80) - 1));
  return state.steps.length;
}

/** `  … prepare      1.8 s`: the step that runs and since when, by the clock of whoever watches. */
function liveLine(io: Io): (state: RunState) => string {
  let step: string | null = null;
  let since = 0;
  return (state) => {
    if (state.step !== step) [step, since] = [state.step, io.now().getTime()];
    if (state.waitsFor || state.aborting) return `  … ${describe(state).message}`;
    return step === null ? '' : `  … ${step.padEnd(11)} ${formatMs(Math.max(100, io.now().getTime() - since)).padStart(6)}`;
  };
}

/**
 * `ex-3p9d waits for 2 of cab (alice carol dan), convene by 13:02. Ctrl-C detaches`: once for every count of votes; and once for
 * every document a review waits for, and for the end of an exception.
 */
export function waitTeller(io: Io, withVoters: WithVoters = (text) => text): (state: RunState) => void {
  let told = '';
  return (state) => {
    const { decision, waitsFor } = state;
    if (!waitsFor) return;
    const isAsking = decision !== undefined && decision.outcome === null;
    const now = isAsking ? decision.request + decision.progress : waitsFor.what;
    if (told === now || (!isAsking && !state.review && !state.exception)) return;
    told = now;
    if (isAsking && /^(\d+) of \1 of [a-z-]+$/.test(decision.progress)) return;
    clearLive(io);
    io.talk(isAsking ? votesLine(state, decision.progress, io.now(), withVoters) : `${state.run} waits for ${state.review ? `${documentsText(state.review)}${byText(waitsFor.until, io.now())}` : waitsFor.what}. Ctrl-C detaches`);
    if (!isAsking && waitsFor.command) io.talk(`  to act: ${waitsFor.command}`);
  };
}

function votesLine({ run, waitsFor, exception, requester }: RunState, progress: string, now: Date, withVoters: WithVoters): string {
  if (!progress.startsWith('0 of ') && /^\d+ of \d/.test(progress)) return `${run} has ${progress}${byText(waitsFor!.until, now)}. Ctrl-C detaches`;
  const convene = exception && exception.convenedAt === null ? `, convene by ${clock(exception.conveneBy, now)}` : '';
  return `${run} waits for ${withVoters(progress.replace(/^0 of (?=\d)/, ''), requester)}${convene || byText(waitsFor!.until, now)}. Ctrl-C detaches`;
}

/** `the document of technical-review`; `tests, scan of integration` where a step wants several. */
export function documentsText({ open, missing }: NonNullable<RunState['review']>): string {
  return `${missing.length === 1 && missing[0] === open ? 'the document' : missing.join(', ')} of ${open}`;
}

const byText = (until: string | null, now: Date): string => (until ? `, by ${clock(until, now)}` : '');

function printStepLines(io: Io, steps: StepReport[], printed: number, width?: number): void {
  clearLive(io);
  for (const step of steps.slice(printed)) io.talk(stepLine(step, width));
}

function clearLive(io: Io): void {
  if (io.interactive) process.stderr.write('\r\x1b[2K');
}

/** Steps of a review have longer names than others. */
const REVIEW_WIDTH = 16;

/** How wide the name of a step is written, by the kind of its run. */
export const widthOf = (kind: string): number | undefined => (kind === 'interpreter-change' ? REVIEW_WIDTH : undefined);

/** `  ✓ prepare      2.1 s  41 packages by uv, as user pricer` */
export function stepLine(step: StepReport, width = 11): string {
  return `  ${step.ok ? '✓' : '✗'} ${step.step.padEnd(width)} ${seconds(step).padStart(6)}  ${tilde(step.fact)}`;
}

export interface End {
  instance: Instance;
  workflowId: string;
  json: boolean;
  /** Leaves out what comes next: whoever called says it. */
  brief?: boolean;
}

/** The last lines of a run: its outcome, what comes next, and the exit code that says the same. */
export function printEnd(io: Io, result: RunResult, { instance, workflowId, json, brief = false }: End): number {
  if (json) io.out(JSON.stringify(result, null, 2));
  else {
    io.out(tilde(`${result.outcome}${timeOf(result)}: ${result.message}`));
    for (const o of result.objections) for (const line of [`  ${o.what}: expected ${o.expected}, got ${o.got}`, `    try: ${o.wayOut}`]) io.talk(line);
    const report = reportOf(result, instance.host);
    if (report) io.talk(`report ${report}`);
    if (!brief) io.talk(`next: ${nextOf(result, instance.host).join(' · ')}`);
    const link = uiLink(instance.uiUrl, instance.namespace, workflowId);
    if (link) io.talk(`Web UI ${link}`);
  }
  return exitCodeOf(result.outcome, result.kind);
}

/** What a person would look at or do now, as commands that can be pasted. */
function nextOf({ kind, outcome, run, env, steps }: RunResult, host: string): string[] {
  const place = placeOf(env, host);
  if (kind === 'interpreter-change') return [`runbook show ${run}`, 'runbook policy versions'];
  if (outcome !== 'done') return [`runbook show ${run}`, `runbook why ${place}`];
  return [`runbook why ${place}`, ...(steps.some(({ step }) => step === 'switch') ? [`runbook undo ${place} --reason …`] : [])];
}

/** Name of the report in the project, for kinds that write one. */
const REPORTS: Partial<Record<RunResult['kind'], string>> = { fallback: 'fallback_report.md', exception: 'exception_report.md' };

function reportOf({ kind, env, steps }: RunResult, host: string): string | null {
  if (!(kind in REPORTS) || !steps.some(({ step, ok }) => step === 'document' && ok)) return null;
  const file = path.join(path.dirname(env.link), REPORTS[kind]!);
  return env.host === host ? tilde(file) : `${env.host}:${file}`;
}

/** `fb-7k2m  fallback  laptop:~/demo/pricer  3.12.1 → 3.11.7`. */
export function headLine(run: Pick<RunResult, 'run' | 'kind' | 'env'>, versions: string): string {
  return tilde(`${run.run}  ${run.kind}  ${formatEnvironment(run.env)}  ${versions}`).trimEnd();
}

function timeOf({ steps }: RunResult): string {
  const first = steps[0];
  const last = steps.at(-1);
  return first && last ? ` in ${seconds({ startedAt: first.startedAt, endedAt: last.endedAt })}` : '';
}

/** Address of a run in the Web UI, or null where there is none of ours. */
export function uiLink(uiUrl: string | null, namespace: string, workflowId: string): string | null {
  return uiUrl && `${uiUrl}/namespaces/${namespace}/workflows/${encodeURIComponent(workflowId)}`;
}
