import type { Command } from 'commander';
import type { StoredEntry } from '../../../policy/records.js';
import { findInstance } from '../instance.js';
import { refusal, type Io } from '../io.js';
import { recordsOf } from '../known-runs.js';
import { tilde } from '../words.js';

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
  const words = [outcome, step, fact ?? message ?? factOf(entry)].filter((word) => typeof word === 'string').join(': ');
  return `${String(seq).padStart(6)}  ${entry.at}  ${entry.event.padEnd(18)}  ${tilde(words)}`.trimEnd();
}

/** What entries without a step are about. */
function factOf({ event, actor, justification, data }: StoredEntry['entry']): string | undefined {
  const versions = `${String(data['from'] ?? '—')} → ${String(data['to'] ?? '—')}`;
  switch (event) {
    case 'run-started':
    case 'aborted':
      return `${actor}: ${String(data['reason'] ?? justification)}`;
    case 'planned':
      return `${versions}, plan ${String(data['planDigest']).slice(0, 8)}`;
    case 'fallback-activated':
      return `${versions}, without a wheel: ${(data['affected'] as string[]).join(' ')}`;
    case 'assessed':
      return Object.entries(data['missing'] as Record<string, string[]>).map(([version, missing]) => `${version}: ${missing.length} without a wheel`).join(', ');
    default:
      return approvalFact(event, data);
  }
}

/** What entries about decisions and exceptions are about. */
function approvalFact(event: StoredEntry['entry']['event'], data: StoredEntry['entry']['data']): string | undefined {
  const told = (field: string): string => String(data[field] ?? '—');
  switch (event) {
    case 'approval-asked':
      return `${told('purpose')}, until ${told('deadline')}`;
    case 'overdue':
      return `${told('role')} did not convene by ${told('by')}`;
    case 'notified':
      return `${told('event')} to ${told('role')}, by ${(data['channels'] as string[] | undefined)?.join(' ') ?? '—'}`;
    case 'undelivered':
      return `${told('event')} reached nobody: ${told('problem')}`;
    case 'granted':
      return `for ${told('hours')} h, until ${told('expiresAt')}`;
    case 'root-cause':
      return `by ${told('by')}, sha256:${told('sha256')}`;
    case 'evidence':
      return `${told('name')} by ${told('by')}, sha256:${told('sha256')}`;
    case 'rehearsed':
      return data['ok'] === true ? `the way back to ${told('version')} is whole` : told('problem');
    case 'made-permanent':
      return `by ${told('review')}`;
    case 'undo':
      return `to ${told('to')}, ${data['verified'] === false ? `not verified: ${told('problem')}` : 'verified'}`;
    default:
      return undefined;
  }
}
