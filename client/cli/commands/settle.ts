import type { Command } from 'commander';
import { parseWorkflowId } from '../../../policy/ids.js';
import type { RunView } from '../../../policy/run-view.js';
import { findInstance, type Instance } from '../instance.js';
import { refusal, type Io } from '../io.js';
import { recordsOf } from '../known-runs.js';
import { findWorkflowId } from '../runs.js';
import { placeOf } from '../words.js';
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
      if (Boolean(options.keep) === Boolean(options.undo)) throw refusal([{ what: 'settle', expected: 'one of --keep and --undo', got: options.keep ? 'both' : 'neither', wayOut: `runbook show ${run} says what stands there` }]);
      const instance = findInstance();
      const view = recordsOf(instance)?.run(run);
      if (view) requireUnsettled(view, instance);
      const env = view ? { host: view.host, link: view.link } : parseWorkflowId(await findWorkflowId(instance, null, run))!.env;
      process.exitCode = await startUndo(io, instance, options.keep ? 'keep' : 'undo', env, options);
    });
}

/** A run that came to a verified end left nothing to decide about. */
function requireUnsettled(view: RunView, instance: Instance): void {
  const { run, phase, outcome } = view;
  if (phase === 'unsettled' || outcome === null || outcome === 'rollback-incomplete') return;
  const place = placeOf({ host: view.host, link: view.link }, instance.host);
  throw refusal([{ what: `run ${run}`, expected: 'one that was ended from outside, or whose undo is not verified', got: `${outcome}: nothing is left to decide`, wayOut: `runbook undo ${place} --reason … goes back` }]);
}
