import type { Command } from 'commander';
import { addDays, dueItems, type DueItem, type Waiting } from '../../../policy/due.js';
import { formatEnvironment } from '../../../policy/ids.js';
import type { RecordsReader } from '../../../records/store.js';
import { readPolicy } from '../files.js';
import { findInstance } from '../instance.js';
import { refusal, table, type Io } from '../io.js';
import { recordsOf } from '../known-runs.js';

/** `runbook due`: dates of the policy and ends of exceptions, the overdue ones first. */
export function dueCommand(program: Command, io: Io): void {
  program
    .command('due')
    .option('--days <n>', 'how far ahead', readDays, 90)
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  runbook due --days 365')
    .action((options: { days: number; json?: boolean }) => {
      const instance = findInstance();
      const { policy } = readPolicy(instance.paths);
      const records = recordsOf(instance);
      const now = io.now().toISOString();
      const items = within(dueItems(policy, now, { waiting: records ? exceptionEnds(records) : [] }), now, options.days);
      records?.close();
      if (options.json) return io.out(JSON.stringify(items, null, 2));
      for (const line of dueLines(items, options.days)) io.out(line);
    });
}

/** Items that are due by so many days from now; what is overdue always is. */
export function within(items: DueItem[], now: string, days: number): DueItem[] {
  const last = addDays(now.slice(0, 10), days);
  return items.filter(({ on }) => on <= last);
}

/** One item a line, or one line that there is none. */
export function dueLines(items: DueItem[], days: number): string[] {
  if (items.length === 0) return [`nothing is due in the next ${days} days`];
  return table(['ON', 'KIND', 'STATE', 'WHAT'], items.map(({ on, kind, overdue, what }) => [on, kind, overdue ? 'overdue' : 'to come', what]), 'start');
}

/** EE-12: exceptions that have not ended, by the end on record. */
function exceptionEnds(records: RecordsReader): Waiting[] {
  return records.listRuns({ open: true, limit: 10_000 }).flatMap((view) => (view.kind === 'exception' && view.end !== null ? [{ what: `exception ${view.run} of ${formatEnvironment(view)} ends (${view.end})`, at: view.end, row: 'EE-09' }] : []));
}

function readDays(raw: string): number {
  if (/^(0|[1-9]\d{0,4})$/.test(raw)) return Number(raw);
  throw refusal([{ what: '--days', expected: 'a number from 0 to 99999', got: raw, wayOut: 'runbook due --days 365' }]);
}
