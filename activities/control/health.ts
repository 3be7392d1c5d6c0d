/** What hosts are told to check by, and what people are told about what they found. */
import { digestOf } from '../../policy/canonical.js';
import { healthAlert, type HealthAlert } from '../../policy/checks/health-alert.js';
import type { HealthState } from '../../policy/checks/results.js';
import { checkPolicyOf } from '../../policy/checks/rules.js';
import type { HealthRules } from '../host/contract.js';
import type { PolicyStore } from './policy-store.js';

export interface HealthActivities {
  /** The rules of today's policy for a host; null: `known` is their digest. */
  healthRules(input: { host: string; known: string | null }): Promise<{ health: HealthRules | null }>;
  /** PF-27, DIS-05: roles of which somebody may sign off a manual preflight, or accept warnings. */
  statementRoles(): Promise<{ acceptedBy: string[] }>;
  /** Whom to tell what about environments whose health changed. */
  healthAlerts(input: { host: string; health: HealthState[] }): Promise<{ alerts: HealthAlert[]; to: string[] }>;
}

/** Over the policy in force. @throws ApplicationFailure PolicyUnknown */
export function createHealthActivities(policies: Pick<PolicyStore, 'current'>): HealthActivities {
  return {
    async healthRules({ host, known }) {
      const { policy } = policies.current();
      const rules = { everySeconds: policy.timers.healthCheckMinutes * 60, policy: checkPolicyOf(policy, host) };
      const digest = digestOf(rules);
      return { health: digest === known ? null : { digest, ...rules } };
    },
    statementRoles: async () => ({ acceptedBy: policies.current().policy.checks.acceptedBy }),
    async healthAlerts({ host, health }) {
      const { policy } = policies.current();
      const checks = checkPolicyOf(policy, host);
      return { alerts: health.map((one) => healthAlert(one, host, checks)), to: policy.checks.tell };
    },
  };
}
