/** People with throw-away keys, as a policy names them; and stock ssh-keygen, run as a person would. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';

export interface TestPerson {
  /** Private key. */
  file: string;
  /** Line of its `.pub` file. */
  line: string;
}

/** Makes a key for each name below a folder. */
export function makePeople<Name extends string>(folder: string, names: readonly Name[], { type = 'ed25519', passphrase = '' } = {}): Record<Name, TestPerson> {
  const made = names.map((name) => {
    const file = path.join(folder, name);
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', name, '-f', file], { stdio: 'ignore' });
    return [name, { file, line: readFileSync(`${file}.pub`, 'utf8').trim() }];
  });
  return Object.fromEntries(made) as Record<Name, TestPerson>;
}

/** `people` of a policy. */
export const peopleOf = (people: Record<string, TestPerson>): Record<string, { keys: { key: string }[] }> =>
  Object.fromEntries(Object.entries(people).map(([name, { line }]) => [name, { keys: [{ key: line }] }]));

/** Runs stock ssh-keygen with a text on standard input. */
export function stockSshKeygen(args: string[], input = '', cwd?: string): { code: number | null; out: string } {
  const { status, stdout, stderr } = spawnSync('ssh-keygen', args, { input, encoding: 'utf8', ...(cwd === undefined ? {} : { cwd }) });
  return { code: status, out: stdout + stderr };
}
