/** How reports of checks are written: lines for people, files that are kept. */
import { existsSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { counted, oneLine } from '../../policy/text.js';
import { STATUS_SIGNS } from '../../policy/checks/preflight-log.js';
import type { CheckResult } from '../../policy/checks/model.js';
import type { PreflightReport, VerificationResult } from '../../policy/checks/results.js';
import { refusal, type Io } from './io.js';
import { tilde } from './words.js';

/** The document's name for the verifier's result (VJ-02). */
export const RESULT_FILE = 'runtime_verification_results.json';
/** How many logs may begin in one second. */
const MOST_LOGS = 99;

/** Lines of a check that is not well which say what is well in it: the log and `--json` have them too. */
const WELL = /(: available| is (there|current), .*|: secure \(mode \d+\)|: not present)$/;

/** One line a check with the fact that matters, what else is wrong below it, and the remedy where there is one. */
export function checkLines(checks: readonly CheckResult[]): string[] {
  const width = Math.max(0, ...checks.map(({ title }) => title.length));
  return checks.flatMap((check) => {
    const { title, status, remedy } = check;
    const [fact, ...more] = factsOf(check);
    const ways = status === 'pass' || remedy === null ? [] : remedy.split('\n').map((line, at) => `    ${at === 0 ? 'try: ' : '     '}${line}`);
    return [`${STATUS_SIGNS[status]} ${title.padEnd(width)}  ${fact}`, ...more.map((line) => `    ${line}`), ...ways];
  });
}

/** What decides comes first in a check's lines; of what is well that is enough. */
const factsOf = ({ status, lines }: CheckResult): string[] => lines.map((line) => oneLine(line)).filter((line, at) => at === 0 || (status !== 'pass' && !WELL.test(line)));

/** `NOT_READY  5 of 7 passed, 1 warned, 1 failed`. */
export function preflightSummary({ status, passed, total, warned, failed, unknown }: PreflightReport): string {
  const others = ([[warned, 'warned'], [failed, 'failed'], [unknown, 'unknown']] as const).filter(([count]) => count > 0).map(([count, word]) => `, ${count} ${word}`);
  return `${status}  ${passed} of ${total} passed${others.join('')}`;
}

/** VJ-05: each violation, then status and counts. */
export function verificationLines({ overall_status, violations, warnings }: VerificationResult): string[] {
  const critical = violations.filter(({ severity }) => severity === 'critical').length;
  return [
    ...violations.map(({ severity, check, message }) => `${severity === 'critical' ? '✗' : '!'} ${severity.padEnd(8)}  ${check}: ${oneLine(message)}`),
    ...warnings.map(({ check, message }) => `- notice    ${check}: ${oneLine(message)}`),
    `Status: ${overall_status}`,
    `Violations: ${violations.length}${violations.length > 0 ? ` (${critical} critical)` : ''}`,
    `Warnings: ${warnings.length}`,
  ];
}

/** `20260301_130507`, local time of this machine, as the document's script names its log. */
export const fileStamp = (at: Date): string => localStamp(at).replaceAll(/[-:]/g, '').replace(' ', '_');
/** `2026-03-01 13:05:07`, local time: what each line of a log begins with (PF-02). */
export const localStamp = (at: Date): string =>
  `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
const two = (part: number): string => String(part).padStart(2, '0');

/** Refuses a file whose folder is not there, before anything is measured. */
export function requirePlace(flag: string, file: string): string {
  const folder = path.dirname(path.resolve(file));
  if (existsSync(folder) && statSync(folder).isDirectory() && !(existsSync(file) && statSync(file).isDirectory())) return path.resolve(file);
  throw refusal([{ what: `${flag} ${file}`, expected: 'a file in a folder that is there', got: existsSync(folder) ? 'a folder' : `no folder ${folder}`, wayOut: `mkdir -p ${tilde(folder)}, or name another file` }]);
}

/** Refuses what is no folder. */
export function requireFolder(flag: string, folder: string): string {
  if (existsSync(folder) && statSync(folder).isDirectory()) return path.resolve(folder);
  throw refusal([{ what: `${flag} ${folder}`, expected: 'a folder', got: existsSync(folder) ? 'a file' : 'nothing there', wayOut: `mkdir -p ${folder}` }]);
}

/** A new file `NAME.EXT`, `NAME-2.EXT` and so on: never over one that is there. Null where none can be written; why is told. */
export function writeNewFile(io: Io, folder: string, name: string, extension: string, text: (file: string) => string): string | null {
  for (let at = 1; at <= MOST_LOGS; at += 1) {
    const file = path.join(folder, `${name}${at === 1 ? '' : `-${at}`}.${extension}`);
    try {
      writeFileSync(file, text(file), { flag: 'wx' });
      return file;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') continue;
      io.talk(`not written: ${message}`);
      return null;
    }
  }
  io.talk(`not written: ${counted(MOST_LOGS, 'file')} named ${name} are in ${tilde(folder)}`);
  return null;
}

/** Replaces a file in one step: a reader sees the old text or the new one. False where it can't be written; why is told. */
export function replaceFile(io: Io, file: string, text: string): boolean {
  const beside = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}`);
  try {
    writeFileSync(beside, text, { flag: 'wx' });
    renameSync(beside, file);
    return true;
  } catch (error) {
    rmSync(beside, { force: true });
    io.talk(`not written: ${(error as Error).message}`);
    return false;
  }
}
