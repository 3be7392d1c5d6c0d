/** `runbook undo PATH --local`: the same undo, with no server and nobody to ask. */
import { ulid } from 'ulid';
import type { HostContext, StepScope } from './context.js';
import type { LeaseHolder, Order, Undone } from './contract.js';
import { endGroups } from './groups.js';
import { give } from './lease.js';
import { resolvePlace, type Place } from './paths.js';
import { writeReadme } from './readme.js';
import { hostRefused } from './refuse.js';
import { undo } from './undo.js';

/**
 * Undoes the environment's last change. Takes the lease from whoever has it: every later order of that run is refused.
 * @param actor who asked, for the journal
 * @param reason why, in their words; required
 */
export async function undoLocally(ctx: HostContext, link: string, reason: string, actor: string, signal: AbortSignal = new AbortController().signal): Promise<Undone> {
  const place = resolvePlace(ctx, { host: ctx.host, link });
  if (reason.trim() === '') throw hostRefused(`undo of ${link}`, 'a reason, in your words', 'none', 'runbook undo PATH --local --reason "…"');
  const scope: StepScope = { attempt: 1, signal, heartbeat: () => {} };
  const id = ulid();
  const holder: LeaseHolder = { workflowId: `local/${id}`, chain: `local-${id}`, run: `local-${id.slice(-4).toLowerCase()}` };
  const { epoch } = ctx.store.exclusive(() => {
    ctx.store.journal.append({ link: place.link, op: `${holder.chain}/1/undo`, kind: 'observation', run: holder.run, at: ctx.now().toISOString(), attempt: 1, body: { undo: 'local', actor, reason, takenFrom: ctx.store.leases.get(place.link).holder } });
    return give(ctx, place, holder, 'expiry');
  });
  await endGroups(ctx, place.link, (row) => row.epoch < epoch, scope);
  const order: Order = { env: place.env, run: holder.run, workflowId: holder.workflowId, chain: holder.chain, epoch, seq: 1, step: 'undo', reissued: 0 };
  const undone = await undo(ctx, scope, order, { chain: null }).catch((error: unknown) => {
    release(ctx, place, epoch, false);
    throw error;
  });
  release(ctx, place, epoch, undone.verified || undone.outcome === 'superseded');
  writeReadme(ctx, place);
  return undone;
}

/** Free when it is verified; else `unsettled`, so that nobody builds on it before a person looked. */
function release(ctx: HostContext, { link }: Place, epoch: number, isSettled: boolean): void {
  const { store } = ctx;
  store.exclusive(() => {
    const lease = store.leases.get(link);
    if (lease.epoch !== epoch) return;
    const left = lease.switched || !isSettled;
    store.leases.put(left ? { ...lease, state: 'unsettled', switched: true } : { ...lease, state: 'free', holder: null, priority: 'forward', switched: false });
  });
}
