/** Where a run stands: one phase and one message, from one pure function, for CLI, Web UI, search attribute and reports. */
import type { ExceptionClock, ReviewState } from './model-approval.js';
import type { Outcome, StepReport } from './model.js';
import { markdownCode, markdownText } from './text.js';

/** Phases of every run that changes an environment, in their order. */
export const PHASES = ['starting', 'planning', 'assessing', 'waiting', 'arming', 'preparing', 'verifying', 'switching', 'restarting', 'closing', 'undoing', 'ended'] as const;
export type Phase = (typeof PHASES)[number];

/** What a run knows of itself. Plain data: it survives queries, histories and continue-as-new. */
export interface RunState {
  run: string;
  kind: string;
  /** `laptop:/srv/pricer/.venv`. */
  where: string;
  requester: string;
  reason: string;
  from: string | null;
  to: string | null;
  /** Name of the step that runs now; null before the first and after the last. */
  step: string | null;
  steps: StepReport[];
  /** What it waits for and until when, in words; null: for nothing. */
  waitsFor: { what: string; until: string | null; command: string | null } | null;
  aborting: { by: string; reason: string } | null;
  outcome: Outcome | null;
  message: string;
  /** The decision it waits for; absent: none was asked. */
  decision?: { request: string; workflowId: string; purpose: string; outcome: string | null; progress: string };
  exception?: ExceptionClock;
  review?: ReviewState;
}

const PHASE_OF_STEP: Record<string, Phase> = {
  plan: 'planning',
  assess: 'assessing',
  diagnose: 'assessing',
  ladder: 'assessing',
  'build source-one': 'preparing',
  'build source-all': 'preparing',
  propose: 'preparing',
  measure: 'verifying',
  declare: 'planning',
  approve: 'waiting',
  grant: 'waiting',
  countdown: 'waiting',
  rehearse: 'verifying',
  'make permanent': 'closing',
  lease: 'waiting',
  arm: 'arming',
  prepare: 'preparing',
  verify: 'verifying',
  switch: 'switching',
  adopt: 'switching',
  restart: 'restarting',
  'verify link': 'verifying',
  configure: 'closing',
  document: 'closing',
  change: 'switching',
  undo: 'undoing',
  close: 'closing',
  clean: 'closing',
};

/** The one phase and the one message of a run. */
export function describe(state: RunState): { phase: Phase; message: string } {
  if (state.outcome) return { phase: 'ended', message: `${state.outcome}: ${state.message}` };
  if (state.waitsFor) return { phase: 'waiting', message: waitText(state.waitsFor) };
  if (state.step === null) return { phase: 'starting', message: 'starting' };
  const phase = PHASE_OF_STEP[state.step] ?? 'starting';
  if (state.aborting && phase !== 'undoing') return { phase, message: `${state.step}; abort asked by ${state.aborting.by}: ${state.aborting.reason}` };
  const since = state.steps.at(-1)?.endedAt;
  return { phase, message: since ? `${state.step} since ${clock(since)}` : state.step };
}

/** `14:12:37 UTC`: which day it is, people know. */
const clock = (iso: string): string => `${iso.slice(11, 19)} UTC`;

function waitText(wait: NonNullable<RunState['waitsFor']>): string {
  const until = wait.until ? ` until ${wait.until}` : '';
  return `waits for ${wait.what}${until}`;
}

/** The run's current details in the Web UI: Markdown for somebody who knows the runbook and not Temporal. */
export function detailsMarkdown(state: RunState): string {
  const { phase, message } = describe(state);
  const rows = state.steps.map((s) => row(`${s.ok ? '✓' : '✗'} ${s.step}`, seconds(s), markdownText(s.fact)));
  const running = state.step === null ? [] : [row(`… ${state.step}`, '', state.waitsFor ? 'waits' : 'runs now')];
  return [
    `### ${state.run} · ${state.outcome ?? phase}`,
    `**${markdownText(state.where)}** ${state.from ?? '—'} → ${state.to ?? '—'}`,
    '',
    `Asked by ${markdownText(state.requester)}: ${markdownText(state.reason)}`,
    '',
    markdownText(message, 2_000),
    ...(state.waitsFor && state.decision?.outcome === null ? ['', markdownText(soFar(state))] : []),
    ...(state.waitsFor?.command ? ['', `To act: ${markdownCode(state.waitsFor.command)}`] : []),
    ...(rows.length + running.length > 0 ? ['', row('step', 'took', 'fact'), '| :--- | ---: | :--- |', ...rows, ...running] : []),
    '',
    commandsFor(state).map(markdownCode).join(' · '),
  ].join('\n');
}

/** How far the decision is, and until when the board is to convene. */
function soFar({ decision, exception }: RunState): string {
  const convene = exception && exception.convenedAt === null && exception.conveneBy ? `; the board convenes by ${exception.conveneBy}` : '';
  return `so far ${decision?.progress ?? ''}${convene}`;
}

/** The Web UI gives cells no padding and breaks them at spaces: short ones bring their own, without a break. */
const row = (step: string, took: string, fact: string): string => `| ${hard(`${step}  `)} | ${hard(`${took}  `)} | ${fact} |`;

const hard = (text: string): string => text.replaceAll(' ', '\u00a0');

/** What can be done about it now. */
function commandsFor({ run, steps, where, outcome }: RunState): string[] {
  const look = [`runbook show ${run}`, `runbook logs ${run}`];
  if (outcome === null) return [`runbook watch ${run}`, ...look.slice(1), `runbook abort ${run} --reason …`];
  if (outcome !== 'done' || !steps.some(({ step }) => step === 'switch')) return look;
  return [...look, `runbook undo ${where} --reason …`];
}

/** The server's limit for a summary. */
const MAX_SUMMARY_BYTES = 400;

/** One line for lists of workflows: what, where, why, by whom. */
export function summaryLine(kind: string, where: string, reason: string, requester: string): string {
  let line = `${kind} ${where}: ${reason} (${requester})`;
  while (new TextEncoder().encode(line).length > MAX_SUMMARY_BYTES) line = line.slice(0, -1);
  return line;
}

/** Wall time of a step as the workflow saw it, e.g. `2.1 s`. */
export function seconds(step: { startedAt: string; endedAt: string }): string {
  const ms = Date.parse(step.endedAt) - Date.parse(step.startedAt);
  return formatMs(ms);
}

/** `0.2 ms`, `340 ms`, `2.1 s`, `3 min 4 s`. */
export function formatMs(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 100) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}
