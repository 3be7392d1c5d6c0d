/** What is told of a host's health. */
import type { HealthState } from '../../policy/checks/results.js';
import { oneLine } from '../../policy/text.js';
import type { HostContext } from './context.js';
import type { HostEvent } from './contract.js';
import { healthState } from './health-rules.js';

/** Characters of health in one event: with its environments it stays below what the server takes as one answer (2 MiB), or it would never get through. */
const LONGEST = 500_000;
/** Of a problem, where there is more than that. */
const BRIEF = 80;

/** Whether an environment's health is not as it was told. */
export const isHealthNews = ({ store: { health } }: HostContext): boolean => health.rulesDigest() !== undefined && health.news().length > 0;

/**
 * Environments whose health changed, all of them when `isFull`, and the rules they were checked by. Goes into an event in the
 * transaction that keeps it: the event is given until it was received, so that a series is told once.
 */
export function healthNews({ store: { health } }: HostContext, isFull: boolean): Pick<HostEvent, 'health' | 'foreign' | 'rules'> {
  const rules = health.rulesDigest();
  if (rules === undefined) return {};
  const rows = isFull ? health.all() : health.news();
  health.setTold(rows);
  const foreign = isFull ? health.foreign()?.found : undefined;
  return { rules, health: fitting(rows.map(healthState)), ...(foreign ? { foreign } : {}) };
}

/** Of very many environments each check and severity is told once and briefly: which ones are wrong, and how badly, stays the same news. */
function fitting(states: HealthState[]): HealthState[] {
  if (JSON.stringify(states).length <= LONGEST) return states;
  return states.map((one) => {
    const each = new Map(one.problems.map((problem) => [`${problem.check} ${problem.severity}`, { ...problem, message: oneLine(problem.message, BRIEF) }]));
    return { ...one, problems: [...each.values()] };
  });
}
