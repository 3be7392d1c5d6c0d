/** Check 4 (PF-10, PF-11, PF-12): the lock is there, not empty, not old, and what is installed is what it pins. */
import { isSeed } from '../freeze.js';
import { counted } from '../text.js';
import { lockDifferences, namesOutsideLock } from './lock-match.js';
import type { EnvironmentFacts, LockFacts } from './facts.js';
import type { Check, CheckRules } from './model.js';
import { fileWord, freezeCommands, isForeign, reinstallCommands, removeCommands } from './remedies.js';
import { verdictOf, type Finding } from './verdict.js';

/** Differences listed one by one; the rest are counted. */
const LISTED = 20;

export const wheelStatus: Check = {
  name: 'wheel-status',
  title: 'Wheel status',
  blocking: true,
  judge(facts, rules) {
    const { lock } = facts;
    const { path, exists, bytes, ageSeconds, sha256 } = lock;
    const evidence = { lock: path, exists, bytes, ageSeconds, sha256 };
    if (!exists) return verdictOf([{ status: 'fail', line: `there is no ${path}` }], evidence, freezeCommands(facts, path, rules));
    if (bytes === 0) return verdictOf([{ status: 'fail', line: `${path} is empty` }], evidence, freezeCommands(facts, path, rules));
    const compared = lockDifferences(facts, rules);
    const match = matchFindings(facts, compared);
    const remedy = match.some(({ status }) => status !== 'pass') ? differenceRemedy(facts, rules) : `touch ${fileWord(facts, path)} # after looking it through for newer versions`;
    const age = ageFinding(lock, rules);
    const parts = { file: { ...age }, match: { ...match[0]! } };
    return verdictOf([...match, age, { status: 'pass', line: `${path} is there, ${counted(bytes, 'byte')}` }], { ...evidence, differences: compared.ok ? compared.value : null, parts }, remedy);
  },
};

/** PF-11: exactly the limit is old. */
function ageFinding({ path, ageSeconds }: LockFacts, { lockMaxAgeSeconds }: CheckRules): Finding {
  if (ageSeconds === null || !Number.isFinite(ageSeconds)) return { status: 'unknown', line: `the age of ${path} could not be told` };
  if (ageSeconds < 0) return { status: 'warn', line: `${path} was written in the future, by this host's clock` };
  const limit = `${hours(lockMaxAgeSeconds)} h`;
  if (ageSeconds >= lockMaxAgeSeconds) return { status: 'warn', line: `${path} is ${hours(ageSeconds)} h old; it is stale from ${limit} on` };
  return { status: 'pass', line: `${path} is current, less than ${limit} old` };
}

/** Down to a tenth, so that what is under a limit never reads as the limit. */
const hours = (seconds: number): number => Math.floor(seconds / 360) / 10;

function matchFindings({ packages, lock }: EnvironmentFacts, compared: ReturnType<typeof lockDifferences>): Finding[] {
  if (!compared.ok) return [{ status: 'unknown', line: compared.problem }];
  const differences = compared.value;
  if (differences.length === 0) return [{ status: 'pass', line: `what is installed is what ${lock.path} pins${packages.ok ? `, ${counted(packages.value.filter(({ name }) => !isSeed(name)).length, 'package')}` : ''}` }];
  const beyond = differences.length - LISTED;
  return [`${counted(differences.length, 'difference')} between what is installed and the lock`, ...differences.slice(0, LISTED), ...(beyond > 0 ? [`and ${beyond} more`] : [])].map((line) => ({ status: 'fail', line }));
}

/** Taken out first: two packages may share files, and what is installed last has them. */
function differenceRemedy(facts: EnvironmentFacts, rules: CheckRules): string {
  const { path } = facts.lock;
  const reinstall = [...removeCommands(facts, path, namesOutsideLock(facts)), reinstallCommands(facts, path, rules)];
  return (isForeign(facts) ? reinstall : [...reinstall, `# or, where what is installed is what is wanted: ${freezeCommands(facts, path, rules)}`]).join('\n');
}
