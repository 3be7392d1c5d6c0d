import type { Command } from 'commander';
import { junit } from '../../../policy/checks/junit.js';
import type { VerificationResult } from '../../../policy/checks/results.js';
import { verificationExitCode, verify } from '../../../policy/checks/verification.js';
import { replaceFile, requirePlace, RESULT_FILE, verificationLines } from '../check-output.js';
import { checkOptions, measure, readCheckTarget, type CheckOptions } from '../checking.js';
import { findInstance } from '../instance.js';
import { EXIT, type Io } from '../io.js';
import { tilde } from '../words.js';

interface VerifyOptions extends CheckOptions {
  json?: boolean;
  junit?: string;
  out?: string;
  quick?: boolean;
}

/** `runbook verify [PATH]`: the document's verifier. Alone: no server, no agent. */
export function verifyCommand(program: Command, io: Io): void {
  checkOptions(program.command('verify [path]'))
    .option('--json', 'the result as JSON (docs/schemas/verification.schema.json)')
    .option('--junit <file>', 'also as JUnit XML')
    .option('--out <file>', `where the result is saved; - is nowhere; default: ${RESULT_FILE} here`)
    .option('--quick', 'without comparing files by their hashes')
    .addHelpText('after', '\nExit code: 0 PASSED, 2 WARNING, 1 FAILED; 64 bad input, 69 could not tell\n\nExamples:\n  runbook verify\n  runbook verify /srv/pricer --json --out -')
    .action(async (given: string | undefined, options: VerifyOptions) => {
      const instance = findInstance();
      const target = readCheckTarget(given ?? '.', instance, 'verify');
      const file = options.out === '-' ? null : requirePlace('--out', options.out ?? RESULT_FILE);
      const junitFile = options.junit === undefined ? null : requirePlace('--junit', options.junit);
      const { facts, rules } = await measure(instance, target, options, { probe: false, importTime: true, integrity: !options.quick, manual: false });
      const result = verify(facts, rules);
      const saved = file !== null && replaceFile(io, file, verificationText(result)) ? file : null;
      if (junitFile !== null) replaceFile(io, junitFile, junit(null, result));
      if (options.json) io.out(verificationText(result).trimEnd());
      else for (const line of [...verificationLines(result), ...(saved === null ? [] : [`results ${tilde(saved)}`])]) io.out(line);
      process.exitCode = verifyExit(result);
    });
}

/** As it is saved, and as it is handed in with an acceptance. */
export const verificationText = (result: VerificationResult): string => `${JSON.stringify(result, null, 2)}\n`;

/** What could not be judged at all is neither yes nor no. */
export const verifyExit = (result: VerificationResult): number => (result.overall_status === 'unknown' ? EXIT.couldNotTell : verificationExitCode(result));
