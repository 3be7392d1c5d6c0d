import type { Command } from 'commander';
import type { StoredEntry } from '../../../policy/records.js';
import { findInstance } from '../instance.js';
import { refusal, type Io } from '../io.js';
import { recordsOf } from '../known-runs.js';

/** `runbook logs RUN`: the run's trail, one line an entry. */
export function logsCommand(program: Command, io: Io): void {
  program
    .command('logs <run>')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  runbook logs fb-7k2m')
    .action((run: string, options: { json?: boolean }) => {
      const entries = recordsOf(findInstance())?.entriesOf(run) ?? [];
      if (entries.length === 0) throw refusal([{ what: `run ${run}`, expected: 'a run on record', got: 'none of that name', wayOut: 'runbook list' }]);
      for (const entry of entries) io.out(options.json ? JSON.stringify(entry) : entryLine(entry));
    });
}

function entryLine({ seq, entry }: StoredEntry): string {
  const { step, fact, message, outcome } = entry.data;
  const words = [outcome, step, fact ?? message].filter((word) => typeof word === 'string').join(': ');
  return `${String(seq).padStart(6)}  ${entry.at}  ${entry.event.padEnd(18)}  ${words}`.trimEnd();
}
