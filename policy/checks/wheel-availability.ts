/** PF-22, PV-20: each package of the lock has a wheel for the interpreter in use. */
import { oneLine } from '../text.js';
import type { Check } from './model.js';
import { targetWord } from './remedies.js';
import { unmeasured, verdictOf } from './verdict.js';

export const wheelAvailability: Check = {
  name: 'wheel-availability',
  title: 'Wheel availability',
  blocking: false,
  judge(facts) {
    const { wheels, interpreter } = facts;
    const remedy = `runbook wheels ${targetWord(facts)}`;
    if (wheels === null) return unmeasured('the index was not asked for wheels', `runbook preflight ${targetWord(facts)} --manual`);
    if (!wheels.ok) return unmeasured(`the index could not be asked for wheels: ${oneLine(wheels.problem)}`, remedy);
    const { missing, total } = wheels.value;
    const version = interpreter.ok ? `Python ${interpreter.value.version}` : 'this interpreter';
    const evidence = { missing, total };
    if (missing.length > 0) return verdictOf([{ status: 'fail', line: `${missing.length} of ${total} without a wheel for ${version}: ${oneLine(missing.join(', '))}` }], evidence, `runbook plan fallback ${targetWord(facts)}`);
    if (total === 0) return unmeasured('the lock pins nothing that could be asked for', remedy);
    return verdictOf([{ status: 'pass', line: `all ${total} have a wheel for ${version}` }], evidence, null);
  },
};
