/** Environments on record, with the version that stands there. */
import { formatEnvironment } from '../../policy/ids.js';
import type { RunView } from '../../policy/run-view.js';
import type { Instance } from './instance.js';
import { recordsOf } from './known-runs.js';

/** The newest run of an environment, and the version that stands by the newest run that knew it. */
export type KnownEnvironment = RunView & { version: string | null };

/** Newest run first, by the last 1,000 runs on record. */
export function knownEnvironments(instance: Instance): KnownEnvironment[] {
  const latest = new Map<string, KnownEnvironment>();
  for (const view of recordsOf(instance)?.listRuns({ limit: 1000 }) ?? []) {
    if (view.link === '') continue;
    const known = latest.get(formatEnvironment(view));
    if (!known) latest.set(formatEnvironment(view), { ...view, version: standingVersion(view) });
    else known.version ??= standingVersion(view);
  }
  return [...latest.values()];
}

/** Where a run went when it got there, else where it came from; null where it never knew. */
const standingVersion = ({ outcome, kind, from, to }: RunView): string | null => (outcome === 'done' || kind === 'rollback' ? to : (from ?? to));
