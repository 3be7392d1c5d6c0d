import type { Command } from 'commander';
import { toHtml } from '../../../policy/report/html.js';
import { toMarkdown } from '../../../policy/report/markdown.js';
import { toText } from '../../../policy/report/text.js';
import { describeRunbook, runbookPage } from '../../../policy/runbook-page.js';
import { RUNBOOK_NAMES } from '../../../policy/runbook-steps.js';
import { readPolicy } from '../files.js';
import { findInstance } from '../instance.js';
import { refusal, type Io } from '../io.js';

/** `runbook describe KIND`: the runbook in words, for reading before, and for a day without this program (PV-14). */
export function describeCommand(program: Command, io: Io): void {
  program
    .command('describe <kind>')
    .option('--report <form>', 'md or html, to publish it; default: text for a terminal')
    .option('--json', 'as JSON')
    .addHelpText('after', `\nKinds: ${Object.keys(RUNBOOK_NAMES).join(', ')}\n\nExamples:\n  runbook describe fallback\n  runbook describe fallback --report html > wheel-fallback.html`)
    .action((raw: string, options: { report?: string; json?: boolean }) => {
      const kind = Object.hasOwn(RUNBOOK_NAMES, raw) ? RUNBOOK_NAMES[raw]! : null;
      if (kind === null) throw refusal([{ what: 'runbook', expected: Object.keys(RUNBOOK_NAMES).join(', '), got: raw, wayOut: 'runbook describe fallback' }]);
      if (options.report !== undefined && options.report !== 'md' && options.report !== 'html') throw refusal([{ what: '--report', expected: 'md or html', got: options.report, wayOut: `runbook describe ${raw} --report md` }]);
      const described = describeRunbook(kind, readPolicy(findInstance().paths));
      if (options.json) return io.out(JSON.stringify(described, null, 2));
      const page = runbookPage(described);
      if (options.report) return io.out((options.report === 'md' ? toMarkdown(page) : toHtml(page)).trimEnd());
      io.out(toText(page, process.stdout.columns ?? 80));
    });
}
