/** VJ-10, VJ-11: the lock is there, not old, and what is installed is what it pins (DIS-08), really compared (DEF-18). */
import { counted } from '../../text.js';
import { lockDifferences } from '../lock-match.js';
import type { EnvironmentFacts, LockFacts } from '../facts.js';
import type { CheckRules, VerifierCheck } from '../model.js';
import type { Violation, Warning } from '../results.js';
import { named, notMeasured, violation, warning } from './violation.js';

const CHECK = 'wheel_status';

export const wheelStatus: VerifierCheck<'wheel_status_check'> = {
  part: 'wheel_status_check',
  judge(facts, rules) {
    const { lock } = facts;
    const compared = lockDifferences(facts, rules);
    return {
      result: {
        lock_file_exists: lock.exists,
        lock_file_current: lock.exists && isCurrent(lock, rules),
        // What is installed matches no lock where there is none.
        packages_match_lock: compared.ok ? lock.exists && compared.value.length === 0 : lock.exists ? null : false,
      },
      violations: [...presence(facts, rules), ...match(facts, rules, compared)],
      warnings: age(lock, rules),
    };
  },
};

/** The limit itself is old; a time to come is no age. */
const isCurrent = ({ ageSeconds }: LockFacts, { lockMaxAgeSeconds }: CheckRules): boolean => ageSeconds !== null && ageSeconds >= 0 && ageSeconds < lockMaxAgeSeconds;

/** DIS-07: how bad a missing lock is to who watches; at a gate preflight decides. One without content is none. */
function presence({ lock }: EnvironmentFacts, { severity }: CheckRules): Violation[] {
  if (!lock.exists) return [violation(CHECK, `lock file ${lock.path} not found`, severity.lockMissing)];
  if (lock.bytes === 0) return [violation(CHECK, `lock file ${lock.path} is empty`, severity.lockMissing)];
  return lock.ageSeconds === null ? [notMeasured(CHECK, `age of ${lock.path}`, 'its time could not be read')] : [];
}

function match({ lock }: EnvironmentFacts, { severity }: CheckRules, compared: ReturnType<typeof lockDifferences>): Violation[] {
  if (!compared.ok) return lock.exists ? [notMeasured(CHECK, `match of installed packages and ${lock.path}`, compared.problem)] : [];
  if (compared.value.length === 0) return [];
  return [violation(CHECK, `installed packages differ from ${lock.path}, ${counted(compared.value.length, 'difference')}: ${named(compared.value, 160)}`, severity.lockMismatch)];
}

function age(lock: LockFacts, rules: CheckRules): Warning[] {
  const { path, exists, ageSeconds } = lock;
  if (!exists || ageSeconds === null || isCurrent(lock, rules)) return [];
  if (!(ageSeconds >= 0)) return [warning(CHECK, `lock file ${path} was written in the future, by this host's clock`)];
  return [warning(CHECK, `lock file ${path} is stale: ${hours(ageSeconds)} h old, the limit is ${hours(rules.lockMaxAgeSeconds)} h`)];
}

const hours = (seconds: number): number => Math.floor(seconds / 360) / 10;
