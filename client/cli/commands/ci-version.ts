import type { Command } from 'commander';
import { driftFrom, driftText, projectExpectations, type Expectation } from '../../../policy/checks/expected-version.js';
import type { CheckRules } from '../../../policy/checks/model.js';
import type { PythonStatus } from '../../../policy/checks/results.js';
import { mayRun, pythonStatus } from '../../../policy/checks/python-status.js';
import { changeCommands } from '../../../policy/checks/remedies.js';
import { matchesSpec, parsePythonVersion } from '../../../policy/versions.js';
import { checkOptions, measure, readCheckTarget, type CheckOptions, type Measurement } from '../checking.js';
import { findInstance } from '../instance.js';
import { EXIT, type Io } from '../io.js';
import { readVersion } from '../request.js';

/** The document's three fields (PV-23), and what they rest on. */
export interface VersionCheck {
  version_compatible: boolean;
  current_version: string | null;
  required_version: string;
  status: PythonStatus;
  /** How the interpreter was found, and where. */
  found_by: string;
  executable: string | null;
  message: string;
}

interface VersionOptions extends CheckOptions {
  /** What this job is for; in place of what the project's files say, which is for where it is deployed. */
  expect?: string;
  json?: boolean;
}

/** `runbook ci version [PATH]`: fails a build on any interpreter the policy does not approve, and on drift (PV-23, CI-01, CI-03). */
export function ciVersionCommand(ci: Command, io: Io): void {
  checkOptions(ci.command('version [path]'))
    .description('exit 1 unless the interpreter is one the policy approves, and the one that is expected')
    .option('--expect <version>', 'version or line this job is for (3.12, 3.11.13); default: what variable and configuration files of the project say')
    .option('--json', 'version_compatible, current_version, required_version, drift and more, as JSON')
    .addHelpText('after', '\nThe interpreter is that of PATH\'s environment, else of VIRTUAL_ENV, else the first python3 on PATH.\n\nExamples:\n  runbook ci version\n  runbook ci version --expect 3.12\n  runbook ci version /srv/pricer --json')
    .action(async (given: string | undefined, options: VersionOptions) => {
      const own = options.expect === undefined ? null : { where: '--expect', version: readVersion(options.expect, '--expect') };
      const instance = findInstance();
      const measured = await measure(instance, readCheckTarget(given ?? '.', instance, 'ci version'), options, { probe: false, integrity: false, manual: false });
      const check = versionCheck(measured);
      const drift = driftFrom(own === null ? projectExpectations(measured.facts, measured.rules) : [own], measured.facts);
      if (options.json) io.out(JSON.stringify({ ...check, drift }, null, 2));
      else for (const line of versionLines(check, drift)) io.out(line);
      const isRight = check.version_compatible && drift.length === 0;
      if (!isRight) for (const line of waysOut(measured, check, drift)) io.talk(line);
      process.exitCode = isRight ? EXIT.yes : EXIT.no;
    });
}

function versionLines({ version_compatible: compatible, current_version: current, required_version: required, message }: VersionCheck, drift: Expectation[]): string[] {
  return [`${compatible ? '✓' : '✗'} ${message}`, ...drift.map((one) => `✗ ${driftText(one, current!)}`), `current_version: ${current ?? 'none'}`, `required_version: ${required}`];
}

/** The interpreter against the policy, in the document's words. */
export function versionCheck({ facts, rules }: Measurement): VersionCheck {
  const { status, text } = pythonStatus(facts, rules);
  const { interpreter, foundBy } = facts;
  return {
    version_compatible: mayRun(status),
    current_version: interpreter.ok ? interpreter.value.version : null,
    required_version: requiredText(rules),
    status,
    found_by: foundBy,
    executable: interpreter.ok ? interpreter.value.executable : null,
    message: text,
  };
}

/** From any folder: how the right interpreter comes there, and what else would do. */
function waysOut({ facts, rules }: Measurement, { version_compatible: compatible, current_version: current }: VersionCheck, drift: Expectation[]): string[] {
  const commands = compatible
    ? [...drift.slice(0, 1).filter(isSpec).map(({ version }) => changeCommands(facts, { primary: version })), `# or, where ${current} is what is wanted: correct ${drift.map(({ where }) => where).join(', ')}`]
    : [changeCommands(facts, rules), '# approved: runbook policy versions'];
  return commands.join('\n').split('\n').map((line, at) => `  ${at === 0 ? 'try: ' : '     '}${line}`);
}

/** Something to change to: a version or a line. What a file says besides is only to be corrected there. */
const isSpec = ({ version }: Expectation): boolean => parsePythonVersion(version) !== null || matchesSpec(`${version.replace(/\.x$/, '')}.0`, version);

/** `3.12.x or 3.11.13`. */
const requiredText = ({ primary, fallback }: Pick<CheckRules, 'primary' | 'fallback'>): string => (primary === fallback ? primary : `${primary} or ${fallback}`);
