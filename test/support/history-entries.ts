/** What recorded runs put on record and wrote: facts of histories, for tests of what is made from them. */
import type { FallbackRecord } from '../../policy/fallback-record.js';
import type { AuditEntry } from '../../policy/records.js';
import { historyFiles, readHistory, textsOf } from './history-files.js';

/** A recorded history by the workflow and the case in its file's name. */
export interface Recorded {
  file: string;
  /** `wheel-fallback`. */
  workflow: string;
  entries: AuditEntry[];
  /** What it gave to `renderDocuments`, where it did. */
  documented: FallbackRecord | null;
}

/** Every recorded history, with the entries it appended in their order, each once. */
export function recordedRuns(): Recorded[] {
  return historyFiles().map((file) => {
    const inputs = textsOf(readHistory(file)).flatMap(asObject);
    const entries = new Map(inputs.flatMap((input) => (Array.isArray(input['entries']) ? (input['entries'] as AuditEntry[]) : [])).map((entry) => [entry.key, entry]));
    const documented = inputs.find((input) => 'verdicts' in input && 'requester' in input && 'result' in input);
    return { file, workflow: file.split('--')[0]!, entries: [...entries.values()], documented: (documented as unknown as FallbackRecord | undefined) ?? null };
  });
}

function asObject(text: string): Record<string, unknown>[] {
  if (!text.startsWith('{')) return [];
  try {
    return [JSON.parse(text) as Record<string, unknown>];
  } catch {
    return [];
  }
}
