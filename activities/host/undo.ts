/** Undo: the link back to what was armed, configuration and riders with it, and the proof that it is as it was. */
import { join } from 'node:path';
import { undoEdits } from './configure.js';
import type { Guard, HostContext, StepScope } from './context.js';
import type { HostActivities, Order, Undone } from './contract.js';
import { treeInterpreter } from './interpreters.js';
import { turnLink } from './link.js';
import { namedDifferences } from './manifest-compare.js';
import { takeManifest } from './manifest.js';
import { operationId, perform } from './order.js';
import { asOwner } from './owner.js';
import { readLink, resolvePlace, standingText, type LinkView, type Place } from './paths.js';
import { bootId } from './proc.js';
import { hostRefused } from './refuse.js';
import { settleOn } from './riders.js';
import { readSeal } from './seal.js';
import type { ArmedRow } from './store-armed.js';

/**
 * Undoes the change of a chain, or the environment's last one. Given again it goes on where it stopped. `superseded`:
 * the link is no longer where that change set it, so nothing was touched.
 */
export function undo(ctx: HostContext, step: StepScope, order: Order, { chain }: Parameters<HostActivities['undo']>[1]): Promise<Undone> {
  const place = resolvePlace(ctx, order.env);
  const armed = changeMeant(ctx, place, order, chain);
  if (armed && armed.link !== place.link) throw hostRefused(`undo of ${armed.run}`, `a change of ${place.link}`, `one of ${armed.link}`, 'name the environment that it changed');
  return perform<Undone>(ctx, step, order, {
    intent: { undo: armed ? { chain: armed.chain, run: armed.run, to: armed.undoTarget } : null } satisfies Intent,
    holds: (receipt) => receipt.verified && (!armed || isHome(armed, readLink(place))),
    act: (guard) => act(ctx, step, place, armed, guard),
    finish: (receipt) => settleRows(ctx, place, armed, receipt),
  });
}

/** Given again, the order means what it meant at first: once that is undone, the last change is another one. */
function changeMeant(ctx: HostContext, place: Place, order: Order, chain: string | null): ArmedRow | undefined {
  const first = ctx.store.journal.intent(operationId(order)) as { body: Intent } | undefined;
  const meant = first ? first.body.undo?.chain : (chain ?? lastChange(ctx, place)?.chain);
  return meant === undefined ? undefined : ctx.store.armed.get(meant);
}

interface Intent {
  undo: { chain: string; run: string; to: string | null } | null;
}

/**
 * The newest change that was switched and not undone. Not the one that made the environment: its own run may take back
 * what it made, but nobody who asks for the way back means to be left with nothing.
 */
export function lastChange(ctx: HostContext, place: Place): ArmedRow | undefined {
  const now = readLink(place).treeId;
  const last = ctx.store.armed.of(place.link).find((row) => !row.undone && (row.switched || (row.switchingTo !== null && row.switchingTo === now)));
  return last?.undoTarget === null ? undefined : last;
}

const isHome = ({ undoTarget, previousState }: ArmedRow, view: LinkView): boolean =>
  undoTarget === null ? view.state === 'missing' : view.treeId === undoTarget || (view.state === 'directory' && previousState === 'directory');

async function act(ctx: HostContext, step: StepScope, place: Place, armed: ArmedRow | undefined, guard: Guard): Promise<Undone> {
  const began = performance.now();
  const answer = (fields: Partial<Undone>): Undone => ({ outcome: 'restored', version: null, verified: false, problem: '', workMs: performance.now() - began, ...fields });
  if (!armed) return answer({ outcome: 'nothing-to-undo', verified: true, problem: 'no change stands here that has an environment to go back to' });
  const view = readLink(place);
  const isThere = armed.switchingTo !== null && view.treeId === armed.switchingTo && !isHome(armed, view);
  if (!isThere && !isHome(armed, view)) return answer({ outcome: 'superseded', problem: supersededText(place, armed, view) });
  const wasSwitched = armed.switched || isThere;
  if (isThere) turnBack(ctx, place, armed, guard);
  const { conflicts, problems } = undoEdits(ctx, place, armed.chain, guard);
  if (wasSwitched) problems.push(...(await settleBack(ctx, step, place, armed, guard)));
  const proof = await proveHome(ctx, step, place, armed);
  problems.push(...proof.problems);
  const left = wasSwitched && armed.switchingTo !== null ? asOwner(place.owner, () => readSeal(join(place.venvsDir, armed.switchingTo!))) : null;
  // A key that somebody else changed since is theirs: it is said, and the environment is back all the same.
  return answer({ outcome: wasSwitched ? 'restored' : 'nothing-to-undo', version: proof.version, verified: problems.length === 0, problem: [...problems, ...conflicts].join('; '), ...(left ? { from: left.version } : {}) });
}

