/** Undo: the link back to what was armed, configuration and riders with it, and the proof that it is as it was. */
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { undoEdits } from './configure.js';
import type { Guard, HostContext, StepScope } from './context.js';
import type { HostActivities, Order, Undone } from './contract.js';
import { treeInterpreter } from './interpreters.js';
import { endingChain, hostsAnswer } from './ends-answer.js';
import { turnLink } from './link.js';
import { namedDifferences } from './manifest-compare.js';
import { takeManifest } from './manifest.js';
import { operationId, perform } from './order.js';
import { asOwner } from './owner.js';
import { readLink, resolvePlace, standingText, type LinkView, type Place } from './paths.js';
import { bootId } from './proc.js';
import { hostRefused } from './refuse.js';
import { processRiders, settleOn } from './riders.js';
import { readSeal } from './seal.js';
import type { ArmedRow } from './store-armed.js';
import { markUndo } from './undo-mark.js';

/** How the host itself undoes. */
export interface UndoOptions {
  /** At boot, before any unit was started: where nothing runs, nothing is restarted. */
  isBoot?: boolean;
}

/**
 * Undoes the change of a chain, or the environment's last one. Given again it goes on where it stopped. `superseded`:
 * the link is no longer where that change set it, so nothing was touched. What the host undid by itself, because the
 * change's end had come, is answered as done.
 */
export async function undo(ctx: HostContext, step: StepScope, order: Order, { chain }: Parameters<HostActivities['undo']>[1], options: UndoOptions = {}): Promise<Undone> {
  const place = resolvePlace(ctx, order.env);
  const meant = chainMeant(ctx, place, order, chain);
  const answer = meant === undefined ? null : await hostsAnswer(ctx, step, place, order, meant);
  if (answer) return answer;
  const unmark = markUndo(ctx, place.link, operationId(order));
  try {
    return await carryOut(ctx, step, place, order, meant === undefined ? undefined : ctx.store.armed.get(meant), options);
  } catch (error) {
    // The end came meanwhile and the host took over: what it did is the answer.
    const late = meant === undefined ? null : await hostsAnswer(ctx, step, place, order, meant);
    if (late) return late;
    throw error;
  } finally {
    unmark();
  }
}

function carryOut(ctx: HostContext, step: StepScope, place: Place, order: Order, armed: ArmedRow | undefined, options: UndoOptions): Promise<Undone> {
  if (armed && armed.link !== place.link) throw hostRefused(`undo of ${armed.run}`, `a change of ${place.link}`, `one of ${armed.link}`, 'name the environment that it changed');
  return perform<Undone>(ctx, step, order, {
    intent: { undo: armed ? { chain: armed.chain, run: armed.run, to: armed.undoTarget } : null } satisfies Intent,
    afterEnd: 'taken',
    holds: (receipt) => receipt.verified && (!armed || isHome(armed, readLink(place))),
    act: (guard) => act(ctx, step, place, armed, guard, options),
    finish: (receipt) => settleRows(ctx, place, order, armed, receipt),
  });
}

