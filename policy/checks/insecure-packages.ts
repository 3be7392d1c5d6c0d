/** PF-24: no installed version is one that the policy's advisories name. */
import { counted, oneLine } from '../text.js';
import { insecurePackages } from './insecure.js';
import type { EnvironmentFacts } from './facts.js';
import type { Check, CheckRules } from './model.js';
import { createCommands, isForeign, isManaged, pipWord, targetWord } from './remedies.js';
import { unmeasured, verdictOf } from './verdict.js';

export const insecurePackagesCheck: Check = {
  name: 'insecure-packages',
  title: 'Insecure packages',
  blocking: false,
  judge(facts, rules) {
    const found = insecurePackages(facts, rules);
    if (!found.ok) return unmeasured(found.problem, 'runbook policy check');
    // Nothing to compare with is no proof that nothing is insecure.
    if (rules.advisories.length === 0) return unmeasured('the policy names no advisories (checks.advisories), so nothing was compared', `${pipWord(facts)} list # and compare with the advisories you follow`);
    const insecure = found.value.map((one) => ({ ...one }));
    if (insecure.length === 0) return verdictOf([{ status: 'pass', line: `no installed version is in the policy's ${rules.advisories.length === 1 ? 'advisory' : `${rules.advisories.length} advisories`}` }], { insecure }, null);
    const lines = [counted(insecure.length, 'insecure package'), ...insecure.map(({ name, version, id, text }) => `${name} ${version}: ${id}, ${oneLine(text)}`)];
    return verdictOf(lines.map((line) => ({ status: 'fail' as const, line })), { insecure }, upgradeCommands(facts, rules, insecure.map(({ name }) => name)));
  },
};

function upgradeCommands(facts: EnvironmentFacts, rules: CheckRules, names: string[]): string {
  const first = `# first pin in ${facts.lock.path} fixed versions of ${[...new Set(names)].join(', ')}`;
  if (isForeign(facts) || (facts.interpreter.ok && !facts.interpreter.value.isVirtual)) return [first, createCommands(facts, rules)].join('\n');
  return [first, isManaged(facts) ? `runbook run change ${targetWord(facts)}` : `${pipWord(facts)} install --upgrade ${[...new Set(names)].join(' ')}`].join('\n');
}
