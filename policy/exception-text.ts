/** The clock of an exception in lines (EE-12): declared, convened, granted, expires, remaining; root cause and how it ended. */
import type { ExceptionView } from './exception-view.js';
import { shortId } from './ids.js';
import type { RunView } from './run-view.js';
import { oneLine } from './text.js';

export interface ClockInput {
  exception: ExceptionView;
  requester: string;
  outcome: string | null;
  /** ISO. */
  now: string;
  /** Writes an ISO instant the way the reader wants it. */
  formatTime(iso: string): string;
}

/** Name and words of each line; what is not known is left out. */
export function clockLines({ exception, requester, outcome, now, formatTime }: ClockInput): [name: string, words: string][] {
  const { ground, hours, declaredAt, grantedAt, grantedBy, expiresAt, rootCause, rehearsed, permanentAt, permanentBy, reverted } = exception;
  const all: [string, string | null][] = [
    ['declared', `${formatTime(declaredAt)} by ${oneLine(requester)}${ground === null ? '' : `: ${ground}`}${hours === null ? '' : `, ${hours} h`}`],
    ['convened', convenedText(exception, outcome, now, formatTime)],
    ['granted', grantedAt === null ? (outcome === null ? 'not yet' : 'no') : `${formatTime(grantedAt)}${grantedBy.length > 0 ? ` by ${grantedBy.join(', ')}` : ''}`],
    ['expires', expiresAt === null ? null : `${formatTime(expiresAt)} (${expiresAt})${outcome === null && permanentAt === null ? `, ${remainingText(expiresAt, now)}` : ''}`],
    ['root cause', grantedAt === null ? null : rootCause === null ? 'not handed in' : `${formatTime(rootCause.at)} by ${rootCause.by}, sha256:${rootCause.sha256}`],
    ['way back', rehearsed === null ? null : rehearsed.ok ? `rehearsed ${formatTime(rehearsed.at)}` : `not ready, ${formatTime(rehearsed.at)}: ${oneLine(rehearsed.problem)}`],
    ['permanent', permanentAt === null ? null : `${formatTime(permanentAt)}${permanentBy === null ? '' : ` by ${permanentBy}`}`],
    ['reverted', reverted === null ? null : revertedText(reverted, formatTime)],
  ];
  return all.filter((line): line is [string, string] => line[1] !== null);
}

/** EE-04: in time, late, or how long there still is. */
export function convenedText({ convenedAt, conveneBy }: ExceptionView, outcome: string | null, now: string, formatTime: (iso: string) => string): string {
  if (convenedAt !== null) return `${formatTime(convenedAt)}${conveneBy === null ? '' : convenedAt < conveneBy ? `, in time (by ${formatTime(conveneBy)})` : `, overdue (by ${formatTime(conveneBy)})`}`;
  if (outcome !== null) return 'no';
  if (conveneBy === null) return 'not yet';
  return now < conveneBy ? `not yet, by ${formatTime(conveneBy)}` : `overdue since ${formatTime(conveneBy)}`;
}

/** `23 h 12 min left`; `over since 3 min`. */
export function remainingText(end: string, now: string): string {
  const ms = Date.parse(end) - Date.parse(now);
  return ms > 0 ? `${spanText(ms)} left` : `over since ${spanText(-ms)}`;
}

/** `23 h 12 min`, `12 min`, `40 s`; rounded down. */
function spanText(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes === 0) return `${Math.floor(ms / 1000)} s`;
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const revertedText = ({ at, to, verified, by, problem }: NonNullable<ExceptionView['reverted']>, formatTime: (iso: string) => string): string =>
  verified ? `${formatTime(at)} to ${to ?? 'no environment'}, verified${by === 'host' ? ', by the host itself' : ''}` : `not verified, told ${formatTime(at)}: ${oneLine(problem)}`;

/** The final review of an exception has the same letters behind its own kind; null for what is no exception's short id. */
export function reviewRunOf(run: string): string | null {
  const tail = /^ex-([0-9a-z]{4})$/.exec(run)?.[1];
  return tail === undefined ? null : shortId('interpreter-change', tail);
}

/** The final review among runs of that name: of the same environment, begun after the exception. Another's may have the same short id. */
export const reviewAmong = <T extends Pick<RunView, 'kind' | 'host' | 'link' | 'firstSeq'>>(named: readonly T[], { host, link, firstSeq }: Pick<RunView, 'host' | 'link' | 'firstSeq'>): T | null =>
  named.find((one) => one.kind === 'interpreter-change' && one.host === host && one.link === link && one.firstSeq > firstSeq) ?? null;
