/** PF-21: what is installed fits together, by its own metadata (what `pip check` asks). */
import { counted, oneLine } from '../text.js';
import type { Check } from './model.js';
import { pipWord, reinstallCommands } from './remedies.js';
import { unmeasured, verdictOf } from './verdict.js';

export const packageCompatibility: Check = {
  name: 'package-compatibility',
  title: 'Package compatibility',
  blocking: false,
  judge(facts, rules) {
    const { conflicts } = facts;
    const byHand = `${pipWord(facts)} check`;
    if (conflicts === null) return unmeasured('requirements of packages among each other were not asked for', byHand);
    if (!conflicts.ok) return unmeasured(`requirements of packages among each other could not be read: ${oneLine(conflicts.problem)}`, byHand);
    const found = conflicts.value;
    if (found.length === 0) return verdictOf([{ status: 'pass', line: 'every package has what it requires' }], { conflicts: [] }, null);
    const lines = [`${counted(found.length, 'conflict')}`, ...found.map((line) => oneLine(line) || 'one that is not told')];
    return verdictOf(lines.map((line) => ({ status: 'fail' as const, line })), { conflicts: found }, reinstallCommands(facts, facts.lock.path, rules));
  },
};
