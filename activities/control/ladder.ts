/** What is left to try when no interpreter has all wheels: rungs, builder and pins, by the policy. */
import { buildablePins, nextRungs } from '../../policy/ladder.js';
import { classOf } from '../../policy/files/load.js';
import type { ControlActivities } from './contract.js';
import type { PolicyStore } from './policy-store.js';

/** The builder is the policy's, else the host itself where it has the role; whether builds may run there, its own class says. */
export function createLadderActivities(policies: PolicyStore): Pick<ControlActivities, 'planLadder'> {
  return {
    async planLadder({ request, look, verdicts }) {
      const policy = policies.pinned(request.policyDigest);
      const builder = policy.builder ?? (look.roles?.includes('builder') ? look.env.host : null);
      const rungs = nextRungs(verdicts, { hasBuilder: builder !== null, build: classOf(policy, builder ?? look.env.host).rules.build });
      const fallback = verdicts.at(-1);
      return { rungs, builder, pins: fallback ? buildablePins(fallback) : [], missing: fallback?.missing ?? [], knownGood: policy.knownGood };
    },
  };
}
