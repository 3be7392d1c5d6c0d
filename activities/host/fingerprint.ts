/** What an environment looks like from outside, by a few hundred `lstat`: no hashing, nothing started. */
import { createHash } from 'node:crypto';
import { lstatSync, opendirSync, statSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { SEAL_FILE } from './seal.js';
import type { LinkView } from './paths.js';

/** Kept in the agent's store between two looks; compared field by field, so that the difference has words. */
export interface Fingerprint {
  state: LinkView['state'];
  /** Text of the link. */
  target: string | null;
  tree: string | null;
  /** State of the lease. */
  lease: string;
  /** Stamp of `.complete`; null: none. */
  seal: string | null;
  /** Stamp of what `bin/python` leads to in the end; null: nothing. */
  base: string | null;
  /** Stamps by path, relative to the tree: its top, `bin` and the top of its package folders. A folder with too many names has one for all: `FOLDER/`. */
  files: Record<string, string>;
  /** What differs from what was verified, as the last whole look found it; carried on between two of them. */
  drift: string[];
}

const BYTECODE = '__pycache__';

/** Names in one tree that are looked at: a job that fills a folder must not hold up the agent. */
export const MOST_NAMES = 20_000;
/** The same for any number above it: how many more there are is no news. */
const TOO_MANY = 'too many names to watch';
/** Names in `lib`, and folders of packages in it, which are looked at every second. */
const MOST_IN_LIB = 5_000;
const MOST_LINES = 16;

/** What no name in these folders can come or go without changing, in a handful of calls. */
export function stampFolders(tree: string): string {
  const folders = ['', 'bin', ...packageFolders(tree)].map((folder) => lstatSync(join(tree, folder), { throwIfNoEntry: false }));
  return JSON.stringify([sealOf(tree), baseOf(tree), ...folders.map((stat) => stat && [stat.ino, stat.mode, stat.mtimeMs])]);
}

/** Stamps of a tree. In one that is not sealed, bytecode comes and goes with every start: it says nothing there. */
export function stampTree(tree: string, isSealed: boolean): Pick<Fingerprint, 'seal' | 'base' | 'files'> {
  const files: Record<string, string> = {};
  let left = MOST_NAMES;
  for (const folder of ['', 'bin', ...packageFolders(tree)]) {
    const names = namesIn(join(tree, folder), left);
    left -= names?.length ?? left;
    if (names === null) files[`${folder}/`] = TOO_MANY;
    for (const name of names ?? []) {
      const stat = lstatSync(join(tree, folder, name), { throwIfNoEntry: false });
      if (stat && name !== SEAL_FILE && (isSealed || name !== BYTECODE)) files[join(folder, name)] = stamp(stat, isSealed);
    }
  }
  return { seal: sealOf(tree), base: baseOf(tree), files };
}

function sealOf(tree: string): string | null {
  const seal = lstatSync(join(tree, SEAL_FILE), { throwIfNoEntry: false });
  return seal ? stamp(seal, true) : null;
}

/** A folder's time changes with each name in it, and only in a sealed tree that is news. */
const stamp = (stat: Stats, isSealed: boolean): string => [stat.ino, stat.mode.toString(8), ...(stat.isDirectory() && !isSealed ? [] : [stat.mtimeMs, stat.isDirectory() ? 0 : stat.size])].join(' ');

function baseOf(tree: string): string | null {
  try {
    const { ino, mtimeMs, size } = statSync(join(tree, 'bin/python'));
    return `${ino} ${mtimeMs} ${size}`;
  } catch {
    return null;
  }
}

/** `lib/python3.N/site-packages`, without the bridges to other trees. */
function packageFolders(tree: string): string[] {
  const lib = join(tree, 'lib');
  const names = (namesIn(lib, MOST_IN_LIB) ?? []).filter((name) => /^(python|pypy)/.test(name)).slice(0, MOST_LINES);
  return names.filter((name) => lstatSync(join(lib, name), { throwIfNoEntry: false })?.isSymbolicLink() === false).map((name) => join('lib', name, 'site-packages'));
}

/** Sorted; null where there are more than `most`, which are not all read. None where the folder can't be read. */
function namesIn(path: string, most: number): string[] | null {
  const names: string[] = [];
  try {
    const folder = opendirSync(path, { bufferSize: 256 });
    try {
      for (let entry = folder.readSync(); entry; entry = folder.readSync()) if (names.push(entry.name) > most) return null;
    } finally {
      folder.closeSync();
    }
  } catch {
    return [];
  }
  return names.sort();
}

/** Two looks that saw the same have the same. */
export const digestOfStamps = (stamps: ReturnType<typeof stampTree>): string => createHash('sha256').update(JSON.stringify(stamps)).digest('hex');

/** What differs between two looks at one tree, in words. */
export function stampDifferences(before: Pick<Fingerprint, 'seal' | 'base' | 'files'>, now: Pick<Fingerprint, 'seal' | 'base' | 'files'>): string[] {
  const words: string[] = [];
  if (before.seal !== now.seal) words.push(now.seal === null ? `${SEAL_FILE} is gone` : before.seal === null ? `${SEAL_FILE} appeared` : `${SEAL_FILE} was changed`);
  if (before.base !== now.base) words.push(now.base === null ? 'the interpreter that bin/python leads to is gone' : 'the interpreter that bin/python leads to was changed');
  const paths = [...new Set([...Object.keys(before.files), ...Object.keys(now.files)])].sort();
  // Of a folder that had too many names, or has them, nothing is known name by name.
  const crowded = new Set(paths.filter((path) => path.endsWith('/')));
  for (const path of paths) {
    const [was, is] = [before.files[path], now.files[path]];
    if (crowded.has(path)) {
      if (was !== is) words.push(is === undefined ? `${path} has few enough names to watch again` : `${path} has ${TOO_MANY}`);
      continue;
    }
    if (crowded.has(`${dirname(path) === '.' ? '' : dirname(path)}/`)) continue;
    if (was !== is) words.push(was === undefined ? `${path} appeared` : is === undefined ? `${path} is gone` : `${path} was changed`);
  }
  return words;
}
