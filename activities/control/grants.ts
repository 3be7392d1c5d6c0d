/** Exceptions that were granted for an environment, from the records. */
import { grantOf, type Grant } from '../../policy/exception.js';
import type { EnvironmentRef } from '../../policy/model.js';
import type { AuditEvent, StoredEntry } from '../../policy/records.js';
import type { RunView } from '../../policy/run-view.js';
import type { RecordsReader } from '../../records/store.js';
import { recordsFailure } from './records.js';

/** What of the records is asked. */
export type GrantRecords = Pick<RecordsReader, 'file' | 'run' | 'listRuns' | 'entriesByEvent'>;

/** Most runs of one environment that are looked through for a way back; an exception is at most 72 h old. */
const LOOK_AT = 1_000;

/**
 * Grants of an environment, oldest first, each with its end. An exception is over when it was made permanent, when its run ended with
 * anything but an incomplete way back, when an undo of this environment was verified after its change, or found nothing to undo; and
 * at `t`, when its time is over and no change of it is on record.
 * @throws ApplicationFailure RecordsUnavailable
 */
export function grantsOn(records: GrantRecords, env: EnvironmentRef, t: string): Grant[] {
  const here = (event: AuditEvent): StoredEntry[] => records.entriesByEvent(event).filter(({ entry }) => entry.host === env.host && entry.link === env.link);
  try {
    const granted = here('granted');
    if (granted.length === 0) return [];
    const runs = records.listRuns({ host: env.host, link: env.link, children: true, limit: LOOK_AT });
    const told = { permanent: here('made-permanent'), undone: here('undo').filter(({ entry }) => entry.data['verified'] !== false) };
    return granted.map((it) => {
      const grant = grantOf(it.entry, null);
      return { ...grant, endedAt: endOf(it, grant, t, { ...told, runs: runs.filter(({ lastSeq }) => lastSeq > it.seq), own: records.run(grant.chain) }) };
    });
  } catch (error) {
    throw recordsFailure(error, records.file);
  }
}

/** What was told after a grant. */
interface Told {
  permanent: StoredEntry[];
  undone: StoredEntry[];
  runs: RunView[];
  own: RunView | null;
}

/** The first of what ended it; null: nothing has. */
function endOf({ seq, entry }: StoredEntry, { run, chain, expiresAt }: Grant, t: string, { permanent, undone, runs, own }: Told): string | null {
  const ends = permanent.filter((it) => it.seq > seq && it.entry.chain === chain).map(({ entry: { at } }) => at);
  if (own?.endedAt && own.outcome !== 'rollback-incomplete') ends.push(own.endedAt);
  const switched = runs.filter((it) => it.chain === chain || it.parent === run).flatMap((it) => it.changedAt ?? []).sort()[0];
  // Its host takes no switch of it after its end, and goes back from one that nobody could put on record.
  if (switched === undefined) ends.push(...(expiresAt <= t ? [expiresAt] : []));
  else ends.push(...undone.filter((it) => it.seq > seq && it.entry.at >= switched).map(({ entry: { at } }) => at), ...waysBack(runs, switched, typeof entry.data['from'] === 'string'));
  return ends.sort()[0] ?? null;
}

/**
 * Who went back before the exception's own change went back from something else. One that was asked for afterwards and finds nothing
 * to undo proves that somebody undid it before, as `undo --local` does; but not where it made the environment (`wasThere` false):
 * that is never undone by hand.
 */
function waysBack(runs: RunView[], switched: string, wasThere: boolean): string[] {
  const rollbacks = runs.filter(({ kind }) => kind === 'rollback');
  const back = rollbacks.filter(({ outcome, endedAt }) => outcome === 'rolled-back' && endedAt !== null && endedAt >= switched);
  const none = rollbacks.filter(({ outcome, startedAt }) => wasThere && outcome === 'not-needed' && startedAt >= switched);
  return [...back, ...none].flatMap(({ endedAt }) => endedAt ?? []);
}
