import type { Command } from 'commander';
import { askOptions } from '../asking.js';
import { findInstance } from '../instance.js';
import type { Io } from '../io.js';
import { changeRequest, readDigest } from '../request.js';
import { readTarget } from '../target.js';
import { carryOut, type RunOptions } from './run.js';

/**
 * WF-71: `runbook env reset PATH`. A change like any other (the environment that stands is kept, and proven, as the way back),
 * also where nothing differs; then what Python left beside the sources goes. Both are listed before anybody is asked.
 */
export function resetCommand(env: Command, io: Io): void {
  askOptions(env.command('reset <path>'))
    .description('build the environment anew from its lock, and remove what Python left beside the sources')
    .option('--to <version>', 'interpreter; default: the one that stands')
    .option('--keep-files', 'remove no __pycache__, *.egg-info, *.pyc or *.pyo from the project')
    .option('--reason <text>', 'why; it stands in the record')
    .option('--yes', 'agree to plan and list without being asked')
    .option('--plan <digest>', 'with --yes: agree to this plan only (first 8 characters or more)')
    .option('--detach', 'start it and leave')
    .option('--json', 'the result as JSON')
    .addHelpText('after', '\nThe environment that stands is kept beside the new one: runbook undo PATH goes back to it. Files that git\ntracks are never removed; what is removed does not come back.\n\nExamples:\n  runbook env reset .\n  runbook env reset /srv/pricer --to 3.11 --keep-files --reason "imports are broken"')
    .action(async (target: string, options: RunOptions & { keepFiles?: boolean }) => {
      const instance = findInstance();
      readDigest(options.plan, `runbook env reset ${target}, which shows the plan and asks`);
      const { request, workflowId } = changeRequest(instance, 'change', readTarget(target, instance), { reason: 'complete reset', ...options });
      const reset = { ...request, rebuild: true as const, ...(options.keepFiles ? {} : { cleanProject: true as const }) };
      process.exitCode = await carryOut(io, instance, reset, workflowId, options);
    });
}
