/** Exceptions that were granted for an environment, from the records. */
import { grantOf, type Grant } from '../../policy/exception.js';
import type { EnvironmentRef } from '../../policy/model.js';
import type { AuditEntry, AuditEvent, StoredEntry } from '../../policy/records.js';
import type { RunView } from '../../policy/run-view.js';
import type { RecordsReader } from '../../records/store.js';
import { recordsFailure } from './records.js';

/** What of the records is asked. */
export type GrantRecords = Pick<RecordsReader, 'file' | 'run' | 'listRuns' | 'entriesByEvent'>;

/** Most runs of one environment that are looked through for a way back; an exception is at most 72 h old. */
const LOOK_AT = 1_000;

/**
 * Grants of an environment, oldest first, each with its end. An exception is over when it was made permanent, when an undo of this
 * environment was verified after its change, or when its run ended with anything but an incomplete way back.
 * @throws ApplicationFailure RecordsUnavailable
 */
export function grantsOn(records: GrantRecords, env: EnvironmentRef): Grant[] {
  const here = (event: AuditEvent): StoredEntry[] => records.entriesByEvent(event).filter(({ entry }) => entry.host === env.host && entry.link === env.link);
  try {
    const granted = here('granted');
    if (granted.length === 0) return [];
    const runs = records.listRuns({ host: env.host, link: env.link, children: true, limit: LOOK_AT });
    const told = { permanent: here('made-permanent'), undone: here('undo').filter(({ entry }) => entry.data['verified'] !== false) };
    return granted.map(({ seq, entry }) => grantOf(entry, endOf(entry, seq, runs, records.run(entry.chain), told)));
  } catch (error) {
    throw recordsFailure(error, records.file);
  }
}

/** The first of what ended it; null: nothing has. */
function endOf({ run, chain }: AuditEntry, seq: number, runs: RunView[], own: RunView | null, { permanent, undone }: Record<'permanent' | 'undone', StoredEntry[]>): string | null {
  const ends = permanent.filter((it) => it.seq > seq && it.entry.chain === chain).map(({ entry }) => entry.at);
  if (own?.endedAt && own.outcome !== 'rollback-incomplete') ends.push(own.endedAt);
  // Who went back before the exception's own change went back from something else.
  const switched = runs.filter((it) => it.lastSeq > seq && (it.chain === chain || it.parent === run)).flatMap((it) => it.changedAt ?? []).sort()[0];
  if (switched !== undefined) {
    const back = runs.filter((it) => it.lastSeq > seq && it.kind === 'rollback' && it.outcome === 'rolled-back').flatMap((it) => it.endedAt ?? []);
    ends.push(...[...undone.filter((it) => it.seq > seq).map(({ entry }) => entry.at), ...back].filter((at) => at >= switched));
  }
  return ends.sort()[0] ?? null;
}
