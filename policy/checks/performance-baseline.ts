/** Check 7 (PF-15, DEF-17): the probe's imports and sum take less than the limit. It only warns, and never passes unmeasured. */
import { oneLine } from '../text.js';
import type { Check } from './model.js';
import { importTimesCommand, targetWord } from './remedies.js';
import { unmeasured, verdictOf } from './verdict.js';

export const performanceBaseline: Check = {
  name: 'performance-baseline',
  title: 'Performance baseline',
  blocking: false,
  judge(facts, { probeMaxSeconds, required }) {
    const { probe } = facts;
    if (probe === null) return unmeasured('the probe was not asked for', `runbook preflight ${targetWord(facts)}`);
    if (!probe.ok) return unmeasured(`the probe gave no time: ${oneLine(probe.problem)}`, importTimesCommand(facts, required));
    const { seconds, rssMiB } = probe.value;
    if (!Number.isFinite(seconds) || seconds < 0) return unmeasured(`the probe gave no time: ${seconds}`, importTimesCommand(facts, required));
    const isQuick = seconds < probeMaxSeconds;
    const line = `imports and sum took ${seconds.toFixed(3)} s, the limit is ${probeMaxSeconds} s`;
    return verdictOf([{ status: isQuick ? 'pass' : 'warn', line: isQuick ? line : `${line}: wheels or configuration may be the cause` }], { seconds, rssMiB, limitSeconds: probeMaxSeconds }, `runbook wheels ${targetWord(facts)} # which packages lack a wheel`);
  },
};
