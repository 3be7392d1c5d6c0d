/** The command behind `runbook gate … --`. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { refusal } from './io.js';

/**
 * The deployment's own words and exit code; no shell. With `--json` standard output is the result's alone. A signal to this process
 * is for the deployment, and this one waits for its end. Only what a key sends comes from the terminal to both.
 */
export function runDeployment([file, ...args]: string[], asJson: boolean): Promise<number> {
  const child = spawn(file!, args, { stdio: ['inherit', asJson ? 2 : 'inherit', 'inherit'] });
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  const ofKeys = process.stdin.isTTY ? (): void => undefined : pass;
  process.on('SIGINT', ofKeys).on('SIGQUIT', ofKeys).on('SIGTERM', pass).on('SIGHUP', pass);
  return new Promise<number>((resolve, reject) => {
    child.once('error', ({ code, message }: NodeJS.ErrnoException) => reject(refusal([{ what: `command ${file}`, expected: 'an executable file, on PATH or by its path', got: code === 'ENOENT' ? 'nothing there' : message, wayOut: 'runbook gate PATH -- COMMAND ARGUMENTS; no shell reads them' }])));
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal!]));
  }).finally(() => process.off('SIGINT', ofKeys).off('SIGQUIT', ofKeys).off('SIGTERM', pass).off('SIGHUP', pass));
}
