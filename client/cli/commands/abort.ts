import type { Command } from 'commander';
import { abortUpdate } from '../../../workflows/messages.js';
import { findInstance } from '../instance.js';
import { EXIT, type Io } from '../io.js';
import { recordsOf } from '../known-runs.js';
import { findWorkflowId } from '../runs.js';
import { withClient } from '../temporal.js';

/** `runbook abort RUN`: stop and undo; there is no stop without undo. */
export function abortCommand(program: Command, io: Io): void {
  program
    .command('abort <run>')
    .requiredOption('--reason <text>', 'why; it stands in the record')
    .option('--json', 'the answer as JSON')
    .addHelpText('after', '\nExample:\n  runbook abort fb-7k2m --reason "wrong lock"')
    .action(async (run: string, options: { reason: string; json?: boolean }) => {
      const instance = findInstance();
      const answer = await withClient(instance, async (client) => {
        const handle = client.workflow.getHandle(await findWorkflowId(instance, client, run));
        return client.withDeadline(Date.now() + 20_000, () => handle.executeUpdate(abortUpdate, { args: [{ by: instance.requester, reason: options.reason }] }).catch((error: unknown) => ended(error, recordsOf(instance)?.run(run)?.outcome)));
      });
      io.out(options.json ? JSON.stringify(answer) : `${run}: ${answer.message}`);
      if (!options.json) io.talk(`next: runbook ${answer.taken ? 'watch' : 'show'} ${run}`);
      process.exitCode = answer.taken ? EXIT.yes : EXIT.no;
    });
}

/** A run that ended before it was asked is no error: there is nothing to stop. */
function ended(error: unknown, outcome: string | null | undefined): { taken: boolean; message: string } {
  if ((error as Error).name === 'WorkflowNotFoundError') return { taken: false, message: `it has ended${outcome ? `: ${outcome}` : ''}` };
  throw error;
}
