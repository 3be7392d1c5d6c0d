/** What waits for a decision, in lines: mine first, the nearest deadline first. Pure. */
import type { OpenDecision } from '../../policy/model-approval.js';
import { oneLine } from '../../policy/text.js';
import { cut } from './io.js';

export interface InboxRow extends OpenDecision {
  /** Whoever asks may decide it now. */
  mine: boolean;
  /** Why not, where they might think so; empty otherwise. */
  why: string;
  /** The time that matters next. */
  by: string;
}

/** Rows in order. `me`: null where no key tells who asks. */
export function inboxRows(open: readonly OpenDecision[], me: { person: string; roles: string[] } | null): InboxRow[] {
  const rows = open.map((decision) => {
    const why = whyNot(decision, me);
    return { ...decision, mine: me !== null && why === null, why: why ?? '', by: decision.conveneBy ?? decision.deadline };
  });
  return rows.sort((a, b) => Number(b.mine) - Number(a.mine) || Date.parse(a.by) - Date.parse(b.by) || (a.run < b.run ? -1 : 1));
}

/** null: they may. Who asked never decides; who has decided does not again. */
function whyNot({ requester, voted, roles }: OpenDecision, me: { person: string; roles: string[] } | null): string | null {
  if (me === null) return '';
  if (requester === me.person) return 'you asked';
  if (voted.includes(me.person)) return 'you have voted';
  return roles.some((role) => me.roles.includes(role)) ? null : '';
}

/** `ex-3p9d  exception 3.13.9, web-01, 24 h  2 of cab  by 13:02  asked by bob`. */
export function inboxLine(row: InboxRow, now: Date): string {
  const { run, kind, purpose, to, where, hours, progress, requester, by, why } = row;
  const what = [`${purpose === kind || purpose === 'grant' ? kind : `${purpose} of ${kind}`} ${to}`, placeOf(where), ...(hours === null ? [] : [`${hours} h`])].join(', ');
  const cells = [run, what, progress.replace(/^0 of (?=\d)/, ''), `${Date.parse(by) <= now.getTime() ? 'overdue since' : 'by'} ${clock(by, now)}`, `asked by ${requester}${why ? ` (${why})` : ''}`];
  return cells.map((cell) => cut(oneLine(cell), 200)).join('  ');
}

/** Host and the project's own folder. */
function placeOf(where: string): string {
  const [, host, link] = /^([^:]+):(.*)$/.exec(where) ?? [];
  return host === undefined ? where : `${host} ${link!.split('/').filter((part) => part !== '').at(-1) ?? link}`;
}

/** Local time: `13:02` today, `Sat 13:02` within six days, `2026-12-24 13:02` beyond. */
export function clock(iso: string, now: Date): string {
  const at = new Date(iso);
  const time = `${two(at.getHours())}:${two(at.getMinutes())}`;
  if (at.toDateString() === now.toDateString()) return time;
  if (Math.abs(at.getTime() - now.getTime()) < 6 * 86_400_000) return `${DAYS[at.getDay()]!} ${time}`;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}

// A locale's own words take a tenth of a second for a thousand lines.
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const two = (value: number): string => String(value).padStart(2, '0');
