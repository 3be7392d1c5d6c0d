/** Acting as the owner of a project: a root agent must not follow a user's links with root's rights. */
import { lstatSync, readFileSync } from 'node:fs';
import type { Owner } from '../../policy/model.js';

const SYSTEM_USERS = '/etc/passwd';

/** The agent's own user. */
export function agentOwner(): Owner {
  const uid = process.getuid!();
  return { uid, gid: process.getgid!(), name: userName(uid) };
}

/** Owner of what stands at a path, links not followed. */
export function ownerOf(path: string): Owner {
  const { uid, gid } = lstatSync(path);
  return { uid, gid, name: userName(uid) };
}

/** Name by the local password file; the number where it has none (a directory service's users are not looked up). */
function userName(uid: number): string {
  const line = readFileSync(SYSTEM_USERS, 'utf8').split('\n').find((entry) => entry.split(':')[2] === String(uid));
  return line?.split(':')[0] || String(uid);
}

/** What a project's service must read is made with this, whatever the mask of the shell that started us. */
const UMASK = 0o022;

/**
 * Runs a synchronous block with the owner's rights when the agent is root: groups, then effective gid and uid, all
 * given back whatever happens. `act` must not await: identities belong to the whole process, so the rest of the agent,
 * its thread pool included, would go on under the borrowed one.
 */
export function asOwner<T>(owner: Owner, act: () => T): T {
  const umask = process.umask(UMASK);
  try {
    return asUser(owner, act);
  } finally {
    process.umask(umask);
  }
}

function asUser<T>(owner: Owner, act: () => T): T {
  if (process.geteuid!() !== 0 || owner.uid === 0) return act();
  const groups = process.getgroups!();
  const gid = process.getegid!();
  try {
    process.setgroups!(supplementaryGroups(owner));
    process.setegid!(owner.gid);
    process.seteuid!(owner.uid);
    const result = act();
    if (result instanceof Promise) throw new TypeError('asOwner: expected a synchronous block, got a promise');
    return result;
  } finally {
    process.seteuid!(0);
    process.setegid!(gid);
    process.setgroups!(groups);
  }
}

function supplementaryGroups(owner: Owner): number[] {
  const lines = readFileSync('/etc/group', 'utf8').split('\n').map((line) => line.split(':'));
  const extra = lines.filter(([, , , members]) => members?.split(',').includes(owner.name)).map(([, , gid]) => Number(gid));
  return [...new Set([owner.gid, ...extra])];
}
