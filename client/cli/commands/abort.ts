import type { Command } from 'commander';
import { abortUpdate } from '../../../workflows/messages.js';
import { findInstance } from '../instance.js';
import { EXIT, type Io } from '../io.js';
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
        return client.withDeadline(Date.now() + 20_000, () => handle.executeUpdate(abortUpdate, { args: [{ by: instance.requester, reason: options.reason }] }));
      });
      io.out(options.json ? JSON.stringify(answer) : `${run}: ${answer.message}. runbook watch ${run}`);
      process.exitCode = answer.taken ? EXIT.yes : EXIT.no;
    });
}
