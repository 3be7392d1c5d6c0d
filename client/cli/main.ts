/** `runbook`: words to calls. Nothing of Temporal is loaded before a command needs it. */
import { Command, CommanderError } from 'commander';
import { CliError, EXIT, processIo } from './io.js';
import { abortCommand } from './commands/abort.js';
import { auditCommand } from './commands/audit.js';
import { completionCommand } from './commands/completion.js';
import { demoCommand } from './commands/demo.js';
import { doctorCommand } from './commands/doctor.js';
import { envCommand } from './commands/env.js';
import { hostCommand } from './commands/host.js';
import { initCommand } from './commands/init.js';
import { listCommand } from './commands/list.js';
import { logsCommand } from './commands/logs.js';
import { planCommand } from './commands/plan.js';
import { policyCommand } from './commands/policy.js';
import { processCommands } from './commands/processes.js';
import { runCommand } from './commands/run.js';
import { settleCommand } from './commands/settle.js';
import { showCommand } from './commands/show.js';
import { undoCommand } from './commands/undo.js';
import { watchCommand } from './commands/watch.js';
import { whyCommand } from './commands/why.js';

const io = processIo();
// `runbook list | head`: a reader that has enough is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? EXIT.yes : EXIT.bug));

/** The whole command line; `exitOverride` so that bad input ends with 64 and not with commander's 1. */
export function createProgram(): Command {
  const program = new Command('runbook')
    .description('Change the Python under a running service, get back within a second, and prove who allowed it.')
    .version('0.1.0')
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'refused: ')) })
    .addHelpText('after', '\nFirst steps:\n  runbook demo\n  runbook init . && runbook up\n  runbook plan change .\n\nExit codes: 0 yes · 1 no · 3 still waiting · 4 needs a person · 64 bad input · 69 could not tell');
  for (const add of [initCommand, doctorCommand, demoCommand, processCommands, planCommand, runCommand, listCommand, showCommand, watchCommand, logsCommand, whyCommand, abortCommand, undoCommand, settleCommand, envCommand, hostCommand, policyCommand, auditCommand, completionCommand]) add(program, io);
  return program;
}

/** Runs a command line and answers with its exit code. */
export async function main(argv: string[]): Promise<number> {
  try {
    await createProgram().parseAsync(argv, { from: 'user' });
    return Number(process.exitCode ?? EXIT.yes);
  } catch (error) {
    return failed(error);
  }
}

function failed(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.yes : badWords();
  if (error instanceof CliError) {
    for (const line of error.lines) io.talk(line);
    return error.code;
  }
  const objection = (error as { objection?: { what: string; expected: string; got: string; wayOut: string } }).objection;
  if (objection) {
    io.talk(`refused: ${objection.what}: expected ${objection.expected}, got ${objection.got}\n  try: ${objection.wayOut}`);
    return EXIT.couldNotTell;
  }
  io.talk(`our bug: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return EXIT.bug;
}

function badWords(): number {
  io.talk('  try: runbook --help\nnothing was started');
  return EXIT.badInput;
}
