import type { Command } from 'commander';
import { junit } from '../../../policy/checks/junit.js';
import { preflightLog } from '../../../policy/checks/preflight-log.js';
import { manualPreflight, preflight } from '../../../policy/checks/preflight.js';
import type { PreflightReport } from '../../../policy/checks/results.js';
import { checkLines, fileStamp, localStamp, preflightSummary, replaceFile, requireFolder, requirePlace, writeNewFile } from '../check-output.js';
import { checkOptions, measure, readCheckTarget, type CheckOptions, type Measurement } from '../checking.js';
import { keyOptions } from '../identity.js';
import { findInstance } from '../instance.js';
import { refusal, type Io } from '../io.js';
import { requireReason, type StatementOptions } from '../statements.js';
import { tilde } from '../words.js';
import { signOffPreflight } from './preflight-manual.js';

export interface PreflightOptions extends CheckOptions, StatementOptions {
  junit?: string;
  /** False: `--no-log`. */
  log: boolean;
  logDir?: string;
  verbose?: boolean;
  manual?: boolean;
  signOff?: string;
  reason?: string;
}

/** `runbook preflight [PATH]`: may this environment run? Alone: no server, no agent. */
export function preflightCommand(program: Command, io: Io): void {
  keyOptions(checkOptions(program.command('preflight [path]')))
    .option('--json', 'the report as JSON (docs/schemas/preflight.schema.json)')
    .option('--junit <file>', 'also as JUnit XML')
    .option('--no-log', 'write no preflight_check_*.log')
    .option('--log-dir <folder>', 'where the log is written; default: here')
    .option('--verbose', 'print the lines of the log instead of one line a check')
    .option('--manual', 'also the manual checks, for a person who signs them off')
    .option('--sign-off <file>', 'with --manual: the form, filled in, where there is nobody to ask')
    .option('--reason <text>', 'with --manual: why; it stands in the record')
    .option('--yes', 'with --manual --sign-off: sign without being asked')
    .addHelpText('after', '\nAll checks always run. Exit code: 0 READY, READY_FALLBACK or READY_EXCEPTION; 1 NOT_READY; 64 bad input; 69 could not tell\n\nExamples:\n  runbook preflight\n  runbook preflight /srv/pricer --json --no-log\n  runbook preflight . --manual')
    .action(async (given: string | undefined, options: PreflightOptions) => {
      refuseWords(options);
      const instance = findInstance();
      const target = readCheckTarget(given ?? '.', instance, 'preflight');
      const folder = requireFolder('--log-dir', options.logDir ?? '.');
      const junitFile = options.junit === undefined ? null : requirePlace('--junit', options.junit);
      const measured = await measure(instance, target, options, { probe: true, integrity: false, manual: options.manual ?? false });
      const judged = (options.manual ? manualPreflight : preflight)(measured.facts, measured.rules);
      const report = writePreflightLog(io, judged, measured, options.log ? folder : null);
      if (junitFile !== null) replaceFile(io, junitFile, junit(report, null));
      if (options.manual) process.exitCode = await signOffPreflight(io, instance, { env: { ...target.env, link: report.link }, report, folder, lines: preflightLines(report) }, options);
      else process.exitCode = tellPreflight(io, report, measured, options);
    });
}

function refuseWords({ manual, signOff, verbose, json, reason }: PreflightOptions): void {
  if (manual && reason !== undefined) requireReason(reason);
  const got = signOff !== undefined && !manual ? '--sign-off without --manual' : verbose && json ? '--verbose and --json' : null;
  if (got !== null) throw refusal([{ what: 'preflight', expected: verbose ? 'one of --verbose and --json' : '--sign-off with --manual', got, wayOut: 'runbook preflight --help' }]);
}

/** PF-19: beside the others in the folder, never over one of them. A log that can't be written changes no verdict. */
export function writePreflightLog(io: Io, report: PreflightReport, { rules }: Measurement, folder: string | null): PreflightReport {
  if (folder === null) return report;
  const at = new Date(report.at);
  const withName = (logFile: string): PreflightReport => ({ ...report, logFile });
  const text = (file: string): string => preflightLog(withName(file), rules, localTime).map((line) => `${line}\n`).join('');
  const file = writeNewFile(io, folder, `preflight_check_${fileStamp(at)}`, 'log', text);
  return file === null ? report : withName(file);
}

/** Prints the report; returns the exit code. */
export function tellPreflight(io: Io, report: PreflightReport, { rules }: Measurement, { json, verbose }: { json?: boolean; verbose?: boolean }): number {
  if (json) io.out(JSON.stringify(report, null, 2));
  else if (verbose) for (const line of preflightLog(report, rules, localTime)) io.out(line);
  else for (const line of preflightLines(report)) io.out(line);
  return report.exitCode;
}

/** Seven lines, the status, and the log's name. */
export const preflightLines = (report: PreflightReport): string[] => [
  ...checkLines(report.checks),
  preflightSummary(report),
  ...(report.logFile === null ? [] : [`log ${tilde(report.logFile)}`]),
];

const localTime = (iso: string): string => localStamp(new Date(iso));
