/**
 * As whom a check by root starts things: a root-owned project may have an environment that another user can change, whose
 * `.pth` files and packages must never run with root's rights.
 */
import { lstatSync, readFileSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import type { Owner } from '../../../policy/model.js';
import { readPlain } from '../../plain-file.js';
import { readConfig } from './pyvenv.js';

/** Who owns nothing: runs what root's own folder has, and what others than root may write to. */
const NOBODY: Owner = { uid: 65534, gid: 65534, name: 'nobody' };
/** As the kernel counts links on the way to a file. */
const MOST_LINKS = 40;

const GROUP_WRITES = 0o020;
const OTHERS_WRITE = 0o002;
/** Only an entry's owner may rename or remove it. */
const STICKY = 0o1000;

/** A user other than root who decides what would run. */
class Foreign extends Error {
  constructor(readonly owner: Owner) {
    super(owner.name);
  }
}

/**
 * The project's owner; where that is root and so is this process: the first other user to whom anything of what is started
 * belongs, and nobody where others may write to it. What counts is `executable` with all that leads to it, its environment's
 * every file, the interpreter that was made from, folders its `.pth` name, and the project's own module where it is imported.
 */
export function runnerOf(project: string, owner: Owner, executable: string | null, importModule: string | null): Owner {
  if (process.geteuid!() !== 0 || owner.uid !== 0) return owner;
  try {
    way(project);
    if (importModule !== null) ownModule(project, importModule);
    if (executable !== null) interpreter(executable);
    return owner;
  } catch (error) {
    // What root itself can't look at (a folder of another machine) is nothing to run as root.
    return error instanceof Foreign ? error.owner : NOBODY;
  }
}

function judge(stat: Stats, isOnWay = false): void {
  if (stat.uid !== 0) throw new Foreign(userOf(stat));
  // The mode of a link says nothing; what lies in a sticky folder is judged by itself.
  if (stat.isSymbolicLink() || (isOnWay && (stat.mode & STICKY) !== 0)) return;
  // Wheels bring files that their group may write; root's own group is root.
  if ((stat.mode & OTHERS_WRITE) !== 0 || ((stat.mode & GROUP_WRITES) !== 0 && stat.gid !== 0)) throw new Foreign(NOBODY);
}

/** With the user's own group: files that root gave away by `chown USER` are still of root's. */
function userOf({ uid, gid }: Stats): Owner {
  const entry = readFileSync('/etc/passwd', 'utf8').split('\n').map((line) => line.split(':')).find((fields) => fields[2] === String(uid));
  if (entry) return { uid, gid: Number(entry[3]), name: entry[0]! };
  return { uid, gid: gid === 0 ? NOBODY.gid : gid, name: String(uid) };
}

/** Every folder, link and file on the way to a path, links followed. Returns where it ends; null: there is nothing. */
function way(path: string): string | null {
  const todo = path.split('/').filter(Boolean);
  let at = '/';
  for (let links = 0; todo.length > 0; ) {
    const part = todo.shift()!;
    if (part === '.') continue;
    const next = part === '..' ? dirname(at) : join(at, part);
    const stat = statOf(next);
    if (!stat) return null;
    judge(stat, todo.length > 0);
    if (!stat.isSymbolicLink()) {
      at = next;
      continue;
    }
    if (++links > MOST_LINKS) return null;
    const target = readlinkSync(next);
    todo.unshift(...target.split('/').filter(Boolean));
    if (isAbsolute(target)) at = '/';
  }
  return at;
}

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw error;
  }
}

function interpreter(executable: string): void {
  const bin = way(dirname(executable));
  const real = way(executable);
  if (real !== null) libraries(dirname(real));
  if (bin === null) return;
  // Python looks for its settings beside itself, then one folder higher.
  const settings = [join(bin, 'pyvenv.cfg'), join(bin, '../pyvenv.cfg')].filter((file) => statOf(file));
  if (settings.length === 0) return libraries(bin);
  environment(dirname(bin));
  for (const file of settings) base(file);
}

/** What an interpreter was made from: its `home` decides which standard library is loaded. */
function base(config: string): void {
  way(config);
  const settings = readConfig(readPlain(config)?.text ?? '');
  for (const name of ['executable', 'base-executable']) {
    const file = settings.get(name);
    if (file !== undefined && isAbsolute(file)) way(file);
  }
  const named = settings.get('home');
  if (named === undefined) return;
  // Everything is started in `/`.
  const home = resolve('/', named);
  const real = way(home);
  for (const name of real === null ? [] : namesIn(real).filter((one) => /^python[\d.]*$/.test(one))) way(join(real!, name));
  for (const folder of new Set([home, real ?? home])) libraries(folder);
}

/** The standard library of an interpreter and the packages beside it, folder by folder. Python climbs from `home` until it finds one. */
function libraries(home: string): void {
  for (let folder = home; folder !== dirname(folder); folder = dirname(folder)) {
    for (const lib of ['lib', 'lib64']) {
      const real = way(join(dirname(folder), lib));
      const lines = real === null ? [] : namesIn(real).filter((name) => /^python3(\.\d+t?)?$/.test(name));
      for (const line of lines) for (const inner of ['', 'site-packages', 'dist-packages']) way(join(real!, line, inner));
    }
  }
}

const namesIn = (path: string): string[] => (statOf(path)?.isDirectory() ? readdirSync(path) : []);

/** Its folders with all in them. Files beside these are no code: uv leaves a `.lock` there that everybody may write. */
function environment(root: string): void {
  for (const name of readdirSync(root)) {
    const folder = statOf(join(root, name))?.isFile() ? null : way(join(root, name));
    if (folder !== null && statOf(folder)?.isDirectory()) everything(folder);
  }
}

/** A whole tree, links in it followed to where they lead, and the folders that its `.pth` files put on the search path. */
function everything(root: string): void {
  for (const todo = [root]; todo.length > 0; ) {
    const folder = todo.pop()!;
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      const stat = statOf(path);
      if (!stat) continue;
      judge(stat);
      if (stat.isSymbolicLink()) way(path);
      else if (stat.isDirectory()) todo.push(path);
      else if (name.endsWith('.pth') && basename(folder) === 'site-packages') searched(path);
    }
  }
}

function searched(file: string): void {
  const lines = (readPlain(file)?.text ?? '').split(/\r?\n/).map((line) => line.trim());
  for (const line of lines) if (line !== '' && !/^(#|import[ \t])/.test(line)) way(resolve(dirname(file), line));
}

/** The project's folder goes first on the search path of its own module: code beside that is taken, too. */
function ownModule(project: string, name: string): void {
  const [top = ''] = name.split('.');
  for (const entry of readdirSync(project)) if (/\.(py|pyc|so|pth)$/.test(entry)) way(join(project, entry));
  const folder = way(join(project, top));
  if (folder !== null && statOf(folder)?.isDirectory()) everything(folder);
}
