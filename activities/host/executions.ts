/** Executions of one chain: a run that is reset gives its orders again, from another execution. */
import type { HostContext } from './context.js';
import type { Order } from './contract.js';
import { resolvePlace } from './paths.js';

/**
 * How often the chain was reset, as far as this host saw: 0 for its first execution, whose id is the chain's. Counted in
 * the order they were first seen, because the server ends one before it begins the next. Remembered in the journal.
 */
export function resetsOf(ctx: HostContext, { env, chain, run }: Pick<Order, 'env' | 'chain' | 'run'>, execution: string): number {
  if (execution === chain) return 0;
  const { journal, exclusive } = ctx.store;
  return exclusive(() => {
    const op = `${chain}/execution/${execution}`;
    const known = journal.observations(`${chain}/execution/`);
    if (known.includes(op)) return known.indexOf(op) + 1;
    journal.append({ link: resolvePlace(ctx, env).link, op, kind: 'observation', run, at: ctx.now().toISOString(), attempt: 0, body: { execution } });
    return known.length + 1;
  });
}
