/** `runbook undo PATH --local`: the same undo, with no server and nobody to ask. */
import { ulid } from 'ulid';
import { giveBack, takeHere } from './act-here.js';
import type { HostContext, StepScope } from './context.js';
import type { LeaseHolder, Undone } from './contract.js';
import { resolvePlace } from './paths.js';
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
  const order = (await takeHere(ctx, scope, place, { holder, seq: 1, step: 'undo' }, () => ({ undo: 'local', actor, reason })))!;
  const undone = await undo(ctx, scope, order, { chain: null }).catch((error: unknown) => {
    giveBack(ctx, place, order, false);
    throw error;
  });
  giveBack(ctx, place, order, undone.verified || undone.outcome === 'superseded');
  return undone;
}
