/** The log of a preflight, the same on screen and in its file (PF-02, PF-03, PF-17, PF-19). */
import { oneLine } from '../text.js';
import type { CheckResult, CheckRules, CheckStatus } from './model.js';
import type { PreflightReport, PreflightStatus } from './results.js';

/** A status as one sign, the same wherever it is printed. */
export const STATUS_SIGNS: Record<CheckStatus, string> = { pass: '✓', warn: '!', fail: '✗', unknown: '?' };

/** Status in words. */
export const STATUS_WORDS: Record<PreflightStatus, string> = {
  READY: 'the primary interpreter, ready for production',
  READY_FALLBACK: 'the fallback interpreter: it works; watch for wheels of the primary',
  READY_EXCEPTION: 'an interpreter that a granted exception allows until its end',
  NOT_READY: 'a check that decides failed, or could not be judged',
};

/**
 * Lines `YYYY-MM-DD HH:MM:SS - message`, all of the report's own time.
 * @param formatTime gives `YYYY-MM-DD HH:MM:SS` of an ISO instant, in whose time zone the caller pleases.
 */
export function preflightLog(report: PreflightReport, rules: Pick<CheckRules, 'primary' | 'fallback'>, formatTime: (iso: string) => string): string[] {
  const time = formatTime(report.at);
  const lines = [...headLines(report, rules, time), ...report.checks.flatMap(checkLines), '', ...summaryLines(report)];
  return lines.map((line) => `${time} - ${line}`.trimEnd());
}

function headLines({ project, host, link }: PreflightReport, { primary, fallback }: Pick<CheckRules, 'primary' | 'fallback'>, time: string): string[] {
  return ['=== Runtime preflight ===', `Timestamp: ${time}`, `Environment: ${oneLine(link)} of ${oneLine(project)} on ${oneLine(host)}`, `Expected Python: ${primary}`, `Fallback Python: ${fallback}`, ''];
}

function checkLines({ title, status, lines, remedy }: CheckResult, at: number): string[] {
  const ways = status === 'pass' || remedy === null ? [] : remedy.split('\n').map((line, index) => `   ${index === 0 ? 'Remedy:' : '       '} ${oneLine(line, 2000)}`);
  return [`${at + 1}. ${title}: ${status} ${STATUS_SIGNS[status]}`, ...lines.map((line) => `   ${oneLine(line, 2000)}`), ...ways];
}

function summaryLines({ python, status, passed, warned, failed, unknown, total, logFile }: PreflightReport): string[] {
  return [
    '=== Summary ===',
    `Python: ${python.status}${python.version === null ? '' : ` (${oneLine(python.version, 80)})`}`,
    `Checks: ${passed} passed, ${failed} failed, ${warned} warned, ${unknown} unknown, of ${total}`,
    `Status: ${status}: ${STATUS_WORDS[status]}`,
    `Log file: ${logFile === null ? 'none was written' : oneLine(logFile, 4096)}`,
  ];
}
