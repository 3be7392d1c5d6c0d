/** News of this host, told by answering the one pending question of its `hostWatch` run (decision 12). */
import { setTimeout as sleep } from 'node:timers/promises';
import { agentKey } from './agent-key.js';
import type { HostContext, StepScope } from './context.js';
import type { HostEvent, LeaseView, NextEventInput } from './contract.js';
import { endNews } from './end-news.js';
import { healthNews, isHealthNews } from './health-news.js';
import { takeRules } from './health-rules.js';
import { viewOf } from './lease.js';
import { isUnderWay } from './order.js';
import { noteChanges } from './changes.js';
import { snapshots } from './snapshot.js';

const LOOK_EVERY_MS = 1_000;
const HOUR_MS = 3_600_000;
/** Asking about a quiet holder doubles its patience up to this: a run that waits for people is no news. */
const LONGEST_QUIET_MS = 600_000;

/** What this process told already; a new process checks in anew. */
interface Told {
  isCheckedIn: boolean;
  /** Digest of the rules by which everything had been checked when the whole state was told first. */
  rules: string | undefined;
  /** Of the last event with the whole state: by the clock (Unix milliseconds), and by a clock that nobody sets. */
  lastFull: { at: number; elapsed: number };
  /** By link: order it was told after, when, and how long to wait until it is told again. */
  quiet: Map<string, { lastOrder: number; at: number; patienceMs: number }>;
}

const told = new WeakMap<HostContext, Told>();

/**
 * Pending until there is news after `cursor`: check-in, a changed environment, changed health, an hour, a quiet lease. An event is
 * kept until it is confirmed by a greater cursor, so none is lost or doubled when an answer is. Rules for health checks come with
 * the question; with `greet` it is answered at once, by what waits or by a check-in.
 */
export async function nextEvent(ctx: HostContext, step: StepScope, { cursor, health, greet }: NextEventInput): Promise<HostEvent> {
  const key = await agentKey(ctx);
  takeRules(ctx, health);
  const waiting = ctx.store.exclusive(() => ctx.store.events.next(cursor));
  if (waiting) return waiting;
  if (greet) memoryOf(ctx).isCheckedIn = false;
  for (;;) {
    step.signal.throwIfAborted();
    const event = ctx.store.exclusive(() => ctx.store.events.next(cursor)) ?? lookForNews(ctx, cursor, key);
    if (event) return event;
    step.heartbeat();
    await sleep(LOOK_EVERY_MS, undefined, { signal: step.signal });
  }
}

function memoryOf(ctx: HostContext): Told {
  const memory = told.get(ctx) ?? { isCheckedIn: false, rules: undefined, lastFull: { at: 0, elapsed: 0 }, quiet: new Map() };
  told.set(ctx, memory);
  return memory;
}

function lookForNews(ctx: HostContext, cursor: number, key: string | null): HostEvent | undefined {
  const memory = memoryOf(ctx);
  const now = ctx.now().getTime();
  return ctx.store.exclusive(() => {
    // Looked at together with the journal: no switch of another process comes between the two.
    const seen = snapshots(ctx);
    const environments = seen.map((one) => one.environment);
    const tell = (kind: HostEvent['kind'], more: Partial<Pick<HostEvent, 'quiet' | 'drift'>> = {}): HostEvent =>
      ctx.store.events.add({ at: ctx.now().toISOString(), kind, agentVersion: ctx.agentVersion, environments, quiet: [], ...(key === null ? {} : { key }), ...more, ...endNews(ctx), ...healthNews(ctx, kind === 'check-in' || kind === 'hourly') }, cursor);
    const isEndNews = ctx.store.ends.toTell().some(({ isNews }) => isNews);
    // The first checks by other rules are told whole, so that the server knows what the host follows.
    const rules = ctx.store.health.appliedDigest();
    const isFirst = !memory.isCheckedIn || memory.rules !== rules;
    const isFull = isFirst || isHourOver(memory, now);
    const { isChanged, drift } = noteChanges(ctx, seen, isFull);
    const found = drift.length > 0 ? { drift } : {};
    const full = { at: now, elapsed: performance.now() };
    if (isFirst) {
      Object.assign(memory, { isCheckedIn: true, rules, lastFull: full });
      const checkIn = tell('check-in', isChanged ? {} : found);
      // What changed while no agent was there is news of its own, told next.
      if (isChanged) tell('changed', found);
      return checkIn;
    }
    if (isChanged || isEndNews || isHealthNews(ctx)) return tell('changed', found);
    const quiet = quietLeases(ctx, memory, now);
    if (quiet.length > 0) return tell('lease-quiet', { quiet });
    if (!isFull) return undefined;
    memory.lastFull = full;
    return tell('hourly', found);
  });
}

/** By either clock, so that one that is set or a machine that slept delays nothing; set back, the hour is taken as over. */
const isHourOver = ({ lastFull }: Told, now: number): boolean => now < lastFull.at || now - lastFull.at >= HOUR_MS || performance.now() - lastFull.elapsed >= HOUR_MS;

/** Leases without an order for a while; none on which this agent is at work right now. */
function quietLeases(ctx: HostContext, memory: Told, now: number): LeaseView[] {
  const limitMs = ctx.agentFile.limits.leaseQuietSeconds * 1000;
  return ctx.store.leases.all().flatMap((lease) => {
    const before = memory.quiet.get(lease.link);
    if (lease.state !== 'held' || isUnderWay(ctx, lease.link)) {
      memory.quiet.delete(lease.link);
      return [];
    }
    const isSame = before?.lastOrder === lease.lastOrder;
    const since = isSame ? before.at : lease.lastOrder;
    if (since > now) {
      // The clock was set back: patience begins anew, or nobody would ask about a dead holder for as long as that was.
      memory.quiet.set(lease.link, { lastOrder: lease.lastOrder, at: now, patienceMs: limitMs });
      return [];
    }
    const patienceMs = isSame ? before.patienceMs : limitMs;
    if (now - since < patienceMs) return [];
    memory.quiet.set(lease.link, { lastOrder: lease.lastOrder, at: now, patienceMs: Math.min(patienceMs * 2, Math.max(limitMs, LONGEST_QUIET_MS)) });
    return [viewOf(ctx, lease)];
  });
}
