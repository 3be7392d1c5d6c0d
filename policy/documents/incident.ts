/** `fallback_incidents.md`: one incident a run, in the six fields of WF-50. */
import { affectedPackages, fallbackVersion, hasSucceeded, prevention, pythonNow } from '../fallback-record.js';
import type { FallbackRecord } from '../fallback-record.js';
import { counted } from '../text.js';
import { inMarkdown, lines, own, reasonText } from './words.js';

export function incidentBlock(record: FallbackRecord): string {
  const { result } = record;
  return lines(
    '',
    `## Incident: ${record.at} · ${result.run}`,
    '',
    `- Python versions: ${result.from ?? 'none'} → ${fallbackVersion(record)}`,
    `- Trigger: ${inMarkdown(reasonText(record))}`,
    `- Affected packages: ${affectedPackages(record).map(inMarkdown).join(' ') || 'none named'}`,
    `- Resolution: ${inMarkdown(own(record, result.message))} (${counted(result.steps.length, 'step')})`,
    `- Outcome: ${hasSucceeded(record) ? 'success' : `failure, ${result.outcome}; Python now: ${pythonNow(record)}`}`,
    `- Prevention: ${inMarkdown(prevention(record))}`,
  );
}
