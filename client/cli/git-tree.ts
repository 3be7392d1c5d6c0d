/** Files of a repository as they stand in a directory, or in a commit. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { ConstraintFile } from '../../policy/constraint-files.js';
import { couldNotTell, refusal } from './io.js';

/** Nothing of the project's own stands there. */
const SKIPPED = new Set(['.git', 'node_modules', 'site-packages', '.tox', '.nox', '__pycache__', '.venvs']);

export interface FileSet {
  /** Paths from the directory or tree that was named; of a single file as it was named. */
  files: ConstraintFile[];
  isSingle: boolean;
}

/**
 * `.`, `./PATH` and `/PATH` are files and directories, everything else is `REF` or `REF:PATH` with a path from the repository's
 * top: a directory that a pull request brings along must not pass for the branch it is compared with.
 */
export function readFiles(place: string, repository: string, wanted: (path: string) => boolean): FileSet {
  if (!/^[./]/.test(place)) return filesAt(place, repository, wanted);
  const absolute = path.resolve(repository, place);
  const stands = statSync(absolute, { throwIfNoEntry: false });
  if (stands?.isFile()) return { files: [{ path: path.posix.normalize(place), text: readFileSync(absolute, 'utf8') }], isSingle: true };
  if (!stands?.isDirectory()) throw badPlace(place, 'nothing there');
  return { files: filesBelow(absolute, '').filter(wanted).map((name) => ({ path: name, text: readFileSync(path.join(absolute, name), 'utf8') })), isSingle: false };
}

const isSkipped = (name: string): boolean => name.split('/').some((part) => SKIPPED.has(part) || part.startsWith('.venv'));

/** Links are not followed: they may lead out, or round. */
function filesBelow(top: string, folder: string): string[] {
  return readdirSync(path.join(top, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.posix.join(folder, entry.name);
    if (isSkipped(entry.name)) return [];
    return entry.isDirectory() ? filesBelow(top, name) : entry.isFile() ? [name] : [];
  }).sort();
}

function filesAt(place: string, repository: string, wanted: (path: string) => boolean): FileSet {
  const [, ref, rawPath = ''] = /^([^:]+)(?::(.*))?$/.exec(place) ?? [];
  if (ref === undefined || ref.startsWith('-') || /[\0-\x20\x7f]/.test(ref)) throw badPlace(place, 'no name of a commit');
  const inTree = path.posix.normalize(rawPath === '' ? '.' : rawPath);
  if (inTree.startsWith('..') || inTree.startsWith('/')) throw badPlace(place, 'a path that leads out of the repository');
  const commit = git(repository, ['rev-parse', '--verify', '--quiet', `${ref}^{commit}`])?.trim();
  if (!commit) throw badPlace(place, `no commit ${ref}`);
  const root = `${commit}:${inTree === '.' ? '' : inTree.replace(/\/$/, '')}`;
  const type = git(repository, ['cat-file', '-t', root])?.trim();
  if (type === 'blob') return { files: [{ path: inTree, text: must(repository, ['cat-file', 'blob', root]) }], isSingle: true };
  if (type !== 'tree') return { files: [], isSingle: rawPath !== '' };
  return { files: blobsOf(repository, root).filter(({ name }) => !isSkipped(name) && wanted(name)).map(({ name, id }) => ({ path: name, text: must(repository, ['cat-file', 'blob', id]) })), isSingle: false };
}

/** Regular files of a tree by the ids of their contents: no name of the repository becomes an argument. */
function blobsOf(repository: string, tree: string): { name: string; id: string }[] {
  const rows = must(repository, ['ls-tree', '-r', '-z', '--full-tree', tree]).split('\0').filter((row) => row !== '');
  return rows.flatMap((row) => {
    const match = /^100\d{3} blob ([0-9a-f]+)\t(.*)$/s.exec(row);
    return match ? [{ id: match[1]!, name: match[2]! }] : [];
  });
}

/** Output, or null where git says no. */
function git(repository: string, args: string[]): string | null {
  try {
    return execFileSync('git', ['-C', repository, ...args], { encoding: 'utf8', maxBuffer: 64 << 20, timeout: 60_000, stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { code, stderr = '' } = error as { code?: string; stderr?: string };
    if (code === 'ENOENT') throw couldNotTell('git', 'the program git on PATH', 'none', 'install git, or name two directories');
    if (/not a git repository|dubious ownership/.test(stderr)) throw couldNotTell(`the repository ${repository}`, 'one that git reads', stderr.trim().split('\n')[0]!, 'run this in the repository, or name two directories');
    return null;
  }
}

function must(repository: string, args: string[]): string {
  const output = git(repository, args);
  if (output === null) throw couldNotTell(`git ${args.join(' ')}`, 'an answer', 'none', 'fetch the commit whole: a shallow or partial clone lacks its files');
  return output;
}

const badPlace = (place: string, got: string) => refusal([{ what: `place ${JSON.stringify(place)}`, expected: 'REF or REF:PATH, or a file or directory that begins with ./ or /', got, wayOut: 'runbook ci constraints --base origin/main --head .' }]);
