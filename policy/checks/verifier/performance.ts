/** VJ-15: time and memory of the health import. Slow is a plain warning; an import that failed has no time (DEF-17). */
import type { TimedFacts } from '../facts.js';
import type { CheckRules, VerifierCheck } from '../model.js';
import type { Warning } from '../results.js';
import { notMeasured, warning } from './violation.js';

const CHECK = 'performance';

export const performance: VerifierCheck<'performance_check'> = {
  part: 'performance_check',
  judge({ importTime }, rules) {
    if (importTime === null || !importTime.ok) {
      const problem = importTime === null ? 'it was not asked for' : importTime.problem;
      return { result: { import_time: null, memory_usage: null, performance_baseline_met: null }, violations: [notMeasured(CHECK, 'import time', problem)], warnings: [] };
    }
    const { seconds, rssMiB } = importTime.value;
    const warnings = slowness(importTime.value, rules);
    return { result: { import_time: seconds, memory_usage: rssMiB, performance_baseline_met: warnings.length === 0 }, violations: [], warnings };
  },
};

/** Compared so that what is no number is never quick. */
function slowness({ seconds, rssMiB }: TimedFacts, { healthImports, importMaxSeconds, rssMaxMiB }: CheckRules): Warning[] {
  const what = `importing ${healthImports.join(', ')}`;
  return [
    ...(seconds <= importMaxSeconds ? [] : [warning(CHECK, `slow: ${what} took ${seconds.toFixed(2)} s, more than ${importMaxSeconds} s`)]),
    ...(rssMiB <= rssMaxMiB ? [] : [warning(CHECK, `${what} took ${rssMiB.toFixed(0)} MiB of memory, more than ${rssMaxMiB} MiB`)]),
  ];
}
