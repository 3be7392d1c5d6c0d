/** What is started: an executable by its own path, of the tree where the tree has one, and the variables it gets. */
import { closeSync, constants, openSync, readSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { isExecutable } from '../../activities/executable.js';
import type { Standing } from './environment.js';
import { badInput } from './refusal.js';

export interface Started {
  file: string;
  args: string[];
}

const SYSTEM_PATH = '/usr/local/bin:/usr/bin:/bin';
const PYTHON_NAME = /^(python|pypy)[\d.]*t?$/;

/** As `activate` would set them, for the tree itself; no other environment stays on PATH. */
export function guardedEnvironment(standing: Standing, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { PYTHONHOME: _home, VIRTUAL_ENV_PROMPT: _prompt, ...kept } = env;
  const bin = path.join(standing.tree, 'bin');
  const active = env['VIRTUAL_ENV'] ? path.join(env['VIRTUAL_ENV'], 'bin') : null;
  const others = (env['PATH'] || SYSTEM_PATH).split(':').filter((folder) => folder !== bin && folder !== active && inTree(folder, standing) === null);
  return { ...kept, VIRTUAL_ENV: standing.tree, PATH: [bin, ...others].join(':') };
}

/**
 * The executable for the first word. `python` and every other name of an interpreter mean the tree's; other names the tree's
 * where it has them, else those of PATH; a path through the link means the same file of the tree. Throws `GuardRefusal` 64
 * where there is none.
 */
export function findCommand(words: string[], standing: Standing, env: NodeJS.ProcessEnv): Started {
  const [name = '', ...args] = words;
  if (words.some((word) => word.includes('\ufffd'))) throw badInput('command', 'words in UTF-8', 'other bytes', 'name the file otherwise');
  const file = name.includes('/') ? (inTree(path.resolve(name), standing) ?? requireOther(name, standing)) : lookUp(name, standing, env);
  if (file === null) throw badInput(`command ${JSON.stringify(name)}`, `a name in ${path.join(standing.tree, 'bin')} or on PATH`, 'none that can be started', 'name it by its path, or install it into the environment');
  const head = headOf(file);
  // The C library gives what the kernel does not know to a shell.
  if (head !== null && !PROGRAM.test(head)) throw badInput(file, 'a program, or a script whose first line names its interpreter', 'neither', 'begin it with a line like #!/usr/bin/env python3, or name its interpreter before it');
  return throughTree(file, head ?? '', args, standing);
}

function lookUp(name: string, { tree, link }: Standing, env: NodeJS.ProcessEnv): string | null {
  const own = path.join(tree, 'bin', name);
  if (name !== '' && isExecutable(own)) return own;
  if (PYTHON_NAME.test(name)) throw badInput(`command ${JSON.stringify(name)}`, `an interpreter of ${link}`, 'one that is not in it', 'say python: it is the one of the environment');
  const folders = (env['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/'));
  return folders.map((folder) => path.join(folder, name)).find((file) => name !== '' && isExecutable(file)) ?? null;
}

/** An interpreter of elsewhere would run what nobody looked at. */
function requireOther(file: string, { link, tree }: Standing): string {
  const isOther = PYTHON_NAME.test(path.basename(file)) && !path.resolve(file).startsWith(`${tree}/`);
  if (isOther) throw badInput(`command ${file}`, `an interpreter of ${link}`, 'one of elsewhere', 'say python: it is the one of the environment');
  return file;
}

/** A path through the link, however the project's own path is written, as a path of the tree; null for any other. */
function inTree(file: string, { project, link, tree }: Standing): string | null {
  const name = path.basename(link);
  const parts = file.split('/');
  for (let at = parts.indexOf(name); at > 0; at = parts.indexOf(name, at + 1)) {
    try {
      if (realpathSync.native(parts.slice(0, at).join('/') || '/') === project) return path.join(tree, ...parts.slice(at + 1));
    } catch {
      // No such folder: another one of the same name may follow.
    }
  }
  return null;
}

/**
 * A script whose first line names the interpreter through the link (an environment that was adopted) would look at the link
 * once more when it starts: the tree's interpreter is given it instead.
 */
function throughTree(file: string, head: string, args: string[], standing: Standing): Started {
  const named = interpreterOf(Buffer.from(head, 'latin1').toString());
  const own = named && inTree(named.interpreter, standing);
  return own && own !== named.interpreter ? { file: own, args: [...named.options, file, ...args] } : { file, args };
}

/** A script, or an executable of Linux or macOS. */
const PROGRAM = /^(#!|\x7fELF|[\xfe\xce\xcf\xca][\xed\xfa\xfe])/;
/** Linux reads first lines of up to 256 bytes; longer ones pip writes as a line for `sh`. */
const HEAD_BYTES = 4096;

function interpreterOf(head: string): { interpreter: string; options: string[] } | null {
  const plain = /^#![ \t]*(\/[^\s]+)[ \t]*([^\n]*)/.exec(head);
  if (plain === null) return null;
  const wrapped = /^#!\/bin\/sh\n'''exec' (?:"([^"\n]+)"|(\S+)) "\$0" "\$@"/.exec(head);
  if (wrapped) return { interpreter: (wrapped[1] ?? wrapped[2])!, options: [] };
  const option = plain[2]!.trim();
  return { interpreter: plain[1]!, options: option === '' ? [] : [option] };
}

/** Null: it can't be read; it may be one that can be started all the same. */
function headOf(file: string): string | null {
  try {
    const handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const bytes = Buffer.alloc(HEAD_BYTES);
      return bytes.toString('latin1', 0, readSync(handle, bytes, 0, HEAD_BYTES, 0));
    } finally {
      closeSync(handle);
    }
  } catch {
    return null;
  }
}
