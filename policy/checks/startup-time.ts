/** PF-26: how long a program takes until it can work: the interpreter's start and its imports. */
import { oneLine } from '../text.js';
import type { Check } from './model.js';
import { importTimesCommand } from './remedies.js';
import { unmeasured, verdictOf } from './verdict.js';

export const startupTime: Check = {
  name: 'startup-time',
  title: 'Start-up time',
  blocking: false,
  judge(facts, { startupMaxSeconds, healthImports }) {
    const { interpreter, importTime } = facts;
    const byHand = importTimesCommand(facts, healthImports);
    if (!interpreter.ok) return unmeasured(`no interpreter could be started: ${oneLine(interpreter.problem)}`, null);
    if (importTime === null) return unmeasured('the imports of a start were not asked for', byHand);
    if (!importTime.ok) return unmeasured(`the imports of a start could not be timed: ${oneLine(importTime.problem)}`, byHand);
    const startSeconds = interpreter.value.startupMs / 1000;
    const seconds = startSeconds + importTime.value.seconds;
    if (!Number.isFinite(seconds) || seconds < 0) return unmeasured('the start gave no time', byHand);
    const line = `a start takes ${seconds.toFixed(3)} s (the interpreter ${startSeconds.toFixed(3)} s, ${healthImports.join(', ') || 'no'} imports ${importTime.value.seconds.toFixed(3)} s), the limit is ${startupMaxSeconds} s`;
    return verdictOf([{ status: seconds <= startupMaxSeconds ? 'pass' : 'warn', line }], { seconds, startupMs: interpreter.value.startupMs, importSeconds: importTime.value.seconds, limitSeconds: startupMaxSeconds }, byHand);
  },
};
