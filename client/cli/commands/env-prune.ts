import type { Command } from 'commander';
import { findInstance } from '../instance.js';
import type { Io } from '../io.js';
import { readTarget } from '../target.js';
import { tidy, type TidyOptions } from '../tidy.js';

/** `runbook env prune PATH`: what every change does when it closes, now. */
export function pruneCommand(env: Command, io: Io): void {
  env
    .command('prune <path>')
    .description('remove the environments in .venvs that nothing needs any more')
    .option('--reason <text>', 'why; it stands in the record')
    .option('--json', 'the result as JSON')
    .addHelpText('after', '\nAs at the end of every change: attempts of ended runs go, and old environments beyond "limits.keepTrees" of the\nagent file. What stands, what an undo returns to, what anything runs from or names, and what runbook did not make,\nstays.\n\nExample:\n  runbook env prune /srv/pricer --reason "the disk is nearly full"')
    .action(async (target: string, options: TidyOptions) => {
      const instance = findInstance();
      process.exitCode = await tidy(io, instance, 'prune', readTarget(target, instance), options);
    });
}
