/** How an environment stands by its runs: the version, since when, and whether it is there for a time only (EE-11). */
import type { RunView } from './run-view.js';

/**
 * `exception`: allowed for a time, and flagged. `overdue`: its end has come and nobody has told of the way back. `uncertain`: an
 * undo is not verified. `settled`: as its last run left it. `unknown`: no run on record knew.
 */
export type StandingState = 'settled' | 'exception' | 'overdue' | 'uncertain' | 'unknown';

export interface Standing {
  state: StandingState;
  version: string | null;
  /** ISO. */
  since: string | null;
  /** The run that says so. */
  run: string | null;
  /** When it ends by itself, ISO; null: it stays. */
  end: string | null;
}

/** From all runs of one environment, in any order, as of `now`. Reviews say nothing of what stands. */
export function standingOf(views: readonly RunView[], now: string): Standing {
  const telling = views.filter(({ kind }) => kind !== 'interpreter-change').map((view) => ({ view, at: toldAt(view) })).sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : b.view.firstSeq - a.view.firstSeq));
  const known = telling.find(({ view }) => versionNow(view) !== null);
  const last = telling.find(({ view }) => view.changed !== 'no' || isBack(view));
  const version = known ? versionNow(known.view) : null;
  if (last) {
    const { view, at } = last;
    if (view.changed === 'uncertain') return { state: 'uncertain', version, since: at, run: view.run, end: view.end };
    if (isException(view)) return { state: view.end! > now ? 'exception' : 'overdue', version: view.to, since: at, run: view.run, end: view.end };
    return { state: 'settled', version, since: at, run: view.run, end: null };
  }
  return { state: known ? 'settled' : 'unknown', version, since: null, run: known?.view.run ?? null, end: null };
}

/** What a run changed stands, and ends by itself. */
export const isException = ({ changed, end }: Pick<RunView, 'changed' | 'end'>): boolean => changed === 'yes' && end !== null;

/** It stood for a time, and what was before it stands again. */
export const isBack = ({ exception }: Pick<RunView, 'exception'>): boolean => exception?.reverted?.verified === true;

/** Version after a run: where it went when that stands, else where it came from; null where it never knew. */
export function versionNow({ exception, changed, outcome, kind, from, to }: RunView): string | null {
  if (exception?.reverted?.verified) return exception.reverted.to ?? from;
  if (kind === 'interpreter-change') return null;
  return changed === 'yes' || outcome === 'done' || kind === 'rollback' ? to : (from ?? to);
}

/** When what a run says of its environment was true: its switch, its way back, else its beginning. */
export const toldAt = ({ exception, changedAt, startedAt }: RunView): string => (exception?.reverted?.verified ? exception.reverted.at : (changedAt ?? startedAt));
