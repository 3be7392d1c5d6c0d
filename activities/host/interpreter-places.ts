/** Where interpreters lie. Shims are never among them: they run whatever the user's configuration says. */
import { closeSync, existsSync, openSync, readdirSync, readSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { HostContext } from './context.js';

/** A file that may be an interpreter. */
export interface Candidate {
  path: string;
  realpath: string;
}

/** `python3`, `python3.12`, `python3.14t`. */
const NAME = /^python3(\.\d+t?)?$/;

function folderNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

const pythonsIn = (folder: string): string[] => folderNames(folder).filter((name) => NAME.test(name)).sort().map((name) => join(folder, name));
const pythonsBelow = (root: string, ...inner: string[]): string[] => folderNames(root).sort().flatMap((name) => pythonsIn(join(root, name, ...inner)));

/** All places in the order in which they are looked at; `homes` are the home folders whose version managers count. */
export function interpreterPaths(ctx: HostContext, homes: readonly string[]): string[] {
  const env = process.env;
  const managed = homes.flatMap((home, index) => [
    ...pythonsBelow(join((index === 0 && env['PYENV_ROOT']) || join(home, '.pyenv'), 'versions'), 'bin'),
    ...pythonsBelow((index === 0 && env['UV_PYTHON_INSTALL_DIR']) || join((index === 0 && env['XDG_DATA_HOME']) || join(home, '.local/share'), 'uv/python'), 'bin'),
    ...pythonsBelow(join(home, '.asdf/installs/python'), 'bin'),
    ...pythonsBelow(join(home, '.local/share/mise/installs/python'), 'bin'),
  ]);
  const onPath = (env['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/') && basename(folder) !== 'shims');
  return [
    ...ctx.agentFile.interpreters,
    ...managed,
    ...onPath.flatMap(pythonsIn),
    ...['/usr/bin', '/usr/local/bin'].flatMap(pythonsIn),
    ...pythonsBelow('/opt/python', 'bin'),
    ...pythonsBelow('/opt/homebrew/opt', 'bin'),
    ...pythonsBelow('/Library/Frameworks/Python.framework/Versions', 'bin'),
  ];
}

/** Scripts are shims or wrappers; only a path the administrator named may be one. */
function isScript(path: string): boolean {
  const fd = openSync(path, 'r');
  try {
    const head = Buffer.alloc(2);
    return readSync(fd, head, 0, 2, 0) === 2 && head.toString('latin1') === '#!';
  } finally {
    closeSync(fd);
  }
}

/** The file behind a path, or null where it can't be an interpreter to build from. */
export function candidate(path: string, named: boolean): Candidate | null {
  try {
    const realpath = realpathSync(path);
    const stat = statSync(realpath);
    if (!stat.isFile() || (stat.mode & 0o111) === 0) return null;
    if (!named && isScript(realpath)) return null;
    // A copied launcher inside a virtual environment is no base to build another one from.
    if (existsSync(join(dirname(dirname(realpath)), 'pyvenv.cfg'))) return null;
    return { path, realpath };
  } catch {
    return null;
  }
}
