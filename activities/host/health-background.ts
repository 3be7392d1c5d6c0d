/** What takes longer than a look: full checks, and the interpreters in use. Beside everything else, and never in the way of a run. */
import type { HostContext } from './context.js';
import type { HealthRules } from './contract.js';
import { findForeign } from './foreign.js';
import { checkFull, type FullResult } from './health-full.js';
import { quietDay } from './health-hours.js';
import { degrading, healthPlace, type HealthPlace } from './health-light.js';
import { logHealth } from './health-log.js';
import { healthLine, keepRow, type Lights } from './health-round.js';
import { afterCheck, fullDue, secondsBetween } from './health-rules.js';
import { readLink } from './paths.js';
import type { FullFound, FullReason, HealthFinding, HealthRow } from './store-health.js';

const HOUR_MS = 3_600_000;

export interface Background {
  /** At most one full check on the whole host. */
  full: { link: string; epoch: number; cancel: AbortController; done: Promise<void> } | null;
  /** When each environment's last one began, given up or not, Unix milliseconds. */
  begun: Map<string, number>;
  /** Those that could not be kept (a full disk), until when they wait, Unix milliseconds, and what was said of it. */
  failed: Map<string, { until: number; message: string }>;
  foreign: Promise<void> | null;
  /** When interpreters were last looked for, Unix milliseconds. */
  foreignAt: number | null;
  isForeignWanted: boolean;
}

export const nothingUnderWay = (): Background => ({ full: null, begun: new Map(), failed: new Map(), foreign: null, foreignAt: null, isForeignWanted: true });

interface Begun {
  link: string;
  epoch: number;
  /** What the light check before it saw, and what of that is wrong. */
  seen: string;
  light: HealthFinding[];
  why: FullReason;
}

/** A run that takes the environment ends the check's Pythons by itself (`endGroups`): no others are started then. */
export function giveWay(ctx: HostContext, { full }: Background): void {
  if (full && ctx.store.leases.get(full.link).epoch !== full.epoch) full.cancel.abort(new Error(`${full.link}: a run has it now`));
}

/** Begins the next full check that is due, unless one is under way. None of an environment that a run has. */
export function beginFull(ctx: HostContext, rules: HealthRules, lights: Lights, background: Background, signal: AbortSignal): void {
  const next = background.full ? undefined : nextFull(ctx, rules, lights, background);
  if (!next) return;
  background.begun.set(next.link, ctx.now().getTime());
  const cancel = new AbortController();
  const done = fullCheck(ctx, rules, next, AbortSignal.any([signal, cancel.signal]))
    .then(
      () => void background.failed.delete(next.link),
      (error: Error) => notKept(ctx, background, next.link, error.message, secondsBetween(rules)),
    )
    .finally(() => {
      background.full = null;
      background.isForeignWanted = true;
    });
  background.full = { ...next, cancel, done };
}

/** Due still, and not at once again; said once. */
function notKept(ctx: HostContext, { failed }: Background, link: string, message: string, pauseSeconds: number): void {
  if (failed.get(link)?.message !== message) ctx.warn?.(`full check of ${link}: ${message}`);
  failed.set(link, { until: ctx.now().getTime() + pauseSeconds * 1000, message });
}

/** The one that has waited longest: where the quiet hours are too short for all, none is left out each night, nor by one that is always given up. */
function nextFull(ctx: HostContext, rules: HealthRules, lights: Lights, { begun, failed }: Background): Begun | undefined {
  const last = ({ link, full }: HealthRow): number => Math.max(begun.get(link) ?? 0, full ? Date.parse(full.at) : 0);
  for (const row of ctx.store.health.all().sort((a, b) => last(a) - last(b))) {
    const { link } = row;
    const { state, epoch } = ctx.store.leases.get(link);
    const seen = lights.get(link)?.seen;
    const waits = ctx.now().getTime() < (failed.get(link)?.until ?? 0);
    const why = state === 'held' || seen === undefined || waits ? null : fullDue(ctx, row, seen, rules.digest);
    if (why !== null) return { link, epoch, seen: seen!, light: row.light, why };
  }
  return undefined;
}

