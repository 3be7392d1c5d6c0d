/** Streams, words and verdicts of the CLI: stdout is the result, stderr is talk, the exit code is the verdict. */
import { createInterface } from 'node:readline/promises';
import type { Objection, Outcome } from '../../policy/model.js';
import { fold } from './words.js';

/** Exit codes (design): 2 is WARNING, of `verify` only. */
export const EXIT = { yes: 0, no: 1, waiting: 3, incomplete: 4, badInput: 64, couldNotTell: 69, bug: 70 } as const;

export interface Io {
  /** A line of the result. */
  out(line: string): void;
  /** A line of talk. */
  talk(line: string): void;
  /** Both streams are a terminal: live lists and questions make sense. */
  interactive: boolean;
  /** Asks on the terminal; no answer is no. */
  ask(question: string): Promise<boolean>;
  now(): Date;
}

/** The real streams. NO_COLOR and pipes give plain text; this CLI uses no colour beyond the terminal's own bold. */
export function processIo(): Io {
  return {
    out: (line) => write(process.stdout, line),
    talk: (line) => write(process.stderr, line),
    interactive: Boolean(process.stdin.isTTY && process.stderr.isTTY),
    ask,
    now: () => new Date(),
  };
}

/** A terminal gets lines folded to its width; a pipe gets each as it is. */
function write(stream: NodeJS.WriteStream, line: string): void {
  stream.write(`${fold(line, stream.columns ?? Infinity)}\n`);
}

async function ask(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } catch (error) {
    // Ctrl-C at a question is a no.
    if ((error as Error).name !== 'AbortError') throw error;
    process.stderr.write('\n');
    return false;
  } finally {
    terminal.close();
  }
}

/** Ends a command with a code and the words that explain it. */
export class CliError extends Error {
  constructor(readonly code: number, readonly lines: string[], readonly objections: Objection[] = []) {
    super(lines.join('\n'));
  }
}

/** Bad input: what, expected, got, way out, and that nothing was started. */
export function refusal(objections: Objection[], code: number = EXIT.badInput): CliError {
  const lines = objections.flatMap(({ what, expected, got, wayOut }) => [`refused: ${what}: expected ${expected}, got ${got}`, `  try: ${wayOut}`]);
  return new CliError(code, [...lines, 'nothing was started'], objections);
}

/** No answer: from a server, an agent, an index. Not a no. */
export function couldNotTell(what: string, expected: string, got: string, wayOut: string): CliError {
  return refusal([{ what, expected, got, wayOut }], EXIT.couldNotTell);
}

/** What an outcome means to the shell. For an undo, being back is what was asked for. */
export function exitCodeOf(outcome: Outcome, kind: string): number {
  if (outcome === 'done' || outcome === 'not-needed') return EXIT.yes;
  if (outcome === 'rolled-back' && kind === 'rollback') return EXIT.yes;
  return outcome === 'rollback-incomplete' ? EXIT.incomplete : EXIT.no;
}

/** A table within the terminal's width, 80 columns elsewhere: the last column takes what is left and is cut with an ellipsis. */
export function table(head: string[], rows: string[][], keep: 'start' | 'end' = 'end', columns = process.stdout.columns ?? 80): string[] {
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((row) => (row[i] ?? '').length)));
  const fixed = widths.slice(0, -1).reduce((sum, width) => sum + width + 2, 0);
  widths[widths.length - 1] = Math.max(8, Math.min(widths.at(-1)!, columns - fixed));
  const line = (cells: string[]) => cells.map((cell, i) => cut(cell, widths[i]!, keep).padEnd(widths[i]!)).join('  ').trimEnd();
  return [line(head), ...rows.map(line)];
}

/** Keeps the end of what is too long, where paths and versions differ; sentences keep their start. */
export function cut(text: string, width: number, keep: 'start' | 'end' = 'end'): string {
  if (text.length <= width) return text;
  return keep === 'start' ? `${text.slice(0, width - 1)}…` : `…${text.slice(text.length - width + 1)}`;
}

/** `Sat 11:32`, local time of whoever reads. */
export function localTime(iso: string): string {
  const date = new Date(iso);
  const day = date.toLocaleDateString('en-GB', { weekday: 'short' });
  return `${day} ${date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })}`;
}