/** Given again, the order means what it meant at first: once that is undone, the last change is another one. */
function chainMeant(ctx: HostContext, place: Place, order: Order, chain: string | null): string | undefined {
  const first = ctx.store.journal.intent(operationId(order)) as { body: Intent } | undefined;
  return first ? first.body.undo?.chain : (chain ?? lastChange(ctx, place)?.chain);
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

async function act(ctx: HostContext, step: StepScope, place: Place, armed: ArmedRow | undefined, guard: Guard, options: UndoOptions): Promise<Undone> {
  const began = performance.now();
  const answer = (fields: Partial<Undone>): Undone => ({ outcome: 'restored', version: null, verified: false, problem: '', workMs: performance.now() - began, ...fields });
  if (!armed) return answer({ outcome: 'nothing-to-undo', verified: true, problem: 'no change stands here that has an environment to go back to' });
  const view = readLink(place);
  const isThere = armed.switchingTo !== null && view.treeId === armed.switchingTo && !isHome(armed, view);
  if (!isThere && !isHome(armed, view)) return answer({ outcome: 'superseded', problem: supersededText(place, armed, view) });
  const wasSwitched = armed.switched || isThere;
  if (isThere) turnBack(ctx, place, armed, guard);
  await ctx.barrier('undo:turned');
  const { conflicts, problems } = undoEdits(ctx, place, armed.chain, guard);
  if (wasSwitched) problems.push(...(await settleBack(ctx, step, place, armed, guard, options)));
  const proof = await proveHome(ctx, step, place, armed).catch((error: unknown) => unproven(step, error));
  // What else is wrong (a service that is not healthy yet) may be right the next time; other files stay other files.
  const isFinal = proof.differs && problems.length === 0;
  problems.push(...proof.problems);
  const left = wasSwitched && armed.switchingTo !== null ? asOwner(place.owner, () => readSeal(join(place.venvsDir, armed.switchingTo!))) : null;
  // A key that somebody else changed since is theirs: it is said, and the environment is back all the same.
  return answer({ outcome: wasSwitched ? 'restored' : 'nothing-to-undo', version: proof.version, verified: problems.length === 0, problem: [...problems, ...conflicts].join('; '), ...(left ? { from: left.version } : {}), ...(isFinal ? { final: true } : {}) });
}

/** The link is back already: that it could not be proven (a file that nobody may read) is said with that. What was ended from outside is asked again. */
function unproven(step: StepScope, error: unknown): Awaited<ReturnType<typeof proveHome>> {
  if (step.signal.aborted || error instanceof ApplicationFailure) throw error;
  return { version: null, problems: [(error as Error).message], differs: false };
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

async function settleBack(ctx: HostContext, step: StepScope, place: Place, armed: ArmedRow, guard: Guard, { isBoot = false }: UndoOptions): Promise<string[]> {
  const pathOf = (tree: string | null): string | null => (tree === null ? null : join(place.venvsDir, tree));
  if (isBoot && runsNothing(ctx, place, [pathOf(armed.switchingTo), pathOf(armed.undoTarget)])) return [];
  const { healthy, problem } = await settleOn(ctx, step, place, pathOf(armed.switchingTo), pathOf(armed.undoTarget), guard);
  return healthy ? [] : [problem];
}

const runsNothing = (ctx: HostContext, place: Place, trees: (string | null)[]): boolean => processRiders(ctx, place, [place.link, ...trees.filter((path) => path !== null)]).length === 0;

/** The link leads where it did, every file is as it was armed, and its interpreter runs. `differs`: a file is not as it was. */
export async function proveHome(ctx: HostContext, step: StepScope, place: Place, armed: ArmedRow): Promise<{ version: string | null; problems: string[]; differs: boolean }> {
  const view = readLink(place);
  if (armed.undoTarget === null) return { version: null, problems: view.state === 'missing' ? [] : [`${place.link}: expected nothing there, got ${view.state}`], differs: false };
  if (!isHome(armed, view) || view.treePath === null) return { version: null, problems: [`${place.link}: expected .venvs/${armed.undoTarget}, got ${standingText(view)}`], differs: false };
  const { owner } = place;
  const [interpreter, manifest] = await Promise.all([
    treeInterpreter(ctx, view.treePath, owner),
    takeManifest(ctx, { tree: view.treePath, owner, scope: armed.manifestScope, record: false, step }),
  ]);
  const problems: string[] = [];
  if (!interpreter.runs) problems.push(interpreter.problem);
  else if (interpreter.version !== armed.version) problems.push(`${place.link}: expected Python ${armed.version}, got ${interpreter.version}`);
  const differs = manifest.digest !== armed.manifestDigest;
  if (differs) problems.push(`${view.treePath}: expected manifest ${armed.manifestDigest.slice(0, 12)}, as armed, got ${manifest.digest.slice(0, 12)}: somebody changed its files${namedDifferences(ctx, armed.manifestDigest, manifest.digest)}`);
  return { version: interpreter.version, problems, differs };
}

function supersededText({ link }: Place, armed: ArmedRow, view: LinkView): string {
  const got = standingText(view);
  const expected = armed.switchingTo === null ? 'what was armed' : `.venvs/${armed.switchingTo}, where ${armed.run} set it`;
  return `${link}: expected ${expected}, got ${got}; somebody changed it since, so nothing was touched: look at it, then runbook plan change`;
}

/** With the receipt: a verified undo is final, its pin goes, and nothing of it stands any more; what the host tried by itself is done too. */
function settleRows(ctx: HostContext, { link }: Place, order: Order, armed: ArmedRow | undefined, { outcome, verified, version, from, problem }: Undone): void {
  const { store } = ctx;
  if (!armed || outcome !== 'restored' || !verified) return;
  store.armed.update({ ...armed, switched: true, undone: true, keepPin: false });
  const record = store.ends.record(armed.chain);
  const by = order.run === armed.run ? [] : [`by ${order.run}`];
  if (record) store.ends.setRecord({ ...record, outcome: 'restored', doneAt: ctx.now().toISOString(), version, from: from ?? record.from, problem: [...by, ...(problem ? [problem] : [])].join('; ') }, true);
  store.armed.unpin(armed.chain);
  store.edits.forget(armed.chain);
  const lease = { ...store.leases.get(link), switched: false };
  // The host has nobody to close after it: killed from here on, it leaves nothing held.
  store.leases.put(order.chain === endingChain(armed.chain) ? { ...lease, state: 'free', holder: null, priority: 'forward' } : lease);
}
