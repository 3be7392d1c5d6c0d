/** The named text logs. Each gets one text per run, and each line of it is ours: foreign words can't begin one. */
import { boundRecord } from '../fallback-bounds.js';
import { affectedPackages, fallbackVersion, hasSucceeded, performanceText, primaryVersion, pythonNow, startedAt } from '../fallback-record.js';
import type { FallbackRecord } from '../fallback-record.js';
import { formatEnvironment } from '../ids.js';
import { recommendationLine } from '../report/fallback.js';
import { oneLine } from '../text.js';
import { lines, own, reasonText } from './words.js';

/** Lines of the attempt's output that `wheel_install.log` repeats. */
const EXCERPT = 20;

/** WF-23: start, date, primary Python version and failure reason; then the completion block of WF-49, exactly its 8 fields. */
export function wheelFallbackLog(record: FallbackRecord): string {
  const { result } = record;
  return lines(
    `${startedAt(record)}: Initiating wheel fallback procedure ${result.run} on ${formatEnvironment(result.env)}`,
    `Primary Python: ${oneLine(primaryVersion(record))}`,
    `Failure reason: ${reasonText(record)}`,
    `=== Wheel Fallback ${hasSucceeded(record) ? 'Completed' : 'Failed'} ===`,
    `Date: ${record.at}`,
    `Original Python: ${result.from ?? 'none'}`,
    `Fallback Python: ${fallbackVersion(record)}${hasSucceeded(record) ? '' : ` (not in use; Python now: ${pythonNow(record)})`}`,
    `Reason: ${own(record, record.reason)} (asked by ${own(record, record.requester)})`,
    `Packages affected: ${affectedPackages(record).join(' ') || 'none named'}`,
    `Resolution: ${result.outcome}: ${own(record, result.message, 2_000)}`,
    `Performance impact: ${own(record, performanceText(record))}`,
    `Recommendations: ${own(record, recommendationLine(record), 2_000)}`,
  );
}

/** WF-31: the line other tools look for, alone on its line; and no success where there was none. */
export function deploymentLog(record: FallbackRecord): string {
  const { result } = record;
  return lines(
    `wheel_status: ${hasSucceeded(record) ? `fallback_to_${fallbackVersion(record)}` : `fallback_failed_${result.outcome}`}`,
    `wheel_python: ${pythonNow(record)}`,
    `wheel_run: ${result.run}`,
    `wheel_date: ${record.at}`,
  );
}

/** WF-32. */
export function incidentLine(record: FallbackRecord): string {
  const { result } = record;
  const what = hasSucceeded(record)
    ? `Interpreter fallback to ${fallbackVersion(record)} from ${result.from ?? 'none'}`
    : `Interpreter fallback to ${fallbackVersion(record)} failed, ${result.outcome}; Python now: ${pythonNow(record)}`;
  return lines(`${record.at}: ${what} (${result.run}, ${formatEnvironment(result.env)}, ${reasonText(record)})`);
}

/** WF-48: one line per measurement; null where none was tried. */
export function performanceLog(record: FallbackRecord): string | null {
  const { performance, result, at } = record;
  if (!performance) return null;
  const ms = (value: number | null): string => (value === null ? 'unknown' : value.toFixed(3));
  const { beforeMs, afterMs, baselineMs, ratio, band } = performance;
  const numbers = performance.ran
    ? `before_ms=${ms(beforeMs)} after_ms=${ms(afterMs)} baseline_ms=${ms(baselineMs)} ratio=${ratio === null ? 'unknown' : ratio.toFixed(3)} band=${band}`
    : `not measured: ${own(record, performance.summary)}`;
  return lines(`${at}: ${own(record, performance.probe)}: ${numbers} (${result.run}, ${formatEnvironment(result.env)}, ${result.from ?? 'none'} to ${fallbackVersion(record)})`);
}

/** WF-08, WF-09: what stood out of the attempt's output, and where all of it is; null where no attempt was made. */
export function wheelInstallLog(record: FallbackRecord): string | null {
  const { diagnosis, result } = boundRecord(record);
  if (!diagnosis) return null;
  const { attempt, interpreter } = diagnosis;
  return lines(
    `${record.at}: attempt with wheels alone on Python ${interpreter}, ${result.run} on ${formatEnvironment(result.env)}`,
    `installable: ${attempt.installable} of ${attempt.expected}`,
    `output: ${oneLine(`${result.env.host}:${attempt.logPath}`, 4_096)}`,
    `output_sha256: ${attempt.logSha256}`,
    ...attempt.lines.slice(0, EXCERPT).map((line) => `| ${own(record, line)}`),
    ...(attempt.lines.length > EXCERPT ? [`| … the rest is in the output`] : []),
  );
}
