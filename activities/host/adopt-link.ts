/** Adoption by itself: a directory becomes a tree of `.venvs` with a link before it, and stays the environment it was. */
import { ApplicationFailure } from '@temporalio/common';
import { FAILURE } from '../../policy/names.js';
import { adopt, giveBack } from './adopt.js';
import type { Guard, HostContext, StepScope } from './context.js';
import type { Adopted, Order } from './contract.js';
import { perform } from './order.js';
import { readLink, resolvePlace, standingText, type Place } from './paths.js';
import { refusal } from './refuse.js';
import type { ArmedRow } from './store-armed.js';
import { proveHome } from './undo.js';

/**
 * Exchanges the armed directory with its link and proves it there. What does not run from its new place (a link in it that
 * leads out of it) or changed meanwhile is given back at once, and fails as `VerificationFailed`. What runs from it goes on:
 * the files are the same, and so is the path they are opened by. Throws `UndoNotProven` where nothing is armed, `PlanChanged`
 * where no directory stands any more, `HostRefused` where the system can't exchange.
 */
export function adoptLink(ctx: HostContext, step: StepScope, order: Order): Promise<Adopted> {
  const place = resolvePlace(ctx, order.env);
  return perform<Adopted>(ctx, step, order, {
    intent: { adopt: ctx.store.armed.get(order.chain)?.undoTarget },
    holds: (receipt) => readLink(place).treeId === receipt.tree,
    act: (guard) => act(ctx, step, place, order, guard),
  });
}

async function act(ctx: HostContext, step: StepScope, place: Place, order: Order, guard: Guard): Promise<Adopted> {
  const began = performance.now();
  const { tree, armed } = requireArmed(ctx, order);
  const view = readLink(place);
  // Given again, it may have been exchanged already.
  if (view.state !== 'directory' && view.treeId !== tree) throw refusal('PlanChanged', { what: order.env.link, expected: 'a directory', got: standingText(view), wayOut: 'somebody else changed it meanwhile: look at it, then start this again' });
  await adopt(ctx, place, tree, guard);
  await ctx.barrier(`${order.step}:adopted`);
  const { version, problems } = await proveHome(ctx, step, place, armed);
  if (problems.length === 0) return { tree, version, workMs: performance.now() - began };
  await giveBack(ctx, place, tree, guard);
  throw ApplicationFailure.nonRetryable(`as .venvs/${tree} it was not what it had been: ${problems.join('; ')}; it is a directory again`, FAILURE.VerificationFailed);
}

function requireArmed(ctx: HostContext, order: Order): { tree: string; armed: ArmedRow } {
  const armed = ctx.store.armed.get(order.chain);
  if (armed && !armed.undone && armed.previousState === 'directory' && armed.undoTarget !== null) return { tree: armed.undoTarget, armed };
  throw refusal('UndoNotProven', { what: `adoption of ${order.env.link}`, expected: 'a directory that was proven by this run', got: armed ? 'something else armed' : 'nothing armed', wayOut: 'armUndo comes first: no armed undo, no change' });
}
