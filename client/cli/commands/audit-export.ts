import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { exportFiles } from '../audit-export.js';
import { findInstance } from '../instance.js';
import { refusal, type Io } from '../io.js';
import { recordsOf } from '../known-runs.js';
import { tilde } from '../words.js';

/** `runbook audit export --run RUN`: its decisions as files that stock tools verify, without us. */
export function auditExportCommand(audit: Command, io: Io): void {
  audit
    .command('export')
    .description('request, votes, signers and trail of a run, with the stock commands that verify them')
    .requiredOption('--run <run>', 'the run')
    .option('--to <dir>', 'folder to write into, new or empty; default: RUN-audit')
    .option('--json', 'what was written, as JSON')
    .addHelpText('after', '\nExample:\n  runbook audit export --run ex-3p9d && cd ex-3p9d-audit && sh -e VERIFY.txt')
    .action((options: { run: string; to?: string; json?: boolean }) => {
      const entries = recordsOf(findInstance())?.entriesOf(options.run) ?? [];
      if (entries.length === 0) throw refusal([{ what: `run ${options.run}`, expected: 'a run on record', got: 'none of that name', wayOut: 'runbook list' }]);
      const run = entries[0]!.entry.run;
      const folder = path.resolve(options.to ?? `${run}-audit`);
      if (existsSync(folder) && readdirSync(folder).length > 0) throw refusal([{ what: folder, expected: 'a new or an empty folder', got: 'one with files', wayOut: 'name another with --to' }]);
      const files = exportFiles(run, entries);
      mkdirSync(folder, { recursive: true });
      // wx: what was exported is never overwritten.
      for (const { name, text } of files) writeFileSync(path.join(folder, name), text, { flag: 'wx' });
      if (options.json) return io.out(JSON.stringify({ run, folder, files: files.map(({ name }) => name) }));
      const votes = files.filter(({ name }) => /^\d+-.*\.txt$/.test(name)).length;
      io.out(`${tilde(folder)}: ${votes} counted votes, ${entries.length} entries of the trail`);
      io.talk(`next: cd ${tilde(folder)} && sh -e VERIFY.txt`);
    });
}
