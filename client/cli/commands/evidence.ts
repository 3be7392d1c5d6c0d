import type { Command } from 'commander';
import { parseWorkflowId, shortIdOf } from '../../../policy/ids.js';
import { evidenceUpdate } from '../../../workflows/messages.js';
import { handIn, LONGEST_DOCUMENT_BYTES, printHandedIn } from '../handing-in.js';
import { findInstance } from '../instance.js';
import { refusal, type Io } from '../io.js';
import { findWorkflowId } from '../runs.js';
import { withClient } from '../temporal.js';
import { readTextFile } from '../text-file.js';

/** `runbook evidence RUN STEP FILE`: a document for a step of a review. By anybody: who decides on the step signs its digest. */
export function evidenceCommand(program: Command, io: Io): void {
  program
    .command('evidence <run> <step> <file>')
    .option('--name <name>', 'name of the document, where a step wants several; default: the step\'s')
    .option('--json', 'the answer as JSON')
    .addHelpText('after', '\nExample:\n  runbook evidence ic-3p9d technical-review review.md\n\nThe digest it answers with is that of sha256sum FILE; whoever approves the step signs it.')
    .action(async (named: string, step: string, file: string, options: { name?: string; json?: boolean }) => {
      const instance = findInstance();
      const document = readTextFile(file, { longestBytes: LONGEST_DOCUMENT_BYTES, wayOut: `runbook evidence ${named} ${step} FILE` });
      process.exitCode = await withClient(instance, async (client) => {
        const workflowId = await findWorkflowId(instance, client, named);
        const kind = parseWorkflowId(workflowId)?.kind;
        const run = shortIdOf(workflowId) ?? named;
        if (kind !== 'interpreter-change') throw refusal([{ what: `run ${run}`, expected: 'an interpreter-change', got: kind ?? 'a run of another shape', wayOut: 'runbook list' }]);
        const answer = await handIn(instance, client, workflowId, evidenceUpdate, { step, name: options.name ?? step, document, by: instance.requester });
        return printHandedIn(io, answer, { run, next: `runbook approve ${run}`, json: options.json ?? false });
      });
    });
}
