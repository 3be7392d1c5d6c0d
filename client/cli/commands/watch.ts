import type { Command } from 'commander';
import { detachOnInterrupt } from '../detach.js';
import { follow, printEnd } from '../follow.js';
import { findInstance } from '../instance.js';
import { EXIT, refusal, type Io } from '../io.js';
import { findWorkflowId } from '../runs.js';
import { withClient } from '../temporal.js';
import { voterTeller } from '../voters.js';

/** `runbook watch RUN`: follows an open run to its end. */
export function watchCommand(program: Command, io: Io): void {
  program
    .command('watch <run>')
    .option('--timeout <seconds>', 'stop following after this time (exit 3); the run goes on', readSeconds)
    .option('--json', 'the result as JSON')
    .addHelpText('after', '\nExample:\n  runbook watch fb-7k2m --timeout 600')
    .action(async (run: string, options: { timeout?: number; json?: boolean }) => {
      const instance = findInstance();
      process.exitCode = await withClient(instance, async (client) => {
        const workflowId = await findWorkflowId(instance, client, run);
        detachOnInterrupt(io, run);
        if (options.timeout) setTimeout(() => stillWaiting(io, run), options.timeout * 1000).unref();
        const result = await follow({ io, client, workflowId, json: options.json ?? false, withVoters: voterTeller(instance, io.now) });
        return printEnd(io, result, { instance, workflowId, json: options.json ?? false });
      });
    });
}

function readSeconds(raw: string): number {
  if (/^[1-9]\d{0,5}$/.test(raw)) return Number(raw);
  throw refusal([{ what: '--timeout', expected: 'seconds, from 1 to 999999', got: raw, wayOut: 'runbook watch RUN --timeout 600' }]);
}

function stillWaiting(io: Io, run: string): void {
  io.talk(`\n${run} still runs; runbook watch ${run}`);
  process.exit(EXIT.waiting);
}
