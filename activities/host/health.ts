/** The host checks its environments by itself: light checks on its own clock, full ones when nobody works, with or without a server. */
import type { HostContext } from './context.js';
import { beginForeign, beginFull, giveWay, nothingUnderWay } from './health-background.js';
import { logHealth } from './health-log.js';
import { lightRound, type Lights } from './health-round.js';
import { secondsBetween } from './health-rules.js';
import type { HealthRules } from './contract.js';

export interface HealthWatch {
  /** Does the light checks that are due and begins what takes longer; for a loop that calls it every second. Throws what the store says. */
  look(): Promise<void>;
  /** Resolves when nothing goes on any more. */
  idle(): Promise<void>;
}

/** Watches until `signal` aborts, which also ends what it started. Without rules, which come with `nextEvent`, nothing is checked. */
export function healthWatch(ctx: HostContext, signal: AbortSignal): HealthWatch {
  let rules: HealthRules | undefined;
  const lights: Lights = new Map();
  const background = nothingUnderWay();
  return {
    async look() {
      const { health } = ctx.store;
      if (health.rulesDigest() !== rules?.digest) {
        rules = health.rules();
        // By new rules everything is looked at again at once.
        lights.clear();
        background.foreignAt = null;
        background.isForeignWanted = true;
      }
      if (!rules) return;
      const lines = await lightRound(ctx, rules, lights, signal);
      if (lines.length > 0) logHealth(ctx, secondsBetween(rules), lines);
      if (signal.aborted) return;
      giveWay(ctx, background);
      beginFull(ctx, rules, lights, background, signal);
      beginForeign(ctx, rules, background, signal);
    },
    idle: async () => void (await Promise.all([background.full?.done, background.foreign])),
  };
}
