/** Judges what lies on the way to a file: whether another user than root could put something else there. */
import { lstatSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { Owner } from '../../../policy/model.js';

/** Who owns nothing: runs what root's own folder has, and what others than root may write to. */
export const NOBODY: Owner = { uid: 65534, gid: 65534, name: 'nobody' };
/** As the kernel counts links on the way to a file. */
const MOST_LINKS = 40;

const GROUP_WRITES = 0o020;
const OTHERS_WRITE = 0o002;
/** Only an entry's owner may rename or remove it. */
const STICKY = 0o1000;

/** A user other than root who decides what would run. */
export class Foreign extends Error {
  constructor(readonly owner: Owner) {
    super(owner.name);
  }
}

/** Throws {@link Foreign} where it is not root's alone. `isOnWay`: what lies in it is judged, too. */
export function judge(stat: Stats, isOnWay = false): void {
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

/** Judges every folder, link and file on the way to a path, links followed. Returns where it ends; null: there is nothing. */
export function way(path: string): string | null {
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

export function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw error;
  }
}
