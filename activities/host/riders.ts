/** What runs from an environment: found, and brought over when the link turns. */
import { join } from 'node:path';
import type { Rider } from '../../policy/model.js';
import type { Guard, HostContext, StepScope } from './context.js';
import type { HostActivities, Order, RidersSettled } from './contract.js';
import { perform } from './order.js';
import { readLink, resolvePlace, type Place } from './paths.js';
import { waitUntil } from './poll.js';
import { fileRiders, type RiderPlaces } from './riders-files.js';
import { couldBelongTo, namesPath, processRider, runsFrom, viewProcesses, type ProcessView } from './riders-process.js';
import { bootId, processStat } from './proc.js';
import type { Turn } from './store-armed.js';
import { restartUnits } from './units.js';

/** Where nothing is restarted, a process that was just about to end may do so. */
const LAST_BREATH_MS = 2_000;

/**
 * What runs from the environment or points into it, by its link or by the tree itself: processes, units, cron tables,
 * scripts; and what could be the owner's and can't be inspected.
 */
export function findRiders(ctx: HostContext, place: Place, treePath: string | null, places?: RiderPlaces): Rider[] {
  const paths = treePath === null || treePath === place.link ? [place.link] : [place.link, treePath];
  return [...processRiders(ctx, place, paths), ...fileRiders(place.owner, paths, places)];
}

/** The processes among {@link findRiders}, with those that can't be inspected. */
export function processRiders(ctx: HostContext, place: Place, paths: string[]): Rider[] {
  return views(ctx).flatMap((view) => {
    if (paths.some((path) => runsFrom(view, path))) return [processRider(view)];
    return couldBelongTo(view, place.owner) ? [{ ...processRider(view), kind: 'unknown' as const }] : [];
  });
}

function views(ctx: HostContext): ProcessView[] {
  return viewProcesses(new Set(ctx.store.fence.groups().map((group) => group.pgid)));
}

/** Whether any process uses a tree, be it only as its working directory. */
export function processesIn(ctx: HostContext, path: string): boolean {
  return views(ctx).some((view) => runsFrom(view, path) || namesPath(view.cwd, path) || namesPath(view.args, path));
}

/** Ids (`PID/START`) of what runs from the link now: kept with the turn, so that their later children are known. */
export function ridersNow(ctx: HostContext, place: Place, treePath: string | null): string[] {
  const paths = treePath === null ? [place.link] : [place.link, treePath];
  return views(ctx).filter((view) => paths.some((path) => runsFrom(view, path))).map(idOf);
}

const idOf = ({ stat }: ProcessView): string => `${stat.pid}/${stat.started}`;

/**
 * Processes that still run from the tree that was left. One that was started through the link is on the tree the link
 * led to when it began; its command line can't tell, its start can. Children made by fork are where their parent is.
 */
export function processesLeft(ctx: HostContext, place: Place, leftPath: string | null): ProcessView[] {
  const all = views(ctx);
  const turn = ctx.store.armed.turn(place.link);
  const known = turn && turn.boot === bootId() ? turn : undefined;
  const path = leftPath ?? (known?.leftTree ? join(place.venvsDir, known.leftTree) : null);
  const left = new Map<number, ProcessView>();
  for (const view of all) {
    const byTree = path !== null && runsFrom(view, path);
    const byStart = known !== undefined && runsFrom(view, place.link) && view.stat.started <= known.ticks && view.stat.started >= known.since;
    if (byTree || byStart) left.set(view.stat.pid, view);
  }
  const leaders = new Set([...left.keys(), ...(known ? goneLeaders(known) : [])]);
  for (let grown = true; grown; ) {
    grown = false;
    for (const view of all) {
      const { pid, ppid, pgrp, session } = view.stat;
      if (left.has(pid) || !runsFrom(view, place.link) || !isForkOf(view, all, left, known?.since ?? 0)) continue;
      if (!left.has(ppid) && !leaders.has(pgrp) && !leaders.has(session)) continue;
      left.set(pid, view);
      grown = true;
    }
  }
  return [...left.values()];
}

