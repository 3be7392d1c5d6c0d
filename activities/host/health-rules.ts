/** By which rules a host checks itself, and what they make of its checks. Pure but for the store. */
import type { HealthState, Violation } from '../../policy/checks/results.js';
import type { HostContext } from './context.js';
import type { HealthRules } from './contract.js';
import { quietDay } from './health-hours.js';
import { findingsOf, rowKey, type FullReason, type HealthFinding, type HealthRow } from './store-health.js';

const HOUR_MS = 3_600_000;
/** Problems told of one environment. */
const TOLD = 20;
/** Runs of a series that are kept while nobody can be told: two days of a state that changes every hour. */
const LONGEST_SERIES = 48;

/** Keeps rules that came with a question; they hold without any server from then on. */
export function takeRules(ctx: HostContext, rules: HealthRules | undefined): void {
  const { store } = ctx;
  if (!rules || store.health.rulesDigest() === rules.digest) return;
  store.exclusive(() => store.health.setRules(rules));
}

/** Seconds between two light checks; whatever came, never without a pause. */
export const secondsBetween = ({ everySeconds }: HealthRules): number => Math.max(1, everySeconds);

type Change = Partial<Pick<HealthRow, 'light' | 'full' | 'verification' | 'quietDay' | 'recheckedAt'>>;

/** An environment's row after a check. What the last full check found stands until the next one: a light one can't see it. */
export function afterCheck(before: HealthRow | undefined, link: string, mode: HealthState['mode'], change: Change, at: Date): HealthRow {
  const fresh: HealthRow = { link, state: 'GOOD', mode, since: at.toISOString(), light: [], full: null, verification: null, series: [], quietDay: null, recheckedAt: null };
  const row = { ...(before ?? fresh), ...change };
  const state = findingsOf(row).some(({ degrades }) => degrades) ? 'DEGRADED' : 'GOOD';
  const after = { ...row, state, since: before?.state === state ? before.since : at.toISOString(), series: counting(row.series, state) } satisfies HealthRow;
  // A light check that confirms what a full one said leaves it the full one's word.
  return { ...after, mode: mode === 'light' && before && rowKey(before) === rowKey(after) ? before.mode : mode };
}

function counting(series: HealthRow['series'], state: HealthRow['state']): HealthRow['series'] {
  const last = series.at(-1);
  const grown: HealthRow['series'] = last?.[0] === state ? [...series.slice(0, -1), [state, last[1] + 1]] : [...series, [state, 1]];
  return grown.slice(-LONGEST_SERIES);
}

/** As it is told: each problem once, worst first. */
export function healthState(row: HealthRow): HealthState {
  const { link, state, mode, since, verification } = row;
  return { link, state, mode, since, problems: problemsOf(row), verification, series: row.series.map(([one, count]) => `${one}×${count}`).join(' ') };
}

/** All of them on one line, for the log. */
export const findingsText = (row: HealthRow): string => [...new Set(findingsOf(row).map(({ check, severity, message }) => `${severity} ${check}: ${message}`))].join('; ');

function problemsOf(row: HealthRow): Violation[] {
  const rank = ({ severity, degrades }: HealthFinding): number => (severity === 'critical' ? 0 : 2) + (degrades ? 0 : 1);
  const sorted = findingsOf(row).sort((a, b) => rank(a) - rank(b));
  const each = new Map(sorted.map(({ check, severity, message }) => [`${check} ${message}`, { check, severity, message }]));
  return [...each.values()].slice(0, TOLD);
}

/**
 * Once in each night's quiet hours. Outside them at most once an hour: where the state has turned to DEGRADED since the last one,
 * and again while what only a full one sees keeps it so; where there was none by these rules, or with this link and lock (a GOOD
 * that preflight never gave is none, HM-03); and once more at once when light checks find nothing any more.
 * @param seen what the last light check saw
 * @param rules digest of those that hold now
 */
export function fullDue(ctx: HostContext, row: HealthRow, seen: string, rules: string): FullReason | null {
  const now = ctx.now();
  const { full, light, state, since, recheckedAt } = row;
  const night = quietDay(now, ctx.agentFile.health.quietHours, `${ctx.host}:${row.link}`);
  if (night !== null && night !== row.quietDay) return 'quiet';
  const isDegraded = state === 'DEGRADED';
  if (!full) return isDegraded ? 'degraded' : 'unmeasured';
  const isFromFull = full.findings.some(({ degrades }) => degrades);
  const hasTurned = isDegraded && full.at < since;
  // One that found nothing, and was made for no fault, does not use up the turn of the first fault after it (HM-04).
  if (hasTurned && !isFromFull && (full.why === 'unmeasured' || full.why === 'quiet')) return 'degraded';
  if (isHourOver(full.at, now)) {
    if (isFromFull || hasTurned) return 'degraded';
    return full.rules === rules && full.seen === seen ? null : 'unmeasured';
  }
  const isRepaired = isFromFull && light.length === 0 && seen !== full.seen;
  return isRepaired && isHourOver(recheckedAt ?? undefined, now) ? 'recheck' : null;
}

/** Also where the clock was set back behind it. */
function isHourOver(iso: string | undefined, now: Date): boolean {
  const elapsed = iso === undefined ? Infinity : now.getTime() - Date.parse(iso);
  return elapsed < 0 || elapsed >= HOUR_MS;
}