function turnBack(ctx: HostContext, place: Place, armed: ArmedRow, guard: Guard): void {
  const { armed: rows } = ctx.store;
  // Also when the switch's own transaction was lost with its process: from here on this change was switched.
  guard.commit(() => rows.update({ ...armed, switched: true }));
  const turn = rows.turn(place.link);
  // What began before the switch was on the tree we return to, and is home again.
  const since = turn && turn.boot === bootId() && turn.leftTree === armed.undoTarget ? turn.ticks : 0;
  turnLink(ctx, place, guard, { from: armed.switchingTo, to: armed.undoTarget, since, rows: () => {} });
}

async function settleBack(ctx: HostContext, step: StepScope, place: Place, armed: ArmedRow, guard: Guard): Promise<string[]> {
  const pathOf = (tree: string | null): string | null => (tree === null ? null : join(place.venvsDir, tree));
  const { healthy, problem } = await settleOn(ctx, step, place, pathOf(armed.switchingTo), pathOf(armed.undoTarget), guard);
  return healthy ? [] : [problem];
}

/** The link leads where it did, every file is as it was armed, and its interpreter runs. */
async function proveHome(ctx: HostContext, step: StepScope, place: Place, armed: ArmedRow): Promise<{ version: string | null; problems: string[] }> {
  const view = readLink(place);
  if (armed.undoTarget === null) return { version: null, problems: view.state === 'missing' ? [] : [`${place.link}: expected nothing there, got ${view.state}`] };
  if (!isHome(armed, view) || view.treePath === null) return { version: null, problems: [`${place.link}: expected .venvs/${armed.undoTarget}, got ${standingText(view)}`] };
  const { owner } = place;
  const [interpreter, manifest] = await Promise.all([
    treeInterpreter(ctx, view.treePath, owner),
    takeManifest(ctx, { tree: view.treePath, owner, scope: armed.manifestScope, record: false, step }),
  ]);
  const problems: string[] = [];
  if (!interpreter.runs) problems.push(interpreter.problem);
  else if (interpreter.version !== armed.version) problems.push(`${place.link}: expected Python ${armed.version}, got ${interpreter.version}`);
  if (manifest.digest !== armed.manifestDigest) problems.push(`${view.treePath}: expected manifest ${armed.manifestDigest.slice(0, 12)}, as armed, got ${manifest.digest.slice(0, 12)}: somebody changed its files${namedDifferences(ctx, armed.manifestDigest, manifest.digest)}`);
  return { version: interpreter.version, problems };
}

function supersededText({ link }: Place, armed: ArmedRow, view: LinkView): string {
  const got = standingText(view);
  const expected = armed.switchingTo === null ? 'what was armed' : `.venvs/${armed.switchingTo}, where ${armed.run} set it`;
  return `${link}: expected ${expected}, got ${got}; somebody changed it since, so nothing was touched: look at it, then runbook plan change`;
}

/** With the receipt: a verified undo is final, its pin goes, and nothing of it stands any more. */
function settleRows(ctx: HostContext, { link }: Place, armed: ArmedRow | undefined, { outcome, verified }: Undone): void {
  const { store } = ctx;
  if (!armed || outcome !== 'restored' || !verified) return;
  store.armed.update({ ...armed, switched: true, undone: true });
  store.armed.unpin(armed.chain);
  store.edits.forget(armed.chain);
  store.leases.put({ ...store.leases.get(link), switched: false });
}
