/** How the CLI writes places and long lines, for people at a terminal. */
import { homedir } from 'node:os';
import path from 'node:path';
import { formatEnvironment } from '../../policy/ids.js';
import type { EnvironmentRef } from '../../policy/model.js';
import { shellWord as quoted } from '../../policy/text.js';

/** Paths below the reader's home begin with `~`, as a shell would read them. */
export function tilde(text: string, home = homedir()): string {
  if (home === '/' || !path.isAbsolute(home)) return text;
  const escaped = home.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return text.replace(new RegExp(`(?<![\\w./~-])${escaped}(?=/|$)`, 'gm'), '~');
}

/** An environment as a command takes it: a path on this host, else `HOST:PATH`. Can be pasted into a shell. */
export function placeOf(env: EnvironmentRef, host: string): string {
  if (env.host !== host) return shellWord(formatEnvironment(env));
  const name = path.basename(env.link);
  if (name === '.venv') return shellWord(path.dirname(env.link));
  return shellWord(name.startsWith('.venv') ? env.link : `${path.dirname(env.link)}#${name}`);
}

/** A word of a shell command, quoted where it must be; below the reader's home where it need not. */
export function shellWord(text: string): string {
  const word = quoted(text);
  return word === text ? tilde(text) : word;
}

/** Where the last cell of a line of ours begins: its further lines stand below it. */
const CELLS = [/^ {2}[✓✗] .{11,20}? +[\d.]+ \S+( \d+ s)? {2}/, /^[✓!✗] .{14} /];

/** Breaks one line between words so that it fits; what is one word stays whole. Text of several lines is left as it is. */
export function fold(line: string, columns: number): string {
  if (line.length <= columns || line.includes('\n') || /^[{[]/.test(line)) return line;
  const cell = CELLS.map((pattern) => pattern.exec(line)?.[0].length ?? 0).find((width) => width > 0 && width < columns / 2);
  const indent = cell ?? /^ */.exec(line)![0].length + 2;
  const rows: string[] = [];
  let row = line.slice(0, cell ?? indent - 2);
  let begun = false;
  for (const word of line.slice(row.length).split(' ')) {
    // The second of two spaces begins no row.
    if (word === '' && row.length + 1 > columns) continue;
    // A word that fits nowhere, such as an address, begins where it is.
    if (begun && row.length + 1 + word.length > columns && indent + word.length <= columns) {
      rows.push(row.trimEnd());
      row = ' '.repeat(indent) + word;
    } else row += begun ? ` ${word}` : word;
    begun = true;
  }
  return [...rows, row].join('\n');
}
