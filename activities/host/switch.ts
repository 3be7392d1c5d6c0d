/** The switch: one rename, after which everybody who starts the environment's Python gets the new one. */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { Plan } from '../../policy/model.js';
import { adopt } from './adopt.js';
import type { Guard, HostContext, StepScope } from './context.js';
import type { Order, Switched } from './contract.js';
import { refuseEnded } from './ends.js';
import { turnLink } from './link.js';
import { perform } from './order.js';
import { TREE_ID, readLink, resolvePlace, type Place } from './paths.js';
import { announceTree } from './readme.js';
import { hostRefused, refusal } from './refuse.js';
import { processRiders } from './riders.js';
import { readSeal } from './seal.js';
import type { ArmedRow } from './store-armed.js';
import { recheckWarrant } from './warrants.js';

/**
 * Turns the link to a sealed tree; a directory is adopted first. Throws `UndoNotProven` where nothing is armed,
 * `HostRefused` for a tree that is not sealed or, with `onSwitch: idle`, while something runs; `PlanChanged` when the
 * link is not where it was armed; `NotApproved` when what allowed it does so no more.
 */
export function switchLink(ctx: HostContext, step: StepScope, order: Order, { plan, tree }: { plan: Plan; tree: string }): Promise<Switched> {
  const place = resolvePlace(ctx, order.env);
  return perform<Switched>(ctx, step, order, {
    intent: { switch: tree, from: plan.present?.id ?? null },
    holds: (receipt) => readLink(place).treeId === receipt.to,
    act: (guard) => act(ctx, step, place, order, plan, tree, guard),
  });
}

async function act(ctx: HostContext, step: StepScope, place: Place, order: Order, plan: Plan, tree: string, guard: Guard): Promise<Switched> {
  const began = performance.now();
  const armed = requireArmed(ctx, order, plan);
  refuseTree(place, tree);
  const view = readLink(place);
  const answer = (renameMs: number): Switched => ({ from: armed.undoTarget, to: tree, adopted: armed.previousState === 'directory', renameMs, workMs: performance.now() - began });
  if (view.treeId === tree) {
    // An attempt before this one was cut off between the rename and its receipt.
    guard.commit(() => markSwitched(ctx, place, { ...armed, switchingTo: tree }));
    return answer(0);
  }
  await recheckWarrant(ctx, step, order, plan, readSeal(join(place.venvsDir, tree)));
  refuseRiders(ctx, place, view.treePath);
  if (armed.previousState === 'directory' && (view.state === 'directory' || view.treeId === armed.undoTarget)) await adopt(ctx, place, armed.undoTarget!, guard);
  await ctx.barrier(`${order.step}:adopted`);
  // Before the rename: whoever finds the link there knows from which run it is, also when this process dies right after.
  guard.commit(() => {
    refuseEnded(ctx, order, place.link, undefined);
    ctx.store.armed.update({ ...armed, switchingTo: tree });
    announceTree(ctx, place, armed, tree);
  });
  await ctx.barrier(`${order.step}:turning`);
  return answer(turnLink(ctx, place, guard, { from: armed.undoTarget, to: tree, since: 0, rows: () => markSwitched(ctx, place, { ...armed, switchingTo: tree }) }));
}

function requireArmed(ctx: HostContext, order: Order, plan: Plan): ArmedRow {
  const armed = ctx.store.armed.get(order.chain);
  const what = `switch of ${order.env.link}`;
  if (!armed || armed.undone) throw refusal('UndoNotProven', { what, expected: 'an armed undo of this run', got: armed ? 'one that was used' : 'none', wayOut: 'armUndo comes first: no armed undo, no change' });
  if (armed.planDigest !== plan.digest) throw refusal('PlanChanged', { what, expected: `plan ${armed.planDigest.slice(0, 12)}, for which undo was armed`, got: plan.digest.slice(0, 12), wayOut: 'plan and arm again' });
  return armed;
}

function markSwitched(ctx: HostContext, { link }: Place, armed: ArmedRow): void {
  const { store } = ctx;
  store.armed.update({ ...armed, switched: true });
  store.leases.put({ ...store.leases.get(link), switched: true });
}

function refuseTree({ venvsDir }: Place, tree: string): void {
  const path = join(venvsDir, tree);
  if (!TREE_ID.test(tree)) throw hostRefused(`tree id ${JSON.stringify(tree)}`, 'letters, digits and . _ -', 'something else', 'plan again');
  const isFolder = lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (!isFolder || !readSeal(path)) throw hostRefused(path, 'a verified tree, sealed by .complete', isFolder ? 'one without a seal' : 'no directory', 'an attempt that was not verified is never switched to');
}

function refuseRiders(ctx: HostContext, place: Place, treePath: string | null): void {
  if (place.unit.onSwitch !== 'idle') return;
  const riders = processRiders(ctx, place, treePath === null ? [place.link] : [place.link, treePath]);
  if (riders.length === 0) return;
  const named = riders.slice(0, 5).map((rider) => `${rider.id} (${rider.what})`).join(', ') + (riders.length > 5 ? ` and ${riders.length - 5} more` : '');
  throw hostRefused(`what runs from ${place.link}`, 'nothing, because onSwitch is idle for it', named, 'stop it, or name its units and "onSwitch: restart" for this link in the agent file');
}
