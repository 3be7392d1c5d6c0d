/** PV-07 to PV-10, PV-31: dates of the policy that somebody must act on, and what waits for people. Days are UTC days. */
import type { PolicyFile } from './files/policy-file.js';
import { lineOfSpec } from './review-request.js';
import { oneLine } from './text.js';
import { comparePython, parsePythonVersion } from './versions.js';

/** What kind of date it is; `waiting`: what a run waits for. */
export type DueKind = 'support' | 'support-target' | 'planning' | 'eol-notice' | 'eol' | 'review' | 'waiting';

export interface DueItem {
  /** One line. */
  what: string;
  /** `2026-04-30`. */
  on: string;
  kind: DueKind;
  /** The day is over, and it still stands. */
  overdue: boolean;
  /** Requirement row it comes from. */
  row: string;
}

/** Something that waits: `at` is an ISO instant. */
export interface Waiting {
  what: string;
  at: string;
  row: string;
}

/** Days before its day at which an item is told for the first time; notices and planning are early by themselves. */
const TOLD_BEFORE: Record<DueKind, number> = { support: 30, 'support-target': 30, planning: 0, 'eol-notice': 0, eol: 30, review: 30, waiting: 0 };

const DAY_MS = 86_400_000;

/**
 * A date so many months later (or earlier, below 0). A day that the month does not have becomes its last: 2027-10-31 less 18
 * months is 2026-04-30.
 */
export function addMonths(date: string, months: number): string {
  const [year, month, day] = date.split('-').map(Number) as [number, number, number];
  const count = year * 12 + (month - 1) + months;
  const [toYear, toMonth] = [Math.floor(count / 12), ((count % 12) + 12) % 12];
  const last = new Date(Date.UTC(toYear, toMonth + 1, 0)).getUTCDate();
  return new Date(Date.UTC(toYear, toMonth, Math.min(day, last))).toISOString().slice(0, 10);
}

/** A date so many days later, or earlier below 0. */
export const addDays = (date: string, days: number): string => new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);

/** Everything with a date, earliest first. `now`: ISO. */
export function dueItems(policy: PolicyFile, now: string, { waiting = [] }: { waiting?: Waiting[] } = {}): DueItem[] {
  const today = now.slice(0, 10);
  const item = (kind: DueKind, row: string, on: string, what: string, overdue = on < today): DueItem => ({ what, on, kind, overdue, row });
  const { review, version, owner, effective } = policy.header;
  const { checklist } = policy.checks;
  const items = [
    ...supportEnds(policy).map(({ on, what }) => item('support', 'PV-07', on, what)),
    ...lineDates(policy, today).map(({ kind, row, on, what }) => item(kind, row, on, what)),
    isDate(review)
      ? item('review', 'PV-31', review, `review of policy revision ${version} by ${owner}`)
      : item('review', 'PV-31', isDate(effective) ? effective : today, `review of policy revision ${version}: header.review is no date: ${oneLine(review, 40)}`, true),
    item('review', 'PF-29', checklist.review, `review of preflight checklist ${checklist.version} by ${checklist.owner}`),
    ...waiting.map(({ what, at, row }) => item('waiting', row, at.slice(0, 10), what, at <= now)),
  ];
  return items.sort((a, b) => (a.on < b.on ? -1 : a.on > b.on ? 1 : a.what < b.what ? -1 : 1));
}

/** Whether it is time to tell of it for the first time. */
export const isToldBy = ({ kind, on }: DueItem, today: string): boolean => addDays(on, -TOLD_BEFORE[kind]) <= today;

/** Names what was told: once as its day comes near, once more when that is over. Visible ASCII, at most 200 characters. */
export function reminderId({ kind, on, what, overdue }: DueItem): string {
  const words = what.toLowerCase().replace(/[^a-z0-9.]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 120);
  return `due/${kind}/${on}/${words}/${overdue ? 'overdue' : 'near'}`;
}

function isDate(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().startsWith(text);
}

/** PV-07: as the policy says, else when the next line is meant to be supported. */
function supportEnds({ interpreters, timeline }: PolicyFile): { on: string; what: string }[] {
  return (['primary', 'fallback'] as const).flatMap((role) => {
    const { version, supportUntil } = interpreters[role];
    const what = `support period of Python ${version} (${role}) ends`;
    if (supportUntil !== undefined) return [{ on: supportUntil, what }];
    if (role === 'fallback') return [];
    const [major, minor] = version.split('.').map(Number);
    const next = `${major}.${minor! + 1}`;
    const { ga, supportAfterMonths } = timeline[next] ?? {};
    return ga === undefined || supportAfterMonths === undefined ? [] : [{ on: addMonths(ga, supportAfterMonths), what: `${what}: Python ${next} is meant to be supported` }];
  });
}

interface LineDate { kind: DueKind; row: string; on: string; what: string }

/** PV-08 to PV-10. A line that is approved needs no planning any more; one that is over and nowhere approved, nothing at all. */
function lineDates(policy: PolicyFile, today: string): LineDate[] {
  const { primary, fallback } = policy.interpreters;
  const approved = new Set([primary.version, fallback.version].map(lineOf));
  return Object.entries(policy.timeline).flatMap(([line, { ga, eol, supportAfterMonths, planningBeforeMonths, eolNoticeMonths }]) => {
    const dates: LineDate[] = [];
    if (!approved.has(line) && isNewer(line, lineOf(primary.version))) {
      if (ga !== undefined && supportAfterMonths !== undefined) dates.push({ kind: 'support-target', row: 'PV-08', on: addMonths(ga, supportAfterMonths), what: `Python ${line} is meant to be supported` });
      if (ga !== undefined && planningBeforeMonths !== undefined) dates.push({ kind: 'planning', row: 'PV-09', on: addMonths(ga, -planningBeforeMonths), what: `planning for Python ${line} begins` });
    }
    if (eol === undefined || (eol < today && !approved.has(line))) return dates;
    const use = approved.has(line) ? 'approved here' : 'not approved here';
    dates.push({ kind: 'eol-notice', row: 'PV-10', on: addMonths(eol, -eolNoticeMonths), what: `announce that Python ${line} (${use}) ends on ${eol}` });
    if (approved.has(line)) dates.push({ kind: 'eol', row: 'PV-10', on: eol, what: `Python ${line} (${use}) ends` });
    return dates;
  });
}

const lineOf = (spec: string): string => lineOfSpec(spec) ?? spec.split('.').slice(0, 2).join('.');
const isNewer = (line: string, than: string): boolean => comparePython(parsePythonVersion(`${line}.0`)!, parsePythonVersion(`${than}.0`)!) > 0;
