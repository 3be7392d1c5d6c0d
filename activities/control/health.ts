/** What hosts are told to check by, and what people are told about what they found. */
import { digestOf } from '../../policy/canonical.js';
import { foreignAlert, healthAlert, type HealthAlert } from '../../policy/checks/health-alert.js';
import type { ForeignInterpreter, HealthState } from '../../policy/checks/results.js';
import { checkPolicyOf } from '../../policy/checks/rules.js';
import type { PolicyFile } from '../../policy/files/policy-file.js';
import type { HealthRules } from '../host/contract.js';
import type { PolicyStore } from './policy-store.js';

export interface HealthActivities {
  /** The rules of today's policy for a host; null: `known` is their digest, or the policy can't be read now and the host keeps the rules it has. */
  healthRules(input: { host: string; known: string | null }): Promise<{ health: HealthRules | null }>;
  /** PF-27, DIS-05: roles of which somebody may sign off a manual preflight, or accept warnings. */
  statementRoles(): Promise<{ acceptedBy: string[] }>;
  /** Whom to tell what about environments whose health changed, and about interpreters that appeared. `isUnknown`: the policy, which says so, can't be read now. */
  healthAlerts(input: { host: string; health: HealthState[]; foreign?: ForeignInterpreter[] }): Promise<{ alerts: HealthAlert[]; to: string[]; isUnknown?: true }>;
}

/** Over the policy in force. @throws ApplicationFailure PolicyUnknown, where nothing that watches hosts waits for it */
export function createHealthActivities(policies: Pick<PolicyStore, 'current'>): HealthActivities {
  return {
    async healthRules({ host, known }) {
      const policy = readable(policies);
      if (!policy) return { health: null };
      const rules = { everySeconds: policy.timers.healthCheckMinutes * 60, policy: checkPolicyOf(policy, host) };
      const digest = digestOf(rules);
      return { health: digest === known ? null : { digest, ...rules } };
    },
    statementRoles: async () => ({ acceptedBy: policies.current().policy.checks.acceptedBy }),
    async healthAlerts({ host, health, foreign = [] }) {
      const policy = readable(policies);
      if (!policy) return { alerts: [], to: [], isUnknown: true };
      const checks = checkPolicyOf(policy, host);
      return { alerts: [...health.map((one) => healthAlert(one, host, checks)), ...(foreign.length > 0 ? [foreignAlert(foreign, host)] : [])], to: policy.checks.tell };
    },
  };
}

/** Null: it can't be read, for whatever reason. A file that is being repaired must not stop the watches of all hosts; runs say what is wrong with it. */
function readable(policies: Pick<PolicyStore, 'current'>): PolicyFile | null {
  try {
    return policies.current().policy;
  } catch {
    return null;
  }
}
