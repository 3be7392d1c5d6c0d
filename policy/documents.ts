/** The texts the documents ask for after a fallback: logs, list of incidents, report; all from one record (DIS-16). */
import { affectedPackages, failureReason, fallbackVersion, hasSucceeded, prevention, primaryVersion, pythonNow, startedAt } from './fallback-record.js';
import type { FallbackRecord } from './fallback-record.js';
import type { LockVerdict } from './model.js';
import { formatEnvironment } from './ids.js';
import { fallbackReport } from './report.js';
import { counted, oneLine } from './text.js';

/** Same shape as the host's `DocumentWrite`: path relative to the project; `append` happens once per run. */
export interface FallbackDocument {
  path: string;
  mode: 'append' | 'replace';
  text: string;
}

/**
 * The five texts of one fallback, failed or not (WF-53); none when there was nothing to do. Each appended text names its
 * run, so that a second attempt finds that it was appended.
 */
export function fallbackDocuments(record: FallbackRecord): FallbackDocument[] {
  if (record.result.outcome === 'not-needed') return [];
  return [
    { path: 'wheel_fallback.log', mode: 'append', text: wheelFallbackLog(record) },
    { path: 'deployment.log', mode: 'append', text: deploymentLog(record) },
    { path: 'incident.log', mode: 'append', text: incidentLine(record) },
    { path: 'fallback_incidents.md', mode: 'append', text: incidentBlock(record) },
    { path: 'fallback_report.md', mode: 'replace', text: fallbackReport(record) },
    ...(record.frozen ? [{ path: `requirements.frozen.${stamp(startedAt(record))}`, mode: 'replace' as const, text: lines(...record.frozen) }] : []),
    ...(hasSucceeded(record) && record.verdicts[1] ? [{ path: 'requirements.lock', mode: 'replace' as const, text: newLock(record.verdicts[1]) }] : []),
  ];
}

/** `20261121_140312`, UTC, as the documents name their backups. */
const stamp = (iso: string): string => iso.replace(/[-:]/g, '').replace('T', '_').slice(0, 15);

/** WF-43: the installed set with the hash of each file; verification found exactly these installed. */
function newLock({ version, pins }: LockVerdict): string {
  const rows = pins.flatMap(({ project, version: release, file }) => (file ? [`${project}==${release} --hash=sha256:${file.sha256}`] : []));
  return lines(`# Installed and verified for Python ${version}; give it to whoever approves locks.`, ...rows);
}

/** WF-23: start, date, primary Python version and failure reason; then how it ended. */
function wheelFallbackLog(record: FallbackRecord): string {
  const { result } = record;
  return lines(
    `${startedAt(record)}: Initiating wheel fallback procedure ${result.run} on ${formatEnvironment(result.env)}`,
    `Primary Python: ${oneLine(primaryVersion(record))}`,
    `Failure reason: ${reasonText(record)}`,
    `=== Wheel Fallback ${hasSucceeded(record) ? 'Completed' : 'Failed'} ===`,
    `Date: ${record.at}`,
    `Outcome: ${result.outcome}`,
    `Original Python: ${result.from ?? 'none'}`,
    `Python now: ${pythonNow(record)}`,
    `Reason: ${own(record, record.reason)} (asked by ${oneLine(record.requester)})`,
    `Packages affected: ${affectedPackages(record).join(' ') || 'none named'}`,
    `Resolution: ${own(record, result.message)}`,
  );
}

/** WF-31: the line other tools look for, alone on its line; and no success where there was none. */
function deploymentLog(record: FallbackRecord): string {
  const { result } = record;
  return lines(
    `wheel_status: ${hasSucceeded(record) ? `fallback_to_${fallbackVersion(record)}` : `fallback_failed_${result.outcome}`}`,
    `wheel_python: ${pythonNow(record)}`,
    `wheel_run: ${result.run}`,
    `wheel_date: ${record.at}`,
  );
}

/** WF-32. */
function incidentLine(record: FallbackRecord): string {
  const { result } = record;
  const what = hasSucceeded(record)
    ? `Interpreter fallback to ${fallbackVersion(record)} from ${result.from ?? 'none'}`
    : `Interpreter fallback to ${fallbackVersion(record)} failed, ${result.outcome}; Python now: ${pythonNow(record)}`;
  return lines(`${record.at}: ${what} (${result.run}, ${formatEnvironment(result.env)}, ${reasonText(record)})`);
}

function incidentBlock(record: FallbackRecord): string {
  const { result } = record;
  return lines(
    '',
    `## Incident: ${record.at} · ${result.run}`,
    '',
    `- Python versions: ${result.from ?? 'none'} → ${fallbackVersion(record)}`,
    `- Trigger: ${reasonText(record)}`,
    `- Affected packages: ${affectedPackages(record).join(' ') || 'none named'}`,
    `- Resolution: ${own(record, result.message)} (${counted(result.steps.length, 'step')})`,
    `- Outcome: ${hasSucceeded(record) ? 'success' : `failure, ${result.outcome}`}`,
    `- Prevention: ${prevention(record)}`,
  );
}

const reasonText = (record: FallbackRecord): string => own(record, failureReason(record));

/** Foreign words on one line; the run's own id is not said a second time, because it marks what was appended. */
const own = ({ result }: FallbackRecord, words: string): string => oneLine(words.replaceAll(result.run, 'this run'));

const lines = (...all: string[]): string => `${all.join('\n')}\n`;