/** What was given up, or measured while somebody changed the environment, says nothing: it is done again. */
async function fullCheck(ctx: HostContext, rules: HealthRules, { link, epoch, seen, light, why }: Begun, signal: AbortSignal): Promise<void> {
  const { store } = ctx;
  const began = ctx.now();
  const at = placeOf(ctx, link, rules);
  const last = store.health.get(link)?.full;
  const result = await resultOf(ctx, at, signal, last?.findings ?? []);
  const isSame = store.leases.get(link).epoch === epoch && (!at || JSON.stringify(readLink(at.place)) === JSON.stringify(at.view));
  if (signal.aborted || !isSame || !store.health.get(link)) return;
  const { findings, verification } = result;
  // What was not measured now says nothing of what the light check finds now.
  const full: FullFound = { findings, seen, at: began.toISOString(), why, rules: rules.digest, light: (verification ? light : last?.light) ?? [] };
  const change = {
    full,
    ...(verification ? { verification } : {}),
    ...(why === 'quiet' ? { quietDay: quietDay(began, ctx.agentFile.health.quietHours, `${ctx.host}:${link}`) } : {}),
    ...(why === 'recheck' ? { recheckedAt: began.toISOString() } : {}),
  };
  const row = keepRow(ctx, link, (before) => afterCheck(before, link, 'full', change, ctx.now()));
  const how = verification ? ` (full: verification ${verification.status}, ${verification.violations} violations, ${verification.warnings} warnings)` : ' (full)';
  logHealth(ctx, secondsBetween(rules), [healthLine(row, how)]);
}

/** Null: there is no such place now. */
function placeOf(ctx: HostContext, link: string, rules: HealthRules): HealthPlace | null {
  try {
    return healthPlace(ctx, link, rules.policy);
  } catch {
    return null;
  }
}

const NOT_MADE = 'the full check could not be made: ';

/** That it could not be made is no pass: what the one before it found still stands beside it. */
async function resultOf(ctx: HostContext, at: HealthPlace | null, signal: AbortSignal, before: HealthFinding[]): Promise<Pick<FullResult, 'findings'> & Partial<FullResult>> {
  try {
    if (!at?.checks) throw new Error(at?.problem ?? 'there is no such project now');
    return await checkFull(ctx, at.checks, signal);
  } catch (error) {
    const measured = before.filter(({ message }) => !message.startsWith(NOT_MADE));
    return { findings: [...measured, degrading('verification', `${NOT_MADE}${(error as Error).message}`, 'warning')] };
  }
}

/** At the start, and with full checks, at most once an hour (PV-35). */
export function beginForeign(ctx: HostContext, rules: HealthRules, background: Background, signal: AbortSignal): void {
  const { foreign, foreignAt, isForeignWanted } = background;
  const now = ctx.now().getTime();
  const isOver = foreignAt === null || now < foreignAt || now - foreignAt >= HOUR_MS;
  if (foreign || !isForeignWanted || !isOver) return;
  background.foreignAt = now;
  background.isForeignWanted = false;
  background.foreign = lookForForeign(ctx, rules, signal)
    .catch((error: Error) => (signal.aborted ? undefined : ctx.warn?.(`interpreters in use: ${error.message}`)))
    .finally(() => (background.foreign = null));
}

async function lookForForeign(ctx: HostContext, rules: HealthRules, signal: AbortSignal): Promise<void> {
  const { health } = ctx.store;
  const row = await findForeign(ctx, rules.policy, health.foreign()?.asked ?? {}, signal);
  if (signal.aborted) return;
  ctx.store.exclusive(() => health.setForeign(row));
  logHealth(ctx, secondsBetween(rules), row.found.map(({ path, version, processes, why }) => `Interpreter in use: ${path || '(not told)'} ${version ?? '(no version)'}, ${processes} processes: ${why}`));
}
