/** What an environment looks like from outside, by a few hundred `lstat`: no hashing, nothing started. */
import { lstatSync, readdirSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
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
  /** Stamps by path, relative to the tree: its top, `bin` and the top of its package folders. */
  files: Record<string, string>;
  /** What differs from what was verified, as the last whole look found it; carried on between two of them. */
  drift: string[];
}

const BYTECODE = '__pycache__';

/** What no name in these folders can come or go without changing, in a handful of calls. */
export function stampFolders(tree: string): string {
  const folders = ['', 'bin', ...packageFolders(tree)].map((folder) => lstatSync(join(tree, folder), { throwIfNoEntry: false }));
  return JSON.stringify([sealOf(tree), baseOf(tree), ...folders.map((stat) => stat && [stat.ino, stat.mode, stat.mtimeMs])]);
}

/** Stamps of a tree. In one that is not sealed, bytecode comes and goes with every start: it says nothing there. */
export function stampTree(tree: string, isSealed: boolean): Pick<Fingerprint, 'seal' | 'base' | 'files'> {
  const files: Record<string, string> = {};
  for (const folder of ['', 'bin', ...packageFolders(tree)]) {
    for (const name of namesIn(join(tree, folder))) {
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
  return namesIn(lib).filter((name) => /^(python|pypy)/.test(name) && !lstatSync(join(lib, name)).isSymbolicLink()).map((name) => join('lib', name, 'site-packages'));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** What differs between two looks at one tree, in words. */
export function stampDifferences(before: Pick<Fingerprint, 'seal' | 'base' | 'files'>, now: Pick<Fingerprint, 'seal' | 'base' | 'files'>): string[] {
  const words: string[] = [];
  if (before.seal !== now.seal) words.push(now.seal === null ? `${SEAL_FILE} is gone` : before.seal === null ? `${SEAL_FILE} appeared` : `${SEAL_FILE} was changed`);
  if (before.base !== now.base) words.push(now.base === null ? 'the interpreter that bin/python leads to is gone' : 'the interpreter that bin/python leads to was changed');
  const paths = [...new Set([...Object.keys(before.files), ...Object.keys(now.files)])].sort();
  for (const path of paths) {
    const [was, is] = [before.files[path], now.files[path]];
    if (was !== is) words.push(was === undefined ? `${path} appeared` : is === undefined ? `${path} is gone` : `${path} was changed`);
  }
  return words;
}
