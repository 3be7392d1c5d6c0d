/** What is told of a host's health. */
import type { HostContext } from './context.js';
import type { HostEvent } from './contract.js';
import { healthState } from './health-rules.js';

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
  return { rules, health: rows.map(healthState), ...(foreign ? { foreign } : {}) };
}
