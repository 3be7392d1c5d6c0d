import type { Command } from 'commander';
import type { EnvironmentFacts } from '../../../policy/checks/facts.js';
import type { CheckStatus } from '../../../policy/checks/model.js';
import { lockDifferences } from '../../../policy/checks/lock-match.js';
import { STATUS_SIGNS } from '../../../policy/checks/preflight-log.js';
import { oneLine } from '../../../policy/text.js';
import { checkOptions, measure, readCheckTarget, type CheckOptions, type Measurement } from '../checking.js';
import { findInstance } from '../instance.js';
import { EXIT, type Io } from '../io.js';
import { importLines, projectImport } from './ci-wheels.js';

/** One of the three lines. */
interface Line {
  name: 'interpreter wheels' | 'project package compatibility' | 'critical dependencies';
  status: CheckStatus;
  text: string;
}

/** How many names a line has room for. */
const NAMED = 6;

/** `runbook wheels health [PATH]`: three lines about what stands (PV-24). */
export function wheelsHealthCommand(wheels: Command, io: Io): void {
  checkOptions(wheels.command('health [path]'))
    .description('three lines about an environment here: interpreter wheels, project package, critical dependencies')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExit code: 0 all is well, 1 something is not, 69 something could not be told\n\nExample:\n  runbook wheels health /srv/pricer')
    .action(async (given: string | undefined, _own: object, command: Command) => {
      // `--json` is an option of `wheels` too, which takes it.
      const options = command.optsWithGlobals<CheckOptions & { json?: boolean }>();
      const instance = findInstance();
      const target = readCheckTarget(given ?? '.', instance, 'wheels health');
      const module = target.settings?.importModule ?? null;
      const measured = await measure(instance, target, options, { probe: false, integrity: false, manual: true, module });
      const lines = [interpreterWheels(measured.facts), projectPackage(measured, module), criticalDependencies(measured)];
      if (options.json) io.out(JSON.stringify(lines, null, 2));
      else for (const { name, status, text } of lines) io.out(`${STATUS_SIGNS[status]} ${name}: ${text}`);
      process.exitCode = lines.some(({ status }) => status === 'fail') ? EXIT.no : lines.some(({ status }) => status === 'unknown') ? EXIT.couldNotTell : EXIT.yes;
    });
}

/** Whether each package of the lock has a wheel for the interpreter that stands. */
function interpreterWheels({ interpreter, wheels }: EnvironmentFacts): Line {
  const name = 'interpreter wheels';
  if (!interpreter.ok) return { name, status: 'fail', text: oneLine(interpreter.problem) };
  const python = `Python ${interpreter.value.version}`;
  if (wheels === null || !wheels.ok) return { name, status: 'unknown', text: `${python}: ${wheels === null ? 'nobody asked an index' : oneLine(wheels.problem)}` };
  const { missing, total } = wheels.value;
  if (missing.length === 0) return { name, status: 'pass', text: `${python}: all ${total} available` };
  return { name, status: 'fail', text: `${python}: ${missing.length} of ${total} lack one: ${some(missing)}` };
}

/** The project's own module, and what is installed for it against its lock. */
function projectPackage({ facts, rules }: Measurement, module: string | null): Line {
  const name = 'project package compatibility';
  if (!facts.interpreter.ok) return { name, status: 'fail', text: `no interpreter to import ${module === null ? 'anything' : 'it'} with` };
  const different = lockDifferences(facts, rules);
  if (module !== null) {
    const tried = projectImport({ facts }, module);
    if (!tried.ok) return { name, status: 'fail', text: importLines(tried).map((line) => line.replace(/^✗ /, '').trim()).join('; ') };
  }
  const compatible = module === null ? `${facts.name} names no importModule` : `${module} imports`;
  if (!different.ok) return { name, status: 'unknown', text: `${compatible}; installed against the lock: ${oneLine(different.problem)}` };
  const { length } = different.value;
  return { name, status: length > 0 ? 'fail' : module === null ? 'warn' : 'pass', text: `${compatible}; ${length === 0 ? 'installed as the lock says' : `differs from the lock: ${some(different.value)}`}` };
}

/** The packages without which nothing may run (PF-01). */
function criticalDependencies({ facts, rules }: Measurement): Line {
  const name = 'critical dependencies';
  const { imports } = facts;
  if (!facts.interpreter.ok) return { name, status: 'fail', text: 'no interpreter to import them with' };
  if (!imports.ok) return { name, status: 'unknown', text: oneLine(imports.problem) };
  const failed = rules.required.filter((module) => !imports.value.some((one) => one.module === module && one.ok));
  if (failed.length === 0) return { name, status: 'pass', text: `available: ${rules.required.join(', ') || 'none are required'}` };
  return { name, status: 'fail', text: `not available: ${some(failed)}` };
}

const some = (texts: string[]): string => `${texts.slice(0, NAMED).map((text) => oneLine(text, 80)).join(', ')}${texts.length > NAMED ? ` and ${texts.length - NAMED} more` : ''}`;
