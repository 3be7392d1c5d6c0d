import type { Command } from 'commander';
import { parseWorkflowId } from '../../../policy/ids.js';
import { findInstance } from '../instance.js';
import { CliError, EXIT, type Io } from '../io.js';
import { recordsOf } from '../known-runs.js';
import { findWorkflowId } from '../runs.js';
import { startUndo } from './undo.js';

/** `runbook settle RUN --keep|--undo`: what a run left behind that was ended from outside after its switch. */
export function settleCommand(program: Command, io: Io): void {
  program
    .command('settle <run>')
    .option('--keep', 'it stays, verified')
    .option('--undo', 'it goes back')
    .requiredOption('--reason <text>', 'why; it stands in the record')
    .option('--json', 'the result as JSON')
    .addHelpText('after', '\nExample:\n  runbook settle fb-7k2m --undo --reason "run was terminated by hand"')
    .action(async (run: string, options: { keep?: boolean; undo?: boolean; reason: string; json?: boolean }) => {
      if (Boolean(options.keep) === Boolean(options.undo)) throw new CliError(EXIT.badInput, ['refused: expected one of --keep and --undo', 'nothing was started']);
      const instance = findInstance();
      const view = recordsOf(instance)?.run(run);
      const env = view ? { host: view.host, link: view.link } : parseWorkflowId(await findWorkflowId(instance, null, run))!.env;
      process.exitCode = await startUndo(io, instance, options.keep ? 'keep' : 'undo', env, options);
    });
}