/** Who ran from the link when it turned, whether alive or gone; a number that was given to somebody else since is nobody's. */
function goneLeaders({ riders, since }: Turn): number[] {
  return riders.flatMap((id) => {
    const [pid, started] = id.split('/').map(Number) as [number, number];
    const now = processStat(pid);
    return started >= since && (now === null || now.started === started) ? [pid] : [];
  });
}

/** A child that was only forked has its parent's code and command line; one that was started anew is on today's tree. */
function isForkOf(view: ProcessView, all: ProcessView[], left: Map<number, ProcessView>, since: number): boolean {
  if (view.stat.started < since) return false;
  const parent = left.get(view.stat.ppid) ?? all.find(({ stat }) => stat.pid === view.stat.ppid);
  return parent === undefined || parent.stat.pid === 1 || parent.code === view.code;
}

type Asked = Parameters<HostActivities['settleRiders']>[1];

/** Brings what runs on the environment over to the tree that stands now, by the agent file's `onSwitch`. */
export function settleRiders(ctx: HostContext, step: StepScope, order: Order, { leftTree, nowTree }: Asked): Promise<RidersSettled> {
  const place = resolvePlace(ctx, order.env);
  const pathOf = (tree: string | null): string | null => (tree === null ? null : join(place.venvsDir, tree));
  return perform<RidersSettled>(ctx, step, order, {
    intent: { settle: place.unit.onSwitch, leftTree, nowTree, units: place.unit.units.map((unit) => unit.name) },
    holds: (receipt) => receipt.healthy && readLink(place).treeId === nowTree,
    act: (guard) => settleOn(ctx, step, place, pathOf(leftTree), pathOf(nowTree), guard),
  });
}

/**
 * Restarts (or waits, or tolerates), then makes sure that no process is left on the tree that was left.
 * @param nowPath null: no environment stands there any more, so health is not asked.
 */
export async function settleOn(ctx: HostContext, step: StepScope, place: Place, leftPath: string | null, nowPath: string | null, guard?: Guard): Promise<RidersSettled> {
  const began = performance.now();
  const { onSwitch } = place.unit;
  const left = (): Rider[] => processesLeft(ctx, place, leftPath).map(processRider);
  const answer = (fields: Partial<RidersSettled>): RidersSettled => ({ restarted: [], left: [], healthy: true, problem: '', workMs: performance.now() - began, ...fields });
  if (onSwitch === 'tolerate') return answer({ left: left() });
  const { restarted, problem, windowMs } = onSwitch === 'restart' ? await restartUnits(step, place, { isDone: () => step.attempt > 1 && left().length === 0, needsHealth: nowPath !== null, guard }) : { restarted: [], problem: '', windowMs: LAST_BREATH_MS };
  if (problem !== '') return answer({ restarted, left: left(), healthy: false, problem });
  let still: Rider[] = [];
  await waitUntil(() => (still = left()).length === 0, Math.max(windowMs, LAST_BREATH_MS) - (performance.now() - began), step);
  if (still.length === 0) return answer({ restarted });
  return answer({ restarted, left: still, healthy: false, problem: leftProblem(place, still, leftPath) });
}

function leftProblem({ link, unit }: Place, left: Rider[], leftPath: string | null): string {
  const named = left.slice(0, 5).map((rider) => `${rider.id} (${rider.what})`).join(', ') + (left.length > 5 ? ` and ${left.length - 5} more` : '');
  const wayOut = unit.onSwitch === 'restart' ? 'name the unit they belong to in the agent file, or stop them' : 'stop them, or name their units and "onSwitch: restart" for this link in the agent file';
  return `${link}: expected no process on ${leftPath ?? 'the environment that was left'}, got ${named}; ${wayOut}`;
}
