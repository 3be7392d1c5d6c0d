import type { Command } from 'commander';
import { checkOptions, measure, readCheckTarget, type CheckOptions } from '../checking.js';
import { findInstance } from '../instance.js';
import { EXIT, type Io } from '../io.js';
import { placeOf } from '../words.js';
import { versionCheck, type VersionCheck } from './ci-version.js';
import { importLines, projectImport, requireModule, type ProjectImport } from './ci-wheels.js';

/** `fallback-required`: the interpreter is approved, and the project does not run on it. */
type Compliance = 'compliant' | 'unsupported-version' | 'fallback-required';

/** `runbook compliance check [PATH]`: the policy's manual verification (PV-25). */
export function complianceCommand(program: Command, io: Io): void {
  checkOptions(program.command('compliance').description('the policy\'s compliance check: interpreter and project').command('check [path]'))
    .description('is the interpreter approved, and does the project\'s module import?')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExit code: 0 primary or fallback, and the module imports; 1 unsupported version; 1 fallback required\n\nExample:\n  runbook compliance check /srv/pricer')
    .action(async (given: string | undefined, options: CheckOptions & { json?: boolean }) => {
      const instance = findInstance();
      const target = readCheckTarget(given ?? '.', instance, 'compliance check');
      const module = requireModule(target);
      const measured = await measure(instance, target, options, { probe: false, integrity: false, manual: false, module });
      const version = versionCheck(measured);
      // Unsupported is the answer, whatever imports on it.
      const imported = version.version_compatible ? projectImport(measured, module) : null;
      const verdict: Compliance = imported === null ? 'unsupported-version' : imported.ok ? 'compliant' : 'fallback-required';
      if (options.json) io.out(JSON.stringify({ verdict, version, import: imported }, null, 2));
      else for (const line of complianceLines(verdict, version, imported)) io.out(line);
      // What runs on the fallback already has the import's own way out.
      if (verdict === 'fallback-required' && version.status === 'primary') io.talk(`next: runbook plan fallback ${placeOf(target.env, instance.host)}`);
      process.exitCode = verdict === 'compliant' ? EXIT.yes : EXIT.no;
    });
}

function complianceLines(verdict: Compliance, version: VersionCheck, imported: ProjectImport | null): string[] {
  const { current_version: current, required_version: required, version_compatible: compatible, message } = version;
  return [
    `current Python version: ${current ?? 'none'}`,
    `${compatible ? '✓' : '✗'} ${message}`,
    ...(imported === null ? [] : importLines(imported)),
    verdict === 'compliant' ? 'compliant' : verdict === 'fallback-required' ? 'not compliant: fallback required' : `not compliant: unsupported version, expected ${required}`,
  ];
}
