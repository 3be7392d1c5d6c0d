/** How single findings become the verdict of a check. */
import type { CheckResult, CheckStatus } from './model.js';

/** What a judge answers. */
export type Judged = Pick<CheckResult, 'status' | 'lines' | 'evidence' | 'remedy'>;

/** One finding: a sentence, and what it means by itself. */
export interface Finding {
  status: CheckStatus;
  line: string;
}

/** Best first. A known failure counts more than what could not be told; that counts more than a warning. */
const ORDER: readonly CheckStatus[] = ['pass', 'warn', 'unknown', 'fail'];

/** Worst of several; of none it is `unknown`, because nothing was looked at. */
export function worst(statuses: readonly CheckStatus[]): CheckStatus {
  if (statuses.length === 0) return 'unknown';
  return ORDER[Math.max(...statuses.map((status) => ORDER.indexOf(status)))]!;
}

/** The verdict of findings: those that decide it come first, the others in their order. A pass needs no remedy. */
export function verdictOf(findings: readonly Finding[], evidence: Judged['evidence'], remedy: string | null): Judged {
  const status = worst(findings.map((finding) => finding.status));
  const deciding = findings.filter((finding) => finding.status === status);
  const others = findings.filter((finding) => finding.status !== status);
  return { status, lines: [...deciding, ...others].map(({ line }) => line), evidence, remedy: status === 'pass' ? null : remedy };
}

/** It could not be measured, and why (DEF-17). */
export function unmeasured(line: string, remedy: string | null): Judged {
  return { status: 'unknown', lines: [line], evidence: {}, remedy };
}
