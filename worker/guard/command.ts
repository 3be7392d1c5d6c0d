/** What is started: an executable by its own path, of the tree where the tree has one, and the variables it gets. */
import { closeSync, constants, existsSync, openSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { isExecutable } from '../../activities/executable.js';
import type { Standing } from './environment.js';
import { badInput, notCompliant } from './refusal.js';

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
 * where it has them, else those of PATH; a path through the link means the same file of the tree. Throws `GuardRefusal`: 64
 * where there is none or it is of another environment, 1 where the tree has a second interpreter and that would run.
 */
export function findCommand(words: string[], standing: Standing, env: NodeJS.ProcessEnv): Started {
  const [name = '', ...args] = words;
  if (words.some((word) => word.includes('\ufffd'))) throw badInput('command', 'words in UTF-8', 'other bytes', 'name the file otherwise');
  const file = name.includes('/') ? (inTree(path.resolve(name), standing) ?? name) : lookUp(name, standing, env);
  if (file === null) throw badInput(`command ${JSON.stringify(name)}`, `a name in ${path.join(standing.tree, 'bin')} or on PATH`, 'none that can be started', 'name it by its path, or install it into the environment');
  const head = headOf(file);
  // The C library gives what the kernel does not know to a shell.
  if (head !== null && !PROGRAM.test(head)) throw badInput(file, 'a program, or a script whose first line names its interpreter', 'neither', 'begin it with a line like #!/usr/bin/env python3, or name its interpreter before it');
  const named = interpreterOf(Buffer.from(head ?? '', 'latin1').toString(), file, env);
  requireMeasured(file, named?.interpreter ?? null, standing);
  return throughTree(file, named, args, standing);
}

function lookUp(name: string, { tree, link }: Standing, env: NodeJS.ProcessEnv): string | null {
  const own = path.join(tree, 'bin', name);
  if (name !== '' && isExecutable(own)) return own;
  if (PYTHON_NAME.test(name)) throw badInput(`command ${JSON.stringify(name)}`, `an interpreter of ${link}`, 'one that is not in it', 'say python: it is the one of the environment');
  return onPath(name, env);
}

function onPath(name: string, env: NodeJS.ProcessEnv): string | null {
  const folders = (env['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/'));
  return folders.map((folder) => path.join(folder, name)).find((file) => name !== '' && isExecutable(file)) ?? null;
}

/**
 * Of all interpreters only `bin/python` of the tree is measured: another one would run what nobody looked at. What runs
 * programs of the system, outside of every environment, is the system's affair.
 */
function requireMeasured(file: string, interpreter: string | null, standing: Standing): void {
  const { link, tree, target } = standing;
  const isOurs = isBelow(path.resolve(file), tree);
  if (isPython(file) && !isOurs) throw badInput(`command ${file}`, `an interpreter of ${link}`, 'one of elsewhere', 'say python: it is the one of the environment');
  const runner = interpreter ?? file;
  const own = ofTree(runner, standing);
  if (own === null && isPython(runner)) requireNoEnvironment(runner, file, link);
  const python = path.join(tree, 'bin', 'python');
  const isSecond = (one: string): boolean => isPython(one) && !isSameProgram(one, python);
  const second = [...(isOurs ? [file, runner] : []), ...(own === null ? [] : [own])].find(isSecond);
  if (second !== undefined) throw notCompliant(`interpreter ${second}`, `that of ${link}, ${realOf(python)}`, `another one, ${realOf(second)}`, `start it by python, or rebuild it with one interpreter: runbook env reset ${target} --reason "two interpreters"`);
}

/** Python takes for its environment the folder above its own that has a `pyvenv.cfg`, by the path it was started by. */
function requireNoEnvironment(interpreter: string, file: string, link: string): void {
  const folder = path.dirname(path.dirname(path.resolve(interpreter)));
  if (existsSync(path.join(folder, 'pyvenv.cfg'))) throw badInput(`command ${file}`, `a program of ${link} or of the system`, `a script that runs in another environment, ${folder}`, `install it into ${link}, or name with --env the environment it belongs to`);
}

/** By its own name, or by the name of what it leads to. */
const isPython = (file: string): boolean => [file, realOf(file) ?? ''].some((one) => PYTHON_NAME.test(path.basename(one)));

const isBelow = (file: string, folder: string): boolean => file.startsWith(`${folder}/`);

function realOf(file: string): string | null {
  try {
    return realpathSync.native(file);
  } catch {
    return null;
  }
}

/** Also true where one of them leads nowhere: who measures or starts it says so. */
function isSameProgram(one: string, other: string): boolean {
  const [first, second] = [realOf(one), realOf(other)];
  if (first === null || second === null || first === second) return true;
  try {
    // `python -m venv --copies` writes one copy for each name.
    const [a, b] = [statSync(first), statSync(second)];
    return a.isFile() && b.isFile() && a.size === b.size && readFileSync(first).equals(readFileSync(second));
  } catch {
    return false;
  }
}

/** A file of the tree by the tree's own path, through whatever links it is named; null for any other. */
function ofTree(file: string, standing: Standing): string | null {
  const { tree } = standing;
  if (isBelow(file, tree) && path.normalize(file) === file) return file;
  const folder = realOf(path.dirname(file));
  const real = inTree(file, standing) ?? (folder && path.join(folder, path.basename(file)));
  return real !== null && isBelow(real, tree) ? real : null;
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
function throughTree(file: string, named: Named | null, args: string[], standing: Standing): Started {
  const own = named?.options && ofTree(named.interpreter, standing);
  return own && own !== named.interpreter ? { file: own, args: [...named.options!, file, ...args] } : { file, args };
}

/** A script, or an executable of Linux or macOS. */
const PROGRAM = /^(#!|\x7fELF|[\xfe\xce\xcf\xca][\xed\xfa\xfe])/;
/** Linux reads first lines of up to 256 bytes; longer ones pip writes as a line for `sh`. */
const HEAD_BYTES = 4096;

/** `#!/usr/bin/env NAME`, also with `-S` and variables before the name. */
const BY_ENV = /^#![ \t]*\/(?:\S*\/)?env[ \t]+(?:-[iv]*S[ \t]*|--split-string[= \t])?(?:\w+=\S*[ \t]+)*([^\s-]\S*)/;
/** pip and uv write it where the path is long, has spaces, or (uv) is told from the script's own. */
const BY_SHELL = /^#!\/bin\/sh\n'''exec' (.+) "\$0" "\$@"/;

interface Named {
  interpreter: string;
  /** Words before the script's; null: something else finds the interpreter, and is left to do so. */
  options: string[] | null;
}

/** What a script's first line says it is run by; null for a program, or where nothing is found. */
function interpreterOf(head: string, file: string, env: NodeJS.ProcessEnv): Named | null {
  const name = BY_ENV.exec(head)?.[1];
  const found = name === undefined || name.includes('/') ? name : onPath(name, env);
  if (found) return { interpreter: found, options: null };
  const words = BY_SHELL.exec(head)?.[1];
  if (words?.includes('$0')) return { interpreter: path.join(path.dirname(realOf(file) ?? file), path.basename(words.replaceAll(/["']/g, ''))), options: null };
  if (words) return { interpreter: words.replace(/^(["'])(.*)\1$/, '$2'), options: [] };
  const plain = /^#![ \t]*(\S+)[ \t]*([^\n]*)/.exec(head);
  const option = plain?.[2]!.trim();
  return plain && { interpreter: plain[1]!, options: option === '' ? [] : [option!] };
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
