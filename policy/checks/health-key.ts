/** What of an environment's health is news when it changes. */
import type { HealthState, Violation } from './results.js';

/** The state, which checks say so and how badly, and whether there are more warnings than the policy's limit (HM-06); not what they say. */
export function healthKey(state: HealthState['state'], found: readonly Pick<Violation, 'check' | 'severity'>[], verification: HealthState['verification']): string {
  const checks = found.map(({ check, severity }) => `${check}:${severity}`);
  return [state, ...new Set(checks.sort()), ...(verification?.overWarningLimit ? ['warnings'] : [])].join(' ');
}
