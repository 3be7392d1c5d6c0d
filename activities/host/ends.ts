/** When a change has ended, by this host's clock, and what may still be ordered then (invariant 7). */
import type { EnvironmentRef } from '../../policy/model.js';
import type { Effect, HostContext } from './context.js';
import type { Order } from './contract.js';
import { readLink, resolvePlace, type Place } from './paths.js';
import { bootId, ticksNow } from './proc.js';
import { hostRefused } from './refuse.js';
import type { ArmedRow } from './store-armed.js';
import type { EndRecord, TimeMark } from './store-ends.js';

/** Milliseconds of a clock tick (`USER_HZ` is 100 on every Linux). */
const TICK_MS = 10;
/** A mark is written anew this often: what a clock that was set back over a restart of the machine can prolong at most. */
const MARK_EVERY_MS = 10_000;

/** `row` with an end. */
export type EndingRow = ArmedRow & { end: string };

/** A change that ends by itself. */
export const endsByItself = (row: ArmedRow): row is EndingRow => row.end !== null;

/**
 * The time by which an end is judged, Unix milliseconds: never earlier than the highest seen since the change was armed, and
 * going on by the kernel's own clock, so that a clock that is set back prolongs nothing. One that is set forward ends it.
 */
export function timeFor(mark: TimeMark | undefined, now: number, boot: string, ticks: number): number {
  if (!mark) return now;
  const elapsed = mark.boot === boot ? Math.max(0, ticks - mark.ticks) * TICK_MS : 0;
  return Math.max(now, mark.highest + elapsed);
}

/** That time now, for one change. */
export const timeOf = (ctx: HostContext, chain: string): number => timeFor(ctx.store.ends.mark(chain), ctx.now().getTime(), bootId(), ticksNow());

/** Keeps the highest time seen for every change that ends by itself; writes only now and then, and at once where the clock was set forward. */
export function noteTime(ctx: HostContext): void {
  const { armed, ends } = ctx.store;
  const [now, boot, ticks] = [ctx.now().getTime(), bootId(), ticksNow()];
  const rows = armed.ending();
  const old = rows.filter(({ chain }) => {
    const mark = ends.mark(chain);
    return !mark || mark.boot !== boot || (ticks - mark.ticks) * TICK_MS >= MARK_EVERY_MS || now > timeFor(mark, 0, boot, ticks) + 1_000;
  });
  if (old.length === 0) return;
  ctx.store.exclusive(() => {
    for (const { chain } of old) ends.setMark(chain, { highest: timeFor(ends.mark(chain), now, boot, ticks), boot, ticks });
    ends.dropMarks();
  });
}

/** Whether the permission of a change has ended. */
export const hasEnded = (ctx: HostContext, row: ArmedRow): row is EndingRow => row.end !== null && timeOf(ctx, row.chain) >= Date.parse(row.end);

/** Whether a change is what the link leads to, also where the process died between rename and row. */
export const isStanding = (place: Place, { undone, switchingTo }: ArmedRow): boolean => !undone && switchingTo !== null && readLink(place).treeId === switchingTo;

/**
 * Whether the host has to go back from it now: switched, not undone, its end reached. Where hands changed the link it was told
 * `superseded`, and is due again only when the link leads there again.
 */
export function isDue(ctx: HostContext, row: ArmedRow): row is EndingRow {
  if (row.undone || row.switchingTo === null || !hasEnded(ctx, row)) return false;
  const isDone = ctx.store.ends.record(row.chain)?.outcome === 'superseded';
  return (row.switched && !isDone) || isStandingAnywhere(ctx, row);
}

/** The same as `isStanding` for a row whose place may have gone: false then. */
export function isStandingAnywhere(ctx: HostContext, row: ArmedRow): boolean {
  try {
    return isStanding(resolvePlace(ctx, { host: ctx.host, link: row.link }), row);
  } catch {
    return false;
  }
}

/** Every change of this host whose end has come and which still stands, newest first. */
export const dueChanges = (ctx: HostContext): EndingRow[] => ctx.store.armed.ending().filter((row): row is EndingRow => isDue(ctx, row));

/** Those of one environment. */
export const dueOn = (ctx: HostContext, link: string): EndingRow[] => ctx.store.armed.of(link).filter((row): row is EndingRow => isDue(ctx, row));

/** The change that stands at the link and will end by itself; undefined: none. */
export function endingChange(ctx: HostContext, place: Place): EndingRow | undefined {
  return ctx.store.armed.of(place.link).find((row): row is EndingRow => endsByItself(row) && isStanding(place, row));
}

/**
 * Refuses an order that came after an end: any on an environment that the host still has to take back, and every forward one of
 * a change whose own time is over. The way back is always taken, closing where nothing is left to take back.
 */
export function refuseEnded(ctx: HostContext, order: Order, link: string, afterEnd: Effect<unknown>['afterEnd']): void {
  if (afterEnd === 'taken') return;
  const due = dueOn(ctx, link)[0];
  if (due) throw endedRefusal(order.env, due, 'the host goes back from it by itself, before any other order');
  const own = ctx.store.armed.get(order.chain);
  if (afterEnd === 'taken-when-undone' || !own || own.undone || !hasEnded(ctx, own)) return;
  throw endedRefusal(order.env, own, 'nothing more is done for it');
}

function endedRefusal({ link }: EnvironmentRef, { run, end }: Pick<EndingRow, 'run' | 'end'>, then: string): Error {
  return hostRefused(link, `an order before ${end}, when ${run} ended`, 'one after it', `${then}; a new change needs a new decision`);
}

/** Why an order of a change whose end came is refused although its run still believes to hold the lease. */
export const endedOrder = (order: Order, record: EndRecord): Error => endedRefusal(order.env, record, 'the host went back by itself');

/** `the host went back by itself, at 2026-01-01T00:00:00.000Z`. */
export const hostsWords = ({ beganAt, doneAt }: EndRecord): string => `the host went back by itself, at ${doneAt ?? beganAt}`;
