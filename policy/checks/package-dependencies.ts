/** Check 3 (PF-09): each required package imports, told one by one. */
import { counted, oneLine } from '../text.js';
import type { EnvironmentFacts, ImportFacts } from './facts.js';
import type { Check } from './model.js';
import { reinstallCommands } from './remedies.js';
import { unmeasured, verdictOf, type Finding } from './verdict.js';

export const packageDependencies: Check = {
  name: 'package-dependencies',
  title: 'Package dependencies',
  blocking: true,
  judge(facts, rules) {
    const { required } = rules;
    const remedy = reinstallCommands(facts, facts.lock.path, rules);
    if (!facts.imports.ok) return unmeasured(`no import could be tried: ${oneLine(facts.imports.problem)}`, remedy);
    const tried = facts.imports.value;
    const findings = required.map((module) => findingOf(module, tried.find((one) => one.module === module)));
    const missing = required.filter((_, at) => findings[at]!.status === 'fail');
    const untried = required.filter((_, at) => findings[at]!.status === 'unknown');
    return verdictOf([summary(required.length, missing.length, untried.length), ...findings], { required, missing, untried }, missingRemedy(facts, missing, remedy));
  },
};

function findingOf(module: string, tried: ImportFacts | undefined): Finding {
  if (tried === undefined) return { status: 'unknown', line: `${module}: its import was not tried` };
  return tried.ok ? { status: 'pass', line: `${module}: available` } : { status: 'fail', line: `${module}: not available: ${oneLine(tried.error) || 'the import failed without a word'}` };
}

function summary(total: number, missing: number, untried: number): Finding {
  if (missing > 0) return { status: 'fail', line: `${missing} of ${counted(total, 'required package')} missing` };
  if (untried > 0) return { status: 'unknown', line: `${untried} of ${counted(total, 'required package')} not tried` };
  return { status: 'pass', line: total === 0 ? 'no package is required' : total === 1 ? 'the required package is available' : `all ${total} required packages are available` };
}

/** Before an import can work, a package of the lock must bring it; whose name need not be the module's (DEF-05). */
function missingRemedy({ lock, name }: EnvironmentFacts, missing: string[], reinstall: string): string {
  const pinned = new Set(lock.pins.ok ? lock.pins.value.map(({ project }) => project.replace(/[-_.]+/g, '_').toLowerCase()) : []);
  const unpinned = lock.pins.ok ? missing.filter((module) => !pinned.has(module.split('.')[0]!.toLowerCase())) : [];
  return unpinned.length === 0 ? reinstall : [`# pin first in ${lock.path} what brings ${unpinned.join(', ')}, where nothing there does`, reinstall, `# or, where the project needs others: checks.projects of the policy, for ${oneLine(name, 80)}`].join('\n');
}
