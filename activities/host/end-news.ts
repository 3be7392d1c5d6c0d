/** What is told of changes that end by themselves. */
import type { HostContext } from './context.js';
import type { HostEvent } from './contract.js';
import { hasEnded, isStandingAnywhere } from './ends.js';

/**
 * What the host did at ends, as long as it is news or not verified, and the ends to come. Goes into an event in the transaction
 * that keeps it: the event is given until it was received.
 */
export function endNews(ctx: HostContext): Pick<HostEvent, 'expired' | 'ends'> {
  const { armed, ends } = ctx.store;
  const told = ends.toTell().map(({ record }) => record);
  ends.setTold(told.map(({ chain }) => chain));
  const expired = told.map(({ link, run, chain, end, outcome, version, problem }) => ({ link, run, chain, end, verified: outcome === 'restored', version, problem }));
  const toCome = armed.ending().filter((row) => !hasEnded(ctx, row) && isStandingAnywhere(ctx, row)).map(({ link, run, end }) => ({ link, run, end: end! }));
  return { ...(expired.length > 0 ? { expired } : {}), ...(toCome.length > 0 ? { ends: toCome } : {}) };
}
