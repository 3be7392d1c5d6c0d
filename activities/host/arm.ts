/** Arming: the way back is proven before anything changes (invariant 1, decision 16, WF-24). */
import type { Plan } from '../../policy/model.js';
import type { HostContext, StepScope } from './context.js';
import type { Armed, Order } from './contract.js';
import { endingChange, noteTime } from './ends.js';
import { treeInterpreter } from './interpreters.js';
import { namedDifferences } from './manifest-compare.js';
import { takeManifest } from './manifest.js';
import { perform } from './order.js';
import { readLink, resolvePlace, standingText, type LinkView, type Place } from './paths.js';
import { hostRefused, refusal } from './refuse.js';
import type { ArmedRow } from './store-armed.js';
import { lastChange } from './undo.js';

/**
 * Compares what stands with what was planned, starts the present interpreter, and writes undo target, end and pin to
 * the host's disk. Throws `PlanChanged`, `UndoNotProven` or `HostRefused`; then nothing was changed.
 * @param until when the change ends by itself; absent: as the plan says
 */
export function armUndo(ctx: HostContext, step: StepScope, order: Order, plan: Plan, until?: { end: string }): Promise<Armed> {
  const place = resolvePlace(ctx, order.env);
  const end = until?.end ?? plan.end;
  let row: ArmedRow;
  return perform<Armed>(ctx, step, order, {
    intent: { arm: plan.undoTarget, plan: plan.digest, ...(end === null ? {} : { end }) },
    holds: () => isArmed(ctx, order, plan, end) && stands(place, plan, readLink(place)),
    async act() {
      const began = performance.now();
      refuseEnd(ctx, place, order, end);
      refuseChanged(place, plan);
      const proof = plan.present ? await prove(ctx, step, place, plan, plan.present) : { files: 0, manifestDigest: '', interpreterRuns: false };
      row = { ...armedRow(order, plan, place, proof), end, keepPin: end !== null };
      return { undoTarget: plan.undoTarget, ...(end === null ? {} : { end }), ...proof, workMs: performance.now() - began };
    },
    // Row, pin and receipt in one transaction: no order finds one without the others.
    finish() {
      ctx.store.armed.put(row, true);
      noteTime(ctx);
    },
  });
}

function armedRow(order: Order, plan: Plan, place: Place, proof: Pick<Armed, 'files' | 'manifestDigest'>): ArmedRow {
  return {
    chain: order.chain, run: order.run, link: place.link, undoTarget: plan.undoTarget,
    previousState: plan.present === null ? 'missing' : plan.adopt ? 'directory' : 'managed',
    manifestDigest: proof.manifestDigest, manifestScope: plan.present?.manifestScope ?? 'all', files: proof.files, version: plan.present?.version ?? null,
    end: null, planDigest: plan.digest, onSwitch: plan.onSwitch, switchingTo: null, switched: false, undone: false, keepPin: false,
  };
}

function isArmed(ctx: HostContext, { chain }: Order, { digest }: Plan, end: string | null): boolean {
  const row = ctx.store.armed.get(chain);
  return row?.planDigest === digest && row.end === end;
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z$/;

/** An end is an instant to come, and nothing is built on what ends by itself: its way back must lead to what was approved. */
function refuseEnd(ctx: HostContext, place: Place, { chain, run }: Order, end: string | null): void {
  const { link } = place;
  const isToCome = end === null || (INSTANT.test(end) && Date.parse(end) > ctx.now().getTime());
  if (!isToCome) throw hostRefused(`end of ${run}`, `an instant after ${ctx.now().toISOString()}, by this host's clock`, end.slice(0, 40), 'a new change needs a new decision; compare the clocks where it should not have come yet');
  const standing = endingChange(ctx, place);
  if (standing && standing.chain !== chain) throw hostRefused(link, 'an environment that does not end by itself', `what ${standing.run} made, until ${standing.end}`, `runbook undo ${link} ends it now; afterwards plan again`);
}

/** Whether what the plan found is what is there. */
function stands(_place: Place, plan: Plan, view: LinkView): boolean {
  if (plan.present === null) return view.state === 'missing';
  return plan.adopt ? view.state === 'directory' : view.treeId === plan.present.id;
}

function refuseChanged(place: Place, plan: Plan): void {
  const view = readLink(place);
  const { link, unit } = place;
  if (view.state === 'foreign-link') throw hostRefused(link, 'a directory, or a link into .venvs', standingText(view), 'move that environment to the link path itself, so that it can be adopted');
  if (view.state === 'dangling') throw hostRefused(link, 'an environment to return to', standingText(view), `remove the link, then runbook env create ${place.project}`);
  const changed = (what: string, expected: string, got: string) => refusal('PlanChanged', { what, expected, got, wayOut: 'plan again: the plan covers what stood there when it was made' });
  if (!stands(place, plan, view)) throw changed(link, plan.present === null ? 'nothing there' : plan.adopt ? 'a directory' : `a link to .venvs/${plan.present.id}`, standingText(view));
  if (plan.undoTarget !== (plan.present?.id ?? null)) throw changed('undo target', plan.present?.id ?? 'none', plan.undoTarget ?? 'none');
  if (unit.onSwitch !== plan.onSwitch) throw changed(`onSwitch of ${link} in the agent file`, plan.onSwitch, unit.onSwitch);
}

async function prove(ctx: HostContext, step: StepScope, place: Place, plan: Plan, present: NonNullable<Plan['present']>): Promise<Omit<Armed, 'undoTarget' | 'workMs'>> {
  const { link, owner } = place;
  const tree = readLink(place).treePath!;
  const [manifest, interpreter] = await Promise.all([
    takeManifest(ctx, { tree, owner, scope: present.manifestScope, record: false, step }),
    treeInterpreter(ctx, tree, owner),
  ]);
  if (manifest.digest !== present.manifestDigest) {
    throw refusal('PlanChanged', { what: `files of ${link}`, expected: `manifest ${present.manifestDigest.slice(0, 12)}, as planned`, got: `${manifest.digest.slice(0, 12)} over ${manifest.files} files${namedDifferences(ctx, present.manifestDigest, manifest.digest)}`, wayOut: 'somebody changed the environment since it was planned: plan again' });
  }
  const notProven = (expected: string, got: string) => refusal('UndoNotProven', { what: `way back to ${plan.present!.path}`, expected, got, wayOut: wayOut(ctx, place) });
  if (!interpreter.runs) throw notProven('its interpreter to run', interpreter.problem);
  if (interpreter.version !== present.version) throw notProven(`its interpreter to be ${present.version}`, interpreter.version ?? 'none');
  return { files: manifest.files, manifestDigest: manifest.digest, interpreterRuns: true };
}

/** Without a proven undo nothing is changed; how to get to one that can be proven. */
function wayOut(ctx: HostContext, place: Place): string {
  const { link, project } = place;
  const anew = `take it away (unlink ${link}) and runbook env create ${project} builds it anew, with no way back`;
  return lastChange(ctx, place) ? `repair its interpreter; or runbook undo ${link} goes back to the one before it; or ${anew}` : `repair its interpreter, or ${anew}`;
}
