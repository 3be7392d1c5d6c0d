/** The approval matrix as a table: what each case gave, phase by phase. */
import { appendFileSync } from 'node:fs';
import { APPROVAL_PHASES, APPROVAL_POINTS, APPROVAL_VICTIMS, approvalCaseName, approvalCases, type ApprovalCase, type ApprovalPhase, type ApprovalVictim } from './approval-matrix.js';
import { alignedRows, cellText, readLines, RESULTS_VARIABLE } from './matrix-table.js';

export interface ApprovalResult {
  /** Tells these lines from those of the other matrix in the same file. */
  matrix: 'approvals';
  case: string;
  phase: ApprovalPhase;
  victim: ApprovalVictim;
  /** null: it ended as it would have ended undisturbed. */
  problem: string | null;
  seconds: number;
}

/** Keeps a result for the table, where somebody asked for one. */
export function keepApprovalResult(one: ApprovalCase, problem: string | null, seconds: number): void {
  const file = process.env[RESULTS_VARIABLE];
  const result: ApprovalResult = { matrix: 'approvals', case: approvalCaseName(one), phase: one.point.phase, victim: one.victim, problem, seconds };
  if (file) appendFileSync(file, `${JSON.stringify(result)}\n`);
}

export const readApprovalResults = (file: string): ApprovalResult[] => readLines(file).filter((line): line is ApprovalResult => (line as ApprovalResult).matrix === 'approvals');

/** Phases down, victims across; then how many cases, and every failure with its reason. Markdown. */
export function approvalTable(results: readonly ApprovalResult[]): string {
  const rows = APPROVAL_PHASES.map((phase) => [`${phase} (${APPROVAL_POINTS.filter((point) => point.phase === phase).length})`, ...APPROVAL_VICTIMS.map((victim) => cell(results, phase, victim))]);
  const failed = results.filter(({ problem }) => problem !== null);
  const longest = results.reduce((most, { seconds }) => Math.max(most, seconds), 0);
  return [
    ...alignedRows([['phase (points)', ...APPROVAL_VICTIMS.map((victim) => `${victim} KILL`)], ...rows]), '',
    `${results.length} of ${approvalCases().length} cases run, ${failed.length} failed; the longest took ${longest.toFixed(0)} s.`,
    ...(failed.length === 0 ? [] : ['', ...failed.map((one) => `- ${one.case}: ${one.problem!.split('\n')[0]!.slice(0, 300)}`)]),
  ].join('\n');
}

function cell(results: readonly ApprovalResult[], phase: ApprovalPhase, victim: ApprovalVictim): string {
  const had = results.filter((one) => one.phase === phase && one.victim === victim);
  return cellText(APPROVAL_POINTS.filter((point) => point.phase === phase).length, had);
}
