import type { Command } from 'commander';
import { openRecordsReadOnly } from '../../../records/store.js';
import { findInstance } from '../instance.js';
import { EXIT, refusal, type Io } from '../io.js';
import { auditExportCommand } from './audit-export.js';

/** `runbook audit verify`: every entry's hash from the first to the last; names the first bad one. */
export function auditCommand(program: Command, io: Io): void {
  const audit = program.command('audit');
  audit
    .command('verify')
    .description('check the chain of the trail and name the first bad entry')
    .option('--head <seq:hash>', 'a head kept elsewhere: finds a trail that was cut short')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  runbook audit verify --head 1842:7be0…')
    .action((options: { head?: string; json?: boolean }) => {
      const records = openRecordsReadOnly(findInstance().paths.recordsDb);
      const verdict = records.verify(options.head === undefined ? undefined : readHead(options.head));
      if (options.json) io.out(JSON.stringify(verdict, null, 2));
      else if (verdict.ok) io.out(`whole: ${verdict.entries} entries, head ${verdict.head.seq}:${verdict.head.hash}`);
      else io.out(`broken at entry ${verdict.firstBad}: ${verdict.reason}: expected ${verdict.expected}, got ${verdict.got}`);
      process.exitCode = verdict.ok ? EXIT.yes : EXIT.no;
    });
  auditExportCommand(audit, io);
}

function readHead(raw: string): { seq: number; hash: string } {
  const match = /^(\d+):([0-9a-f]{64})$/.exec(raw);
  if (!match) throw refusal([{ what: '--head', expected: 'NUMBER:64 hexadecimal characters, as `audit verify` prints it', got: raw, wayOut: 'runbook audit verify' }]);
  return { seq: Number(match[1]), hash: match[2]! };
}
