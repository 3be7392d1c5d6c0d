/** Environments on record, with the version that stands there. */
import { formatEnvironment } from '../../policy/ids.js';
import type { RunView } from '../../policy/run-view.js';
import { standingOf, type Standing } from '../../policy/standing.js';
import type { Instance } from './instance.js';
import { recordsOf } from './known-runs.js';

/** The newest run of an environment, and how it stands by all of its runs: under an exception it is flagged so (EE-11). */
export type KnownEnvironment = RunView & { version: string | null; standing: Standing };

/** Newest run first, by the last 1,000 runs on record. Reviews, which touch no environment, are left out. */
export function knownEnvironments(instance: Instance, now = new Date().toISOString()): KnownEnvironment[] {
  const runs = new Map<string, RunView[]>();
  for (const view of recordsOf(instance)?.listRuns({ limit: 1000 }) ?? []) {
    if (view.link === '' || view.kind === 'interpreter-change') continue;
    const name = formatEnvironment(view);
    runs.set(name, [...(runs.get(name) ?? []), view]);
  }
  return [...runs.values()].map((views) => {
    const standing = standingOf(views, now);
    return { ...views[0]!, version: standing.version, standing };
  });
}
