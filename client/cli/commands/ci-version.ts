import type { Command } from 'commander';
import type { CheckRules } from '../../../policy/checks/model.js';
import type { PythonStatus } from '../../../policy/checks/results.js';
import { mayRun, pythonStatus } from '../../../policy/checks/python-status.js';
import { changeCommands } from '../../../policy/checks/remedies.js';
import { checkOptions, measure, readCheckTarget, type CheckOptions, type Measurement } from '../checking.js';
import { findInstance } from '../instance.js';
import { EXIT, type Io } from '../io.js';

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

/** `runbook ci version [PATH]`: fails a build on any interpreter the policy does not approve (PV-22, PV-23, CI-01). */
export function ciVersionCommand(ci: Command, io: Io): void {
  checkOptions(ci.command('version [path]'))
    .description('exit 1 unless the interpreter is one the policy approves')
    .option('--json', 'version_compatible, current_version, required_version and more, as JSON')
    .addHelpText('after', '\nThe interpreter is that of PATH\'s environment, else of VIRTUAL_ENV, else the first python3 on PATH.\n\nExamples:\n  runbook ci version\n  runbook ci version /srv/pricer --json')
    .action(async (given: string | undefined, options: CheckOptions & { json?: boolean }) => {
      const instance = findInstance();
      const measured = await measure(instance, readCheckTarget(given ?? '.', instance, 'ci version'), options, { probe: false, integrity: false, manual: false });
      const check = versionCheck(measured);
      const { version_compatible: compatible, current_version: current, required_version: required, message } = check;
      if (options.json) io.out(JSON.stringify(check, null, 2));
      else for (const line of [`${compatible ? '✓' : '✗'} ${message}`, `current_version: ${current ?? 'none'}`, `required_version: ${required}`]) io.out(line);
      if (!compatible) for (const line of waysOut(measured)) io.talk(line);
      process.exitCode = compatible ? EXIT.yes : EXIT.no;
    });
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

/** From any folder: how the primary comes there, and what else would do. */
const waysOut = ({ facts, rules }: Measurement): string[] => [...changeCommands(facts, rules).split('\n'), '# approved: runbook policy versions'].map((line, at) => `  ${at === 0 ? 'try: ' : '     '}${line}`);

/** `3.12.x or 3.11.13`. */
const requiredText = ({ primary, fallback }: Pick<CheckRules, 'primary' | 'fallback'>): string => (primary === fallback ? primary : `${primary} or ${fallback}`);
