/** One command in this process: starting one takes longer than most of them. */
import { Command } from 'commander';
import { CliError, type Io } from '../../client/cli/io.js';
import type { CliAnswer } from './instance.js';

export type Register = (program: Command, io: Io) => void;

/** Runs a command line without a terminal, at the time it is. */
export const inProcess = (register: Register, ...words: string[]): Promise<CliAnswer> => inProcessAt(() => new Date(), register, ...words);

/** Runs it at a time of the test's choice. */
export async function inProcessAt(now: () => Date, register: Register, ...words: string[]): Promise<CliAnswer> {
  const [out, talk]: [string[], string[]] = [[], []];
  const io: Io = { out: (line) => void out.push(line), talk: (line) => void talk.push(line), interactive: false, ask: () => Promise.resolve(false), now };
  const program = new Command().exitOverride();
  register(program, io);
  const answer = (code: number): CliAnswer => ({ code, stdout: out.join('\n'), stderr: talk.join('\n') });
  try {
    await program.parseAsync(words, { from: 'user' });
    return answer(Number(process.exitCode ?? 0));
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    talk.push(error.message);
    return answer(error.code);
  } finally {
    process.exitCode = 0;
  }
}
