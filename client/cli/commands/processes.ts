import type { Command } from 'commander';
import { findInstance, type Instance } from '../instance.js';
import { readAgentFile } from '../files.js';
import { couldNotTell, refusal } from '../io.js';
import { runProcess } from '../processes.js';

/** `runbook up`: everything here, in the foreground until Ctrl-C. */
export function upCommand(program: Command): void {
  program
    .command('up')
    .option('--port <port>', 'port of the server', readPort, '7233')
    .option('--ui-port <port>', 'port of the Web UI', readPort, '8233')
    .option('--allow-root', 'run as root: every local user can reach the server\'s port')
    .addHelpText('after', '\nExample:\n  runbook up --port 7300 --ui-port 8300')
    .action(async (options: { port: string; uiPort: string; allowRoot?: boolean }) => {
      const args = ['--port', options.port, '--ui-port', options.uiPort, ...(options.allowRoot ? ['--allow-root'] : [])];
      process.exitCode = await runProcess('main-up', args, null);
    });
}

/** 0 lets the system choose one. */
function readPort(raw: string): string {
  if (/^\d{1,5}$/.test(raw) && Number(raw) < 65_536) return raw;
  throw refusal([{ what: '--port or --ui-port', expected: 'a port number up to 65535, or 0 for any free one', got: raw, wayOut: 'runbook up --port 7300 --ui-port 8300' }]);
}

/** `runbook agent`: this host's agent, in the foreground. */
export function agentCommand(program: Command): void {
  program
    .command('agent')
    .option('--allow-root', 'run as root: it drops to the owner of a project for every child')
    .action(async (options: { allowRoot?: boolean }) => {
      const instance = findInstance();
      const { agentFile, agentDir } = instance.paths;
      // Its mistakes are told in words here; the process itself logs for machines.
      readAgentFile(instance.paths);
      process.exitCode = await runProcess('main-agent', [config(instance, { agentFile, agentDir, allowRoot: options.allowRoot ?? false })], instance);
    });
}

/** `runbook worker`: a control worker, in the foreground. */
export function workerCommand(program: Command): void {
  program
    .command('worker')
    .action(async () => {
      const instance = findInstance();
      const { recordsDb, policyFile, policiesDir } = instance.paths;
      process.exitCode = await runProcess('main-control', [config(instance, { recordsDb, policyFile, policiesDir })], instance);
    });
}

/** A process's configuration, with the server it connects to. */
function config(instance: Instance, own: object): string {
  const { address, namespace } = instance;
  if (address === null) throw couldNotTell('the Temporal server', 'an address to connect to', 'none configured and none running', 'set TEMPORAL_ADDRESS, or runbook up, which starts everything');
  return JSON.stringify({ address, namespace, ...own });
}
