/** The host's own orders, which no server gives: the lease is taken from whoever has it. */
import type { HostContext, StepScope } from './context.js';
import type { LeaseHolder, Order } from './contract.js';
import { endGroups } from './groups.js';
import { give } from './lease.js';
import { operationId } from './order.js';
import type { Place } from './paths.js';
import { writeReadme } from './readme.js';
import { markUndo } from './undo-mark.js';

export interface OwnOrder {
  holder: LeaseHolder;
  seq: number;
  step: string;
}

/**
 * Takes the environment for an undo and journals why, in one transaction, then ends what the last holder had started. Null when
 * `admit`, asked in that transaction, says no: then nothing was taken. Every later order of the last holder is refused.
 * @param admit what the journal says about it, with the epoch that the lease will have
 */
export async function takeHere(ctx: HostContext, scope: StepScope, place: Place, { holder, seq, step }: OwnOrder, admit: (epoch: number) => object | null): Promise<Order | null> {
  const { store } = ctx;
  const { link, env } = place;
  const ids = { chain: holder.chain, seq, step };
  const epoch = store.exclusive(() => {
    const lease = store.leases.get(link);
    const why = admit(lease.epoch + 1);
    if (!why) return null;
    store.journal.append({ link, op: operationId(ids), kind: 'observation', run: holder.run, at: ctx.now().toISOString(), attempt: scope.attempt, body: { ...why, takenFrom: lease.holder } });
    // Marked together with it, so that what ends by itself waits for a person's undo from its first moment.
    markUndo(ctx, link, operationId(ids));
    return give(ctx, place, holder, 'expiry').epoch;
  });
  if (epoch === null) return null;
  await ctx.barrier(`${step}:taken`);
  try {
    await endGroups(ctx, link, (row) => row.epoch < epoch, scope);
  } catch (error) {
    store.exclusive(() => store.ends.clearUndoMark(link, operationId(ids)));
    throw error;
  }
  return { env, run: holder.run, workflowId: holder.workflowId, ...ids, epoch, reissued: 0 };
}

/** Gives it back: free when it is settled; else `unsettled`, so that nobody builds on it before it is. Writes the README. */
export function giveBack(ctx: HostContext, place: Place, { chain, seq, step, epoch }: Order, isSettled: boolean): void {
  const { store } = ctx;
  store.exclusive(() => {
    store.ends.clearUndoMark(place.link, operationId({ chain, seq, step }));
    const lease = store.leases.get(place.link);
    if (lease.epoch !== epoch) return;
    const left = lease.switched || !isSettled;
    store.leases.put(left ? { ...lease, state: 'unsettled', switched: true } : { ...lease, state: 'free', holder: null, priority: 'forward', switched: false });
  });
  try {
    writeReadme(ctx, place);
  } catch {
    // It is an aid for people: that it can't be written (a full disk) makes nothing of the undo undone.
  }
}
