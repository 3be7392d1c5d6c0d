/** The texts the documents ask for after a fallback: logs, list of incidents, report; all from one record (DIS-16). */
import { deploymentLog, incidentLine, performanceLog, wheelFallbackLog, wheelInstallLog } from './documents/logs.js';
import { incidentBlock } from './documents/incident.js';
import { vendorSupport } from './documents/vendor.js';
import { hasSucceeded, startedAt } from './fallback-record.js';
import type { FallbackRecord } from './fallback-record.js';
import type { LockVerdict } from './model.js';
import { fallbackReport } from './report.js';
import { proposalName } from './report/ladder.js';

/** Same shape as the host's `DocumentWrite`: path relative to the project; `append` happens once per run. */
export interface FallbackDocument {
  path: string;
  mode: 'append' | 'replace';
  text: string;
}

/**
 * The texts of one fallback, failed or not (WF-53); none when there was nothing to do. Each appended text names its
 * run, so that a second attempt finds that it was appended.
 */
export function fallbackDocuments(record: FallbackRecord): FallbackDocument[] {
  if (record.result.outcome === 'not-needed') return [];
  return [
    ...appended('wheel_install.log', wheelInstallLog(record)),
    ...appended('wheel_fallback.log', wheelFallbackLog(record)),
    ...appended('deployment.log', deploymentLog(record)),
    ...appended('incident.log', incidentLine(record)),
    ...appended('performance.log', performanceLog(record)),
    ...appended('fallback_incidents.md', incidentBlock(record)),
    ...appended('vendor_support.md', vendorSupport(record)),
    { path: 'fallback_report.md', mode: 'replace', text: fallbackReport(record) },
    ...proposedLocks(record),
    ...(record.frozen ? [replaced(`requirements.frozen.${stamp(startedAt(record))}`, `${record.frozen.join('\n')}\n`)] : []),
    ...(hasSucceeded(record) && record.verdicts[1] ? [replaced('requirements.lock', newLock(record.verdicts[1]))] : []),
  ];
}

const appended = (path: string, text: string | null): FallbackDocument[] => (text === null ? [] : [{ path, mode: 'append', text }]);

const replaced = (path: string, text: string): FallbackDocument => ({ path, mode: 'replace', text });

/** Byte for byte what was tried, so that its digest is the one on record. */
const proposedLocks = ({ proposals = [] }: FallbackRecord): FallbackDocument[] => proposals.flatMap(({ lock }, at) => (lock === undefined || lock === '' ? [] : [replaced(proposalName(proposals, at), lock)]));

/** `20261121_140312`, UTC, as the documents name their backups. */
const stamp = (iso: string): string => iso.replace(/[-:]/g, '').replace('T', '_').slice(0, 15);

/** WF-43: the installed set with the hash of each file; verification found exactly these installed. */
function newLock({ version, pins }: LockVerdict): string {
  const rows = pins.flatMap(({ project, version: release, file }) => (file ? [`${project}==${release} --hash=sha256:${file.sha256}`] : []));
  return `${[`# pending: installed and verified for Python ${version}, and no other; approved by nobody yet. No run reads this file: give it to whoever approves locks.`, ...rows].join('\n')}\n`;
}
