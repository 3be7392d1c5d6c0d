import type { Command } from 'commander';
import { findInstance } from '../instance.js';
import type { Io } from '../io.js';
import { readTarget } from '../target.js';
import { tidy, type TidyOptions } from '../tidy.js';

/** `runbook env adopt PATH`: a `.venv` that is a directory becomes a link to the same environment in `.venvs`. */
export function adoptCommand(env: Command, io: Io): void {
  env
    .command('adopt <path>')
    .description('make a .venv that is a directory a link to the same environment in .venvs')
    .option('--reason <text>', 'why; it stands in the record')
    .option('--json', 'the result as JSON')
    .addHelpText('after', '\nInterpreter and packages stay as they are, and what runs from it goes on: at no moment is there no .venv. A change\ndoes this by itself; by this command it is done before one is needed.\n\nExample:\n  runbook env adopt /srv/pricer')
    .action(async (target: string, options: TidyOptions) => {
      const instance = findInstance();
      process.exitCode = await tidy(io, instance, 'adopt', readTarget(target, instance), options);
    });
}
