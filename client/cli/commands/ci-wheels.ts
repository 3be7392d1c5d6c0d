import type { Command } from 'commander';
import { classifyOutput, remedyOf } from '../../../policy/failures.js';
import type { FailureClass } from '../../../policy/model.js';
import { oneLine } from '../../../policy/text.js';
import { checkOptions, measure, readCheckTarget, type CheckOptions, type CheckTarget, type Measurement } from '../checking.js';
import { findInstance } from '../instance.js';
import { couldNotTell, EXIT, refusal, type Io } from '../io.js';

/** Whether the project itself can be imported, and what its failing means. */
export interface ProjectImport {
  module: string;
  ok: boolean;
  error: string;
  /** Null: it imports. */
  class: FailureClass | null;
  remedy: string | null;
}

/** `runbook ci wheels [PATH]`: fails a build whose project can't be imported (CI-02). */
export function ciWheelsCommand(ci: Command, io: Io): void {
  checkOptions(ci.command('wheels [path]'))
    .description('exit 1 unless the project\'s module can be imported')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nThe module is importModule of runbook.yaml; its import is a process of its own, in the project\'s folder.\n\nExamples:\n  runbook ci wheels\n  runbook ci wheels /srv/pricer --json')
    .action(async (given: string | undefined, options: CheckOptions & { json?: boolean }) => {
      const instance = findInstance();
      const target = readCheckTarget(given ?? '.', instance, 'ci wheels');
      const module = requireModule(target);
      const tried = projectImport(await measure(instance, target, options, { probe: false, integrity: false, manual: false, module }), module);
      if (options.json) io.out(JSON.stringify(tried, null, 2));
      else for (const line of importLines(tried)) io.out(line);
      process.exitCode = tried.ok ? EXIT.yes : EXIT.no;
    });
}

/** The project's own module; refuses a project that names none. */
export function requireModule({ project, settings }: CheckTarget): string {
  if (settings?.importModule) return settings.importModule;
  throw refusal([{ what: `${project}/runbook.yaml`, expected: 'importModule, the module that must import', got: settings === null ? 'no such file' : 'none', wayOut: `runbook init ${project} writes the file; then importModule: NAME in it` }]);
}

/** What became of the import of the project's module. Could not tell (69) where nobody could try it. */
export function projectImport({ facts }: Pick<Measurement, 'facts'>, module: string): ProjectImport {
  const { interpreter, imports } = facts;
  if (!interpreter.ok) return failedImport(module, interpreter.problem, interpreter.kind === 'broken' ? 'VENV_BASE_GONE' : 'INTERPRETER_MISSING');
  const found = imports.ok ? imports.value.find((one) => one.module === module) : undefined;
  if (!found) throw couldNotTell(`import of ${module}`, 'it tried in a process of its own', imports.ok ? 'nobody tried it' : imports.problem, 'runbook doctor');
  if (found.ok) return { module, ok: true, error: '', class: null, remedy: null };
  const { class: known, remedy } = classifyOutput(found.error, 'python', 1);
  const isKnown = known !== 'UNKNOWN' && known !== 'IMPORT_INCOMPATIBLE';
  if (isKnown) return { module, ok: false, error: found.error, class: known, remedy };
  return { ...failedImport(module, found.error, 'IMPORT_INCOMPATIBLE'), ...missingRemedy(module, found.error) };
}

/** A module that is not there at all is another matter than one that does not work on this Python. */
function missingRemedy(module: string, error: string): { remedy: string } | null {
  const missing = /^ModuleNotFoundError: No module named '([^']+)'/.exec(error)?.[1];
  if (missing === undefined) return null;
  return { remedy: missing === module.split('.')[0] ? 'have the module in the project\'s folder or in its lock, or correct importModule of runbook.yaml' : `pin what brings ${missing} in the lock, then install it` };
}

const failedImport = (module: string, error: string, failure: FailureClass): ProjectImport => ({ module, ok: false, error, class: failure, remedy: remedyOf(failure) });

/** For people: a line, and below it class and way out. */
export function importLines({ module, ok, error, class: failure, remedy }: ProjectImport): string[] {
  if (ok) return [`✓ ${module} imports`];
  return [`✗ ${module} can't be imported: ${oneLine(error)}`, `    ${failure}; try: ${remedy}`];
}
