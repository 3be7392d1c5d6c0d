/** Which files differ: two manifests the agent has kept, or a tree against one, without hashing it all again. */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, lstatSync, openSync, opendirSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { HostContext } from './context.js';
import { SEAL_FILE } from './seal.js';

/** Fields of one line of a manifest, by path: kind, mode, size, and hash or link target. */
type Entry = [kind: string, mode: string, size: string, content: string];
type Entries = Map<string, Entry>;

/** Differences named one by one; more are counted. */
const NAMED = 5;
/** Files newer than the seal that are hashed to be sure; a whole look by hash is the plan's. */
const HASHED_FILES = 500;
const HASHED_BYTES = 64 * 1024 * 1024;
/** A look ends where a tree has this many entries more than twice those expected: a job that fills it must not hold up the agent. */
const SPARE_ENTRIES = 10_000;

/** What differs between two manifests, in words; null where the agent no longer has them both. */
export function manifestDifferences(ctx: HostContext, expected: string, got: string): string[] | null {
  const [before, now] = [readManifest(ctx, expected), readManifest(ctx, got)];
  return before && now && compare(before, now);
}

/** What to add to a sentence that says that two manifests differ: the files, where they can be named. */
export function namedDifferences(ctx: HostContext, expected: string, got: string): string {
  const words = manifestDifferences(ctx, expected, got) ?? [];
  return words.length > 0 ? `: ${listed(words)}` : '';
}

/**
 * A tree against the manifest it was verified with, by names, kinds, modes, sizes and link targets; what is newer than its seal
 * also by hash. Null where the agent has no such manifest. To be called as the owner; throws when the tree can't be read.
 */
export function readExpected(ctx: HostContext, digest: string): ((tree: string) => string[]) | null {
  const expected = readManifest(ctx, digest);
  return expected && ((tree) => {
    const most = 2 * expected.size + SPARE_ENTRIES;
    const found = readTree(tree, expected, most);
    return found ? compare(expected, found) : [`it has more than ${most} entries, expected ${expected.size}`];
  });
}

/** `a, b and 3 more`. */
export function listed(words: string[]): string {
  const more = words.length - NAMED;
  return words.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function readManifest(ctx: HostContext, digest: string): Entries | null {
  if (!/^[0-9a-f]{64}$/.test(digest)) return null;
  try {
    const lines = readFileSync(join(ctx.stateDir, 'manifests', digest), 'utf8').split('\n');
    return new Map(lines.filter((line) => line !== '').map((line) => {
      const [kind, mode, size, content, path] = line.split('\t') as [string, string, string, string, string];
      return [path, [kind, mode, size, content]];
    }));
  } catch {
    return null;
  }
}

function compare(before: Entries, now: Entries): string[] {
  // Of what came or went, only the highest folder is named.
  const isInside = (path: string, other: Entries): boolean => dirname(path) !== '.' && !other.has(dirname(path));
  const paths = [...new Set([...before.keys(), ...now.keys()])].sort();
  return paths.flatMap((path) => {
    const [was, is] = [before.get(path), now.get(path)];
    if (!is) return isInside(path, now) ? [] : [`${path} is gone`];
    if (!was) return isInside(path, before) ? [] : [`${path} appeared`];
    if (was[0] !== is[0] || was[2] !== is[2] || was[3] !== is[3]) return [`${path} was changed`];
    return was[1] === is[1] ? [] : [`${path} has mode ${is[1]}, was ${was[1]}`];
  });
}

/** The tree as a manifest would have it; the hash of a file that neither size nor time make doubtful is the expected one. Null: it has more entries than `most`. */
function readTree(root: string, expected: Entries, most: number): Entries | null {
  const found: Entries = new Map();
  const sealedAt = lstatSync(join(root, SEAL_FILE), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const room = { files: HASHED_FILES, bytes: HASHED_BYTES };
  let left = most;
  for (const todo = ['']; todo.length > 0; ) {
    const folder = todo.pop()!;
    const names = namesIn(join(root, folder), left);
    if (names === null) return null;
    left -= names.length;
    for (const name of names) {
      const path = join(folder, name);
      if (path === SEAL_FILE) continue;
      const entry = readEntry(join(root, path), expected.get(escaped(path)), sealedAt, room);
      if (entry?.[0] === 'd') todo.push(path);
      if (entry) found.set(escaped(path), entry);
    }
  }
  return found;
}

/** Names in a folder; null where there are more than `most`, which are not all read. */
function namesIn(path: string, most: number): string[] | null {
  const folder = opendirSync(path, { bufferSize: 256 });
  try {
    const names: string[] = [];
    for (let entry = folder.readSync(); entry; entry = folder.readSync()) {
      if (names.push(entry.name) > most) return null;
    }
    return names;
  } finally {
    folder.closeSync();
  }
}

function readEntry(path: string, expected: Entry | undefined, sealedAt: number, room: { files: number; bytes: number }): Entry | null {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return null;
  const mode = (stat.mode & 0o7777).toString(8);
  if (stat.isDirectory()) return ['d', mode, '-', '-'];
  if (stat.isSymbolicLink()) return ['l', '-', '-', escaped(readlinkSync(path))];
  if (!stat.isFile()) return ['?', mode, '-', (stat.mode & 0o170000).toString(8)];
  const size = String(stat.size);
  const isDoubtful = expected?.[0] === 'f' && expected[2] === size && stat.mtimeMs > sealedAt;
  return ['f', mode, size, (isDoubtful ? hashOf(path, room) : null) ?? expected?.[3] ?? ''];
}

/** sha256 of a file, while there is room for it. */
function hashOf(path: string, room: { files: number; bytes: number }): string | null {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    room.files -= 1;
    room.bytes -= fstatSync(file).size;
    return room.files < 0 || room.bytes < 0 ? null : createHash('sha256').update(readFileSync(file)).digest('hex');
  } finally {
    closeSync(file);
  }
}

/** A path as the manifest writes it. */
const escaped = (path: string): string => path.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/\t/g, '\\t');
