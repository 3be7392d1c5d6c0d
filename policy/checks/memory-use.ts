/** PF-26: what the imports take of memory. */
import { oneLine } from '../text.js';
import type { Check } from './model.js';
import { importTimesCommand, targetWord } from './remedies.js';
import { unmeasured, verdictOf } from './verdict.js';

export const memoryUse: Check = {
  name: 'memory-use',
  title: 'Memory use',
  blocking: false,
  judge(facts, { rssMaxMiB, required }) {
    const { probe, importTime } = facts;
    const byHand = importTimesCommand(facts, required);
    const timed = probe?.ok ? probe : (importTime ?? probe);
    if (timed === null) return unmeasured('no import was measured', `runbook preflight ${targetWord(facts)} --manual`);
    if (!timed.ok) return unmeasured(`memory could not be measured: ${oneLine(timed.problem)}`, byHand);
    const { rssMiB } = timed.value;
    if (!Number.isFinite(rssMiB) || rssMiB <= 0) return unmeasured(`memory could not be measured: ${rssMiB} MiB`, byHand);
    const line = `the imports took ${rssMiB.toFixed(0)} MiB at most, the limit is ${rssMaxMiB} MiB`;
    return verdictOf([{ status: rssMiB <= rssMaxMiB ? 'pass' : 'warn', line }], { rssMiB, limitMiB: rssMaxMiB }, `${byHand} # which import brings what`);
  },
};
