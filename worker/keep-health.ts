/** The agent's watch over the health of its environments: on its own clock, with or without a server, for as long as it runs. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostContext } from '../activities/host/context.js';
import { healthWatch } from '../activities/host/health.js';

/** How often it is asked what is due. */
const LOOK_EVERY_MS = 1_000;

/** Looks until `signal` aborts, and returns when nothing of it runs any more. Nothing that fails ends it: it is told to `warn`. */
export async function keepHealth(ctx: HostContext, signal: AbortSignal, everyMs = LOOK_EVERY_MS): Promise<void> {
  const watch = healthWatch(ctx, signal);
  let told = '';
  while (!signal.aborted) {
    try {
      await watch.look();
      told = '';
    } catch (error) {
      const { message } = error as Error;
      // A store that can't be written now (a full disk): said once, not every second.
      if (told !== message) ctx.warn?.(`health can't be watched now: ${(told = message)}`);
    }
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
  }
  await watch.idle();
}
