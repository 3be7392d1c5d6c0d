/**
 * How one step changes a host: fence, intent, effect, receipt. Killed at any point and given again, an order does its
 * change once (decisions 14 and 15).
 */
import { ApplicationFailure } from '@temporalio/common';
import { FAILURE } from '../../policy/names.js';
import type { Effect, Guard, HostContext, StepScope } from './context.js';
import type { Order } from './contract.js';
import { endedOrder, refuseEnded } from './ends.js';
import { endGroups } from './groups.js';
import { resolvePlace } from './paths.js';
import { processStat } from './proc.js';
import { signalGroup } from './process-group.js';
import { compareTokens, tokenText, type Token } from './store-fence.js';

/** Operation id of an order. */
export const operationId = (order: Pick<Order, 'chain' | 'seq' | 'step'>): string => `${order.chain}/${order.seq}/${order.step}`;

/** An order under way, with everything its fence needs. */
interface Running {
  ctx: HostContext;
  order: Order;
  /** Canonical link path. */
  link: string;
  token: Token;
  op: string;
}

/** Orders under way in this process, by store and link: the agent is not silent about an environment while one runs. */
const underWay = new Map<string, Set<Promise<unknown>>>();
const underWayKey = (ctx: HostContext, link: string): string => `${ctx.store.path}\0${link}`;

/** Whether this process is carrying out an order on the environment. */
export const isUnderWay = (ctx: HostContext, link: string): boolean => (underWay.get(underWayKey(ctx, link))?.size ?? 0) > 0;

/**
 * Carries out one order. A receipt that the disk still agrees with is the answer; an intent without one is done again,
 * and effects look at the disk first. Fails with `Fenced` (final) when the lease was taken or a newer order was seen,
 * with `HostRefused` for what may not be done after the end of a change.
 */
export async function perform<T>(ctx: HostContext, step: StepScope, order: Order, effect: Effect<T>): Promise<T> {
  const { link } = resolvePlace(ctx, order.env);
  const run: Running = { ctx, order, link, token: { epoch: order.epoch, seq: order.seq, attempt: step.attempt }, op: operationId(order) };
  const key = underWayKey(ctx, link);
  const before = [...(underWay.get(key) ?? [])];
  const work = carryOut(run, step, effect, before);
  underWay.set(key, new Set([...before, work]));
  try {
    return await work;
  } finally {
    underWay.get(key)?.delete(work);
  }
}

async function carryOut<T>(run: Running, step: StepScope, effect: Effect<T>, before: Promise<unknown>[]): Promise<T> {
  const { ctx, order } = run;
  const receipt = ctx.store.journal.receipt(run.op) as { body: T } | undefined;
  try {
    enter(run);
  } catch (error) {
    // The answer to a close, given again, must not need the lease that it released. Answering changes nothing.
    if (receipt && (await effect.holds(receipt.body))) return receipt.body;
    throw error;
  }
  await endOlder(run, step, before);
  if (receipt && (await effect.holds(receipt.body))) return receipt.body;
  refuseEnded(ctx, order, run.link, effect.afterEnd);
  note(run, 'intent', effect.intent);
  await ctx.barrier(`${order.step}:intent`);
  const result = await effect.act(guardOf(run));
  await ctx.barrier(`${order.step}:acted`);
  ctx.store.exclusive(() => {
    compare(run);
    effect.finish?.(result);
    note(run, 'receipt', result);
  });
  await ctx.barrier(`${order.step}:receipt`);
  return result;
}

/** Refuses an order that is not the newest, and makes it the newest. */
function enter(run: Running): void {
  const { ctx, link, token } = run;
  ctx.store.exclusive(() => {
    const seen = compare(run);
    if (compareTokens(token, seen) > 0) ctx.store.fence.raise(link, token);
    ctx.store.leases.put({ ...ctx.store.leases.get(link), lastOrder: ctx.now().getTime() });
  });
}

/** Throws unless the lease is this run's and no newer order was seen; returns the token seen. */
function compare({ ctx, order, link, token }: Running): Token {
  const lease = ctx.store.leases.get(link);
  if (lease.holder?.chain !== order.chain || lease.epoch !== order.epoch) {
    const ended = ctx.store.ends.record(order.chain);
    if (ended) throw endedOrder(order, ended);
    const holder = lease.holder ? `held by ${lease.holder.run} since ${lease.since}, epoch ${lease.epoch}` : `held by nobody, epoch ${lease.epoch}`;
    throw fenced(link, `the lease of ${order.run}, epoch ${order.epoch}`, holder);
  }
  const seen = ctx.store.fence.seen(link);
  if (compareTokens(token, seen) < 0) throw fenced(link, `${tokenText(seen)} or later`, tokenText(token));
  return seen;
}

function fenced(link: string, expected: string, got: string): ApplicationFailure {
  const what = `order for ${link}`;
  return ApplicationFailure.nonRetryable(`${what}: expected ${expected}, got ${got}; another run or a later order has this environment now`, FAILURE.Fenced, { what, expected, got });
}

/** Ends what older orders started, in any process; then waits for those of this process to notice. */
async function endOlder({ ctx, link, token }: Running, step: StepScope, before: Promise<unknown>[]): Promise<void> {
  await endGroups(ctx, link, (row) => compareTokens(row, token) < 0, step);
  // Fenced since `enter`, they can change nothing any more; waiting keeps two attempts from building side by side. One
  // that never returns must not block its successor: its children are dead, and its guard refuses.
  const limit = new Promise((resolve) => setTimeout(resolve, OLDER_LIMIT_MS).unref());
  await Promise.race([Promise.allSettled(before), limit]);
}

/** An attempt whose child was killed returns within milliseconds. */
const OLDER_LIMIT_MS = 2_000;

function guardOf(run: Running): Guard {
  const { ctx, link, token, op } = run;
  const { store } = ctx;
  return {
    op,
    attempt: token.attempt,
    commit: (change) => store.exclusive(() => {
      compare(run);
      return change();
    }),
    groupStarted(pgid) {
      const started = processStat(pgid)?.started;
      // Written first, then compared: a newer order either finds the group here, or this one finds that it is late.
      store.exclusive(() => {
        if (started !== undefined) store.fence.addGroup({ link, pgid, started, op, ...token });
      });
      if (isLate(run)) signalGroup(pgid, 'SIGKILL');
    },
    groupEnded: (pgid) => store.exclusive(() => store.fence.removeGroup(link, pgid)),
  };
}

function isLate(run: Running): boolean {
  try {
    run.ctx.store.exclusive(() => compare(run));
    return false;
  } catch {
    return true;
  }
}

function note({ ctx, order, link, token, op }: Running, kind: 'intent' | 'receipt', body: unknown): void {
  ctx.store.exclusive(() => ctx.store.journal.append({ link, op, kind, run: order.run, at: ctx.now().toISOString(), attempt: token.attempt, body }));
}
