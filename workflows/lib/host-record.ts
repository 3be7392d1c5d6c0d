/** News of a host as entries of the trail: no host can tell so much, or so badly, that its watch ends over it. */
import { ActivityFailure, workflowInfo } from '@temporalio/workflow';
import { watchRun } from '../../policy/host-keys.js';
import type { HealthState } from '../../policy/checks/results.js';
import type { AuditEntry } from '../../policy/records.js';
import type { HostEvent } from '../../activities/host/contract.js';
import { failureText } from './failures.js';
import { control } from './host.js';

/** Characters of a list and of a text in an entry: all seven lists of an event stay below `MAX_ENTRY_LENGTH` together. */
const LIST = 32_000;
const TEXT = 4_000;
/** Characters of one batch: 1.5 MiB at most, whatever the script; the server takes 2. */
const BATCH = 500_000;

/** An entry of a host's watch; `key` is unique within this execution. */
export function watchEntry(host: string, key: string, event: AuditEntry['event'], data: AuditEntry['data']): AuditEntry {
  const { workflowId, runId, firstExecutionRunId: chain } = workflowInfo();
  return { key: `${runId}/${key}`, run: watchRun(host), kind: 'watch', event, at: new Date().toISOString(), workflowId, runId, chain, actor: `agent@${host}`, host, link: '', justification: 'host watch', data };
}

/** An event without what has entries of its own: of health, the problems of those whose health changed. */
export const withoutProblems = ({ health, ...event }: HostEvent): AuditEntry['data'] => ({ ...event, ...(health ? { health: health.map(({ link, state, series }) => ({ link, state, series })) } : {}) });

export const healthEntries = (news: AuditEntry, health: readonly HealthState[]): AuditEntry[] =>
  health.map((one, at) => ({ ...news, key: `${news.key}/health/${at}`, event: 'health', link: one.link, data: { ...one } }));

/** Puts entries on record, a batch at a time. What the records refuse is told as refused. `isFit` false: all at once, as they are. */
export async function putOnRecord(entries: AuditEntry[], isFit = true): Promise<void> {
  const batches = isFit ? inBatches(entries.map((entry) => ({ ...entry, data: fitting(entry.data) }))) : [entries];
  for (const batch of batches) await append(batch);
}

async function append(entries: AuditEntry[]): Promise<void> {
  try {
    await control.appendRecords({ entries });
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    if (entries.length > 1) for (const entry of entries) await append([entry]);
    else await control.appendRecords({ entries: entries.map((entry) => refused(entry, failureText(error))) });
  }
}

/** Keeps the host's key, which the newest check-in tells. */
const refused = ({ data, ...entry }: AuditEntry, problem: string): AuditEntry => ({
  ...entry, key: `${entry.key}/refused`, run: watchRun(entry.host), kind: 'watch', event: 'check-in', link: '',
  data: { ...(typeof data['key'] === 'string' ? { key: data['key'] } : {}), refused: entry.event, problem: problem.slice(0, TEXT) },
});

/** Texts and lists up to their limit, and how much of which list was left out. */
function fitting(data: AuditEntry['data']): AuditEntry['data'] {
  const leftOut: Record<string, number> = {};
  const kept = Object.entries(data).map(([name, value]) => {
    if (typeof value === 'string') return [name, value.slice(0, TEXT)] as const;
    if (!Array.isArray(value)) return [name, value] as const;
    const list = upTo(LIST, value as unknown[]);
    if (list.length < value.length) leftOut[name] = value.length - list.length;
    return [name, list] as const;
  });
  return { ...Object.fromEntries(kept), ...(Object.keys(leftOut).length > 0 ? { leftOut } : {}) };
}

/** The first of a list, as JSON no longer than `limit` together. */
export function upTo<T>(limit: number, list: readonly T[]): T[] {
  let sum = 0;
  return list.filter((one) => (sum += JSON.stringify(one).length + 1) <= limit);
}

/** A list in parts that each fit into one call; at least one part. */
export function inBatches<T>(list: readonly T[]): T[][] {
  const batches: T[][] = [[]];
  let sum = 0;
  for (const one of list) {
    const length = JSON.stringify(one).length;
    if (sum > 0 && sum + length > BATCH) {
      batches.push([]);
      sum = 0;
    }
    batches.at(-1)!.push(one);
    sum += length;
  }
  return batches;
}
