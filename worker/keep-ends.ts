/** The agent's own clock: what ends by itself is taken back, with or without a server, from the process's first moment to its last. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostContext } from '../activities/host/context.js';
import { expireDue, tidyReadmes } from '../activities/host/expiry.js';
import { writeMissingStates } from '../activities/host/readme.js';

/** How often the clock is looked at. */
const LOOK_EVERY_MS = 1_000;

export interface EndsKept {
  /** Resolves when everything that was due at the start was tried once; before it no order may be taken (invariant 7). */
  first: Promise<void>;
  /** Resolves when it has stopped, after `signal` aborted. */
  stopped: Promise<void>;
}

/** Takes back what is due, now and every second, until `signal` aborts. Nothing that fails ends it: it is told to `warn`, and tried again. */
export function keepEnds(ctx: HostContext, signal: AbortSignal, everyMs = LOOK_EVERY_MS): EndsKept {
  const told = { last: '' };
  const look = async (): Promise<void> => {
    try {
      const records = await expireDue(ctx, signal);
      told.last = '';
      for (const { link, run, outcome, version, problem } of records) ctx.warn?.(`${link}: ${run} has ended; ${outcome === 'restored' ? `back on ${version ?? 'no environment'}, verified` : `not verified: ${problem}`}`);
    } catch (error) {
      // A store that can't be read now (a full disk): said once, not every second.
      if (told.last !== (error as Error).message) ctx.warn?.(`ends can't be kept now: ${(told.last = (error as Error).message)}`);
    }
  };
  const first = (async () => {
    tidy(ctx);
    await look();
  })();
  return { first, stopped: loop(first, look, signal, everyMs) };
}

/** A look takes as long as a service's restart: the next ones do not wait for it. */
async function loop(first: Promise<void>, look: () => Promise<void>, signal: AbortSignal, everyMs: number): Promise<void> {
  const open = new Set<Promise<void>>([first]);
  void first.finally(() => open.delete(first));
  while (!signal.aborted) {
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
    const one: Promise<void> = look().finally(() => open.delete(one));
    open.add(one);
  }
  await Promise.all(open);
}

function tidy(ctx: HostContext): void {
  try {
    tidyReadmes(ctx);
    writeMissingStates(ctx);
  } catch (error) {
    ctx.warn?.(`.venvs/README: ${(error as Error).message}`);
  }
}
