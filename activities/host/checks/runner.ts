/**
 * As whom a check by root starts things: a root-owned project may have an environment that another user can change, whose
 * `.pth` files and packages must never run with root's rights.
 */
import { readdirSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import type { Owner } from '../../../policy/model.js';
import { readPlain } from '../../plain-file.js';
import { readConfig } from './pyvenv.js';
import { readSearched } from './search-path.js';
import { Foreign, judge, NOBODY, statOf, way } from './way.js';

/** More than the largest environments have; a line or a link may lead to the root of all files. */
const MOST_ENTRIES = 500_000;
/** Empty, and everybody may write it; no name of code. */
const UV_LOCK = '.lock';

/**
 * The project's owner; where that is root and so is this process: the first other user to whom anything of what is started
 * belongs, and nobody where others may write to it. What counts is `executable` with all that leads to it, its environment's
 * every file, the interpreter that was made from, all that its links and `.pth` files lead to, and the project's own module where
 * it is imported. Nobody, too, where that can't be told: code in a `.pth` that names a place, an editable project, more than `mostEntries` to look at.
 */
export function runnerOf(project: string, owner: Owner, executable: string | null, importModule: string | null, mostEntries = MOST_ENTRIES): Owner {
  if (process.geteuid!() !== 0 || owner.uid !== 0) return owner;
  const walk: Walk = { seen: new Set(), left: mostEntries };
  try {
    way(project);
    if (importModule !== null) ownModule(project, importModule, walk);
    if (executable !== null) interpreter(executable, walk);
    return owner;
  } catch (error) {
    // What root itself can't look at (a folder of another machine) is nothing to run as root.
    return error instanceof Foreign ? error.owner : NOBODY;
  }
}

function interpreter(executable: string, walk: Walk): void {
  const bin = way(dirname(executable));
  const real = way(executable);
  if (real !== null) libraries(dirname(real));
  if (bin === null) return;
  // Python looks for its settings beside itself, then one folder higher.
  const settings = [join(bin, 'pyvenv.cfg'), join(bin, '../pyvenv.cfg')].filter((file) => statOf(file));
  if (settings.length === 0) return libraries(bin);
  environment(dirname(bin), walk);
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
function environment(root: string, walk: Walk): void {
  for (const name of readdirSync(root)) if (!statOf(join(root, name))?.isFile()) everything(join(root, name), walk);
}

/** Folders looked through so far, and how many entries more may be. */
interface Walk {
  seen: Set<string>;
  left: number;
}

interface Tree {
  folder: string;
  /** Python reads `.pth` files here, by whatever name the folder itself goes. */
  isSite: boolean;
}

/** A whole tree, and what its links and its `.pth` files lead to; each folder once. */
function everything(start: string, walk: Walk): void {
  for (const todo = treeAt(start); todo.length > 0; ) {
    const { folder, isSite } = todo.pop()!;
    const key = `${isSite} ${folder}`;
    if (walk.seen.has(key)) continue;
    walk.seen.add(key);
    for (const name of readdirSync(folder)) {
      if (--walk.left < 0) throw new Foreign(NOBODY);
      todo.push(...onward(join(folder, name), isSite));
    }
  }
}

/** A folder by the way to it; nothing for a file, which is judged by then. */
function treeAt(path: string): Tree[] {
  const real = way(path);
  return real !== null && statOf(real)?.isDirectory() ? [{ folder: real, isSite: basename(path) === 'site-packages' }] : [];
}

/** Judges one entry of a tree. Returns the folders it leads to. */
function onward(path: string, isSite: boolean): Tree[] {
  const stat = statOf(path);
  if (!stat || (stat.isFile() && basename(path) === UV_LOCK)) return [];
  judge(stat);
  if (stat.isDirectory()) return [{ folder: path, isSite: basename(path) === 'site-packages' }];
  const trees = stat.isSymbolicLink() ? treeAt(path) : [];
  if (trees.length > 0) return trees;
  if (basename(path) === 'direct_url.json') requireNotEditable(path);
  return isSite && path.endsWith('.pth') ? searched(path) : [];
}

function searched(file: string): Tree[] {
  const { places, isOpen } = readSearched(file);
  if (isOpen) throw new Foreign(NOBODY);
  return places.flatMap(treeAt);
}

/** Where an editable project's code lies is known to the finder that its installer wrote, of whatever form. */
function requireNotEditable(file: string): void {
  if (/"editable"\s*:\s*true/.test(readPlain(file)?.text ?? '')) throw new Foreign(NOBODY);
}

/** The project's folder goes first on the search path of its own module: code beside that is taken, too. */
function ownModule(project: string, name: string, walk: Walk): void {
  const [top = ''] = name.split('.');
  for (const entry of readdirSync(project)) if (/\.(py|pyc|so|pth)$/.test(entry)) way(join(project, entry));
  everything(join(project, top), walk);
}
