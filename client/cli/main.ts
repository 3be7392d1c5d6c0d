/** `runbook`: words to calls. Nothing of Temporal is loaded before a command needs it. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Command, CommanderError } from 'commander';
import { COMMANDS, nameOf } from './command-table.js';
import { CliError, EXIT, processIo } from './io.js';

const io = processIo();
// `runbook list | head`: a reader that has enough is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? EXIT.yes : EXIT.bug));

const FIRST_STEPS = `
First steps:
  runbook demo
  runbook init . && runbook up
  runbook plan change .

Exit codes: 0 yes · 1 no · 2 warning (verify) · 3 still waiting · 4 needs a person
            64 bad input, nothing started · 69 could not tell · 70 our bug`;

/**
 * The command line for these words: the command that was typed in full, the others by name. `exitOverride`, so that bad
 * input ends with 64 and not with commander's 1.
 */
async function createProgram(typed: string | undefined): Promise<Command> {
  const program = new Command('runbook')
    .description('Change the Python under a running service, get back within a second, and prove who allowed it.')
    .version(version())
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'refused: ')) })
    .addHelpText('after', FIRST_STEPS);
  for (const entry of COMMANDS) {
    if (nameOf(entry) === typed) (await entry.load())(program, io);
    else program.command(entry.usage);
    program.commands.at(-1)!.summary(entry.summary).description(entry.summary);
  }
  return program;
}

function version(): string {
  return (JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../../../package.json'), 'utf8')) as { version: string }).version;
}

/** Runs a command line and answers with its exit code. */
export async function main(argv: string[]): Promise<number> {
  let typed: string | undefined;
  try {
    // `help plan` means the same as `plan --help`.
    const words = argv[0] === 'help' && argv[1] ? [argv[1], '--help'] : argv;
    typed = words.find((word) => !word.startsWith('-'));
    const program = await createProgram(typed);
    await program.parseAsync(words, { from: 'user' });
    return Number(process.exitCode ?? EXIT.yes);
  } catch (error) {
    return failed(error, typed);
  }
}

function failed(error: unknown, typed: string | undefined): number {
  if (error instanceof CommanderError) return error.exitCode === 0 || error.code === 'commander.help' ? EXIT.yes : badWords(typed);
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

function badWords(typed: string | undefined): number {
  const known = COMMANDS.some((entry) => nameOf(entry) === typed);
  io.talk(`  try: runbook ${known ? `${typed} ` : ''}--help\nnothing was started`);
  return EXIT.badInput;
}
