/** Following a run: one line a step with the fact that matters, and the end with what comes next. */
import type { Client } from '@temporalio/client';
import { describe, seconds, type RunState } from '../../policy/describe.js';
import type { RunResult, StepReport } from '../../policy/model.js';
import { statusQuery } from '../../workflows/messages.js';
import { exitCodeOf, type Io } from './io.js';

/** How often the run is asked, in milliseconds. */
const POLL_MS = 150;

export interface Follow {
  io: Io;
  client: Client;
  workflowId: string;
  json: boolean;
  /** Steps already on the screen. */
  printed?: number;
}

/** Prints steps as they end until the run has ended; returns its result. */
export async function follow(options: Follow): Promise<RunResult> {
  const { io, client, workflowId, json } = options;
  const handle = client.workflow.getHandle(workflowId);
  const ended = handle.result() as Promise<RunResult>;
  let printed = options.printed ?? 0;
  let result: RunResult | null = null;
  const watch = ended.then((value) => (result = value));
  while (result === null) {
    const state = await handle.query(statusQuery).catch(() => null);
    if (state && !json) printed = show(io, state, printed);
    await Promise.race([watch, new Promise((resolve) => setTimeout(resolve, POLL_MS))]);
  }
  if (!json) printStepLines(io, (result as RunResult).steps, printed);
  return result;
}

function show(io: Io, state: RunState, printed: number): number {
  clearLive(io);
  printStepLines(io, state.steps, printed);
  if (io.interactive) process.stderr.write(`  … ${describe(state).message}`.slice(0, 79));
  return state.steps.length;
}

function printStepLines(io: Io, steps: StepReport[], printed: number): void {
  clearLive(io);
  for (const step of steps.slice(printed)) io.talk(stepLine(step));
}

function clearLive(io: Io): void {
  if (io.interactive) process.stderr.write('\r\x1b[2K');
}

/** `  ✓ prepare      2.1 s   41 packages by uv, as user pricer` */
export function stepLine(step: StepReport): string {
  return `  ${step.ok ? '✓' : '✗'} ${step.step.padEnd(12)}${seconds(step).padStart(8)}   ${step.fact}`;
}

/** The last lines of a run: its outcome, what comes next, and the exit code that says the same. */
export function printEnd(io: Io, result: RunResult, json: boolean, uiLink: string | null): number {
  if (json) io.out(JSON.stringify(result, null, 2));
  else {
    io.out(`${result.outcome}${timeOf(result)}: ${result.message}`);
    for (const o of result.objections) io.talk(`  ${o.what}: expected ${o.expected}, got ${o.got}\n    try: ${o.wayOut}`);
    io.talk(`next: runbook show ${result.run} · runbook why ${result.env.link}${result.outcome === 'done' ? ` · runbook undo ${result.env.link}` : ''}`);
    if (uiLink) io.talk(`Web UI ${uiLink}`);
  }
  return exitCodeOf(result.outcome, result.kind);
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
