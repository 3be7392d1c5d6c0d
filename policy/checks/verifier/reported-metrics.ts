/** HM-19, HM-20: what the project's own runs reported. No part of the result: it adds violations only. */
import type { EnvironmentFacts, MetricsFacts } from '../facts.js';
import type { CheckRules } from '../model.js';
import type { Violation } from '../results.js';
import { counted } from '../../text.js';
import { critical, notMeasured, violation, type Findings } from './violation.js';

const REPORTED_METRICS = 'reported_metrics';

/** Limits are to be looked into; test failures and crashes want somebody at once, a crash with a decision on the way back. */
export function reportedMetrics({ metrics, project }: EnvironmentFacts, rules: CheckRules): Findings {
  if (metrics === null) return { violations: [], warnings: [] };
  if (!metrics.ok) return { violations: [notMeasured(REPORTED_METRICS, 'what the project reports', metrics.problem)], warnings: [] };
  return { violations: [...failures(metrics.value, project), ...limits(metrics.value, rules)], warnings: [] };
}

function failures({ at, testsFailed = 0, crashes = 0 }: MetricsFacts, project: string): Violation[] {
  return [
    ...(testsFailed === 0 ? [] : [critical(REPORTED_METRICS, `${counted(testsFailed, 'failed test')} in the run of ${at}`)]),
    ...(crashes === 0 ? [] : [critical(REPORTED_METRICS, `${crashes} ${crashes === 1 ? 'crash' : 'crashes'} in the run of ${at}: decide whether to go back (runbook undo ${project})`)]),
  ];
}

/** `reported NUMBER UNIT` is what changes from run to run; a person who accepts the violation accepts it for every such number. */
function limits({ at, solveSeconds, memoryMiB }: MetricsFacts, { metrics }: CheckRules): Violation[] {
  return [
    ...(solveSeconds === undefined || solveSeconds <= metrics.solveSeconds ? [] : [violation(REPORTED_METRICS, `solve time: reported ${solveSeconds.toFixed(1)} s in the run of ${at}, more than ${metrics.solveSeconds} s: look into it`)]),
    ...(memoryMiB === undefined || memoryMiB <= metrics.memoryMiB ? [] : [violation(REPORTED_METRICS, `memory: reported ${memoryMiB.toFixed(0)} MiB in the run of ${at}, more than ${metrics.memoryMiB} MiB: look into it`)]),
  ];
}

/** A message without the numbers and instants that each report brings anew: the same violation reads the same. */
export const withoutMeasures = (message: string): string => message.replace(/\breported [0-9.]+ (s|MiB)\b/g, 'reported # $1').replace(/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, '#');
