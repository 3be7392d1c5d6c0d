/** An order to undo what the host undoes by itself, because its end came: answered, not fought over. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostContext, StepScope } from './context.js';
import type { LeaseHolder, Order, Undone } from './contract.js';
import { hostsWords } from './ends.js';
import type { Place } from './paths.js';
import type { ArmedRow } from './store-armed.js';
import type { EndRecord } from './store-ends.js';
import { isUndoUnderWay } from './undo-mark.js';

const LOOK_EVERY_MS = 250;

/** Chain under which the host itself holds the lease of a change whose end came. */
export const endingChain = (chain: string): string => `expiry-${chain}`;

/** The host itself as holder. There is no such workflow: what asks Temporal for it is told that it is closed. */
export const endingHolder = ({ chain, run }: Pick<ArmedRow, 'chain' | 'run'>): LeaseHolder => ({ workflowId: `expiry/${run}`, chain: endingChain(chain), run });

/**
 * What the host did about a change; waits for it while it is at it. Null: nothing yet, or this order has the lease, and undoes.
 */
export async function hostsAnswer(ctx: HostContext, step: StepScope, { link }: Place, order: Order, chain: string): Promise<Undone | null> {
  if (order.chain === endingChain(chain)) return null;
  for (;;) {
    const record = ctx.store.ends.record(chain);
    if (!record) return null;
    const { holder, epoch } = ctx.store.leases.get(link);
    const isOurs = holder?.chain === order.chain && epoch === order.epoch;
    if (isOurs && record.outcome !== 'restored') return null;
    if (record.outcome !== null || !isUndoUnderWay(ctx, link)) return answerOf(record);
    step.heartbeat();
    await sleep(LOOK_EVERY_MS, undefined, { signal: step.signal });
  }
}

function answerOf(record: EndRecord): Undone {
  const { outcome, version, from, problem } = record;
  const words = outcome === null ? `the host is going back by itself since ${record.beganAt}, and tries until it is verified` : outcome === 'superseded' ? `the end came at ${record.end}` : hostsWords(record);
  return { outcome: outcome ?? 'restored', from, version, verified: outcome === 'restored', problem: [words, ...(problem ? [problem] : [])].join('; '), workMs: 0 };
}
