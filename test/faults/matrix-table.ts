/** The fault matrix as a table: what each case gave, phase by phase. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { casesOf, PHASES, POINTS, SIGNALS, VICTIMS, type Case, type Phase, type Signal, type Victim } from './matrix.js';

/** Variable that names the file to which the matrix tests append their results, one JSON object a line. */
export const RESULTS_VARIABLE = 'RUNBOOK_FAULTS_RESULTS';

/** What became of one case. */
export interface CaseResult {
  point: string;
  victim: Victim;
  signal: Signal;
  /** null: it ended as it would have ended undisturbed. */
  problem: string | null;
  seconds: number;
}

/** Keeps a result for the table, where somebody asked for one. */
export function keepResult({ point, victim, signal }: Case, problem: string | null, seconds: number): void {
  const file = process.env[RESULTS_VARIABLE];
  const result: CaseResult = { point: point.name, victim, signal, problem, seconds };
  if (file) appendFileSync(file, `${JSON.stringify(result)}\n`);
}

/** Results of all matrices that one run kept. */
export function readLines(file: string): object[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as object);
}

/** Those of this matrix: others say whose they are. */
export const readResults = (file: string): CaseResult[] => readLines(file).filter((line): line is CaseResult => !('matrix' in line));

/** Phases down, victims and signals across; then how many cases, and every failure with its reason. Markdown. */
export function matrixTable(results: readonly CaseResult[]): string {
  const columns = VICTIMS.flatMap((victim) => SIGNALS.map((signal) => ({ victim, signal })));
  const rows = PHASES.map((phase) => [`${phase} (${POINTS.filter((point) => point.phase === phase).length})`, ...columns.map(({ victim, signal }) => cell(results, phase, victim, signal))]);
  const heads = ['phase (points)', ...columns.map(({ victim, signal }) => `${victim} ${signal.slice(3)}`)];
  return [...alignedRows([heads, ...rows]), '', summary(results), ...failures(results)].join('\n');
}

/** `ok 3`: all three cases of it. */
function cell(results: readonly CaseResult[], phase: Phase, victim: Victim, signal: Signal): string {
  const asked = casesOf(signal).filter((one) => one.point.phase === phase && one.victim === victim);
  if (asked.length === 0) return 'n.a.';
  const had = asked.flatMap(({ point }) => results.find((one) => one.point === point.name && one.victim === victim && one.signal === signal) ?? []);
  return cellText(asked.length, had);
}

/** What became of the cases of one cell. */
export function cellText(asked: number, had: readonly { problem: string | null }[]): string {
  const failed = had.filter(({ problem }) => problem !== null).length;
  if (failed > 0) return `FAILED ${failed} of ${had.length}`;
  if (had.length === 0) return 'not run';
  return had.length === asked ? `ok ${had.length}` : `ok ${had.length} of ${asked}`;
}

/** Lines of a Markdown table, its columns below each other. */
export function alignedRows([heads, ...rows]: string[][]): string[] {
  const widths = heads!.map((head, at) => Math.max(head.length, ...rows.map((row) => row[at]!.length)));
  const line = (cells: string[]): string => `| ${cells.map((text, at) => text.padEnd(widths[at]!)).join(' | ')} |`;
  return [line(heads!), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)];
}

function summary(results: readonly CaseResult[]): string {
  const all = SIGNALS.flatMap(casesOf).length;
  const failed = results.filter(({ problem }) => problem !== null).length;
  const longest = results.reduce((most, { seconds }) => Math.max(most, seconds), 0);
  return `${results.length} of ${all} cases run, ${failed} failed; the longest took ${longest.toFixed(0)} s. n.a.: no child of the agent waits in that phase.`;
}

function failures(results: readonly CaseResult[]): string[] {
  const failed = results.filter(({ problem }) => problem !== null);
  return failed.length === 0 ? [] : ['', ...failed.map(({ point, victim, signal, problem }) => `- ${signal} of ${victim} at ${point}: ${problem!.split('\n')[0]!.slice(0, 300)}`)];
}
