/** Exceptions for lists: what stands for a time, what waits to be granted, and what ended lately. */
import type { RunView } from './run-view.js';
import { isException } from './standing.js';

/** `undone`: somebody went back before its end. `waiting`: nothing is granted yet. `active`: it stands. `overdue`: its end has come, and no way back is on record. Else how it ended. */
export type ExceptionState = 'waiting' | 'granted' | 'active' | 'overdue' | 'reverted' | 'made-permanent' | 'not-reverted' | 'undone' | 'denied' | 'refused' | 'expired' | 'withdrawn';

export interface ExceptionRow {
  run: string;
  host: string;
  link: string;
  state: ExceptionState;
  from: string | null;
  to: string | null;
  ground: string | null;
  hours: number | null;
  requester: string;
  reason: string;
  grantedBy: string[];
  grantedAt: string | null;
  /** ISO; null: not granted, or it stays. */
  expiresAt: string | null;
  /** Milliseconds; null: nothing runs out; negative: over. */
  remainingMs: number | null;
  rootCause: { by: string; at: string; sha256: string } | null;
  review: { run: string; state: string } | null;
  message: string;
}

/** One exception as of `now`. `review`: its final review, where it began. `isUndone`: see {@link isUndoneBy}. */
export function exceptionRow(view: RunView, review: RunView | null, now: string, isUndone = false): ExceptionRow {
  const { run, host, link, from, to, requester, reason, message, exception } = view;
  const told = stateOf(view, now);
  const state = isUndone && (told === 'active' || told === 'overdue') ? 'undone' : told;
  const expiresAt = state === 'made-permanent' ? null : (exception?.expiresAt ?? null);
  const runsOut = expiresAt !== null && isRunning(state);
  return {
    run, host, link, state, from, to, ground: exception?.ground ?? null, hours: exception?.hours ?? null, requester, reason,
    grantedBy: exception?.grantedBy ?? [], grantedAt: exception?.grantedAt ?? null, expiresAt, remainingMs: runsOut ? Date.parse(expiresAt) - Date.parse(now) : null,
    rootCause: exception?.rootCause ?? null, review: review && { run: review.run, state: review.outcome ?? (review.waitsFor.length > 0 ? `waits for ${review.waitsFor.join(', ')}` : review.phase) }, message,
  };
}

/** Those that are not over first, each group newest first. `recent`: most of the others. */
export function inOrder(rows: readonly ExceptionRow[], recent: number): ExceptionRow[] {
  return [...rows.filter(({ state }) => isRunning(state)), ...rows.filter(({ state }) => !isRunning(state)).slice(0, recent)];
}

/** A run that went back on the environment of an exception after it was changed to. */
export const isUndoneBy = ({ host, link, changedAt }: RunView, other: RunView): boolean =>
  other.kind === 'rollback' && other.outcome === 'rolled-back' && other.host === host && other.link === link && changedAt !== null && other.endedAt !== null && other.endedAt > changedAt;

/** It is not over: somebody may have to do something. */
export const isRunning = (state: ExceptionState): boolean => state === 'waiting' || state === 'granted' || state === 'active' || state === 'overdue' || state === 'not-reverted';

function stateOf(view: RunView, now: string): ExceptionState {
  const { exception, outcome, changed } = view;
  if (exception?.reverted?.verified) return 'reverted';
  if (changed === 'uncertain') return 'not-reverted';
  if (exception?.permanentAt) return 'made-permanent';
  if (isException(view)) return outcome === 'superseded' ? 'withdrawn' : view.end! > now ? 'active' : 'overdue';
  if (outcome === null) return exception?.grantedAt ? 'granted' : 'waiting';
  return outcome === 'denied' || outcome === 'refused' || outcome === 'expired' ? outcome : 'withdrawn';
}
