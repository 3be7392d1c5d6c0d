/** WF-11: what the installers keep for the owner: where, how many wheels, how much. Counted by looking, not by asking a tool. */
import { lstatSync, readdirSync } from 'node:fs';
import type { Dirent } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Diagnosis, Owner } from '../../policy/model.js';
import { asOwner } from './owner.js';

/** Entries looked at, at most: a cache of this size is tens of environments. */
const MOST_ENTRIES = 500_000;
/** uv keeps each unpacked wheel as one folder in here. */
const UV_ARCHIVES = /^uv\/archive-v\d+$/;

/**
 * Size and wheels of the cache of one owner, looked at as that owner, links not followed. Wheels: the unpacked ones of uv,
 * and the files pip built and kept. What vanishes meanwhile is not counted.
 */
export async function cacheFacts(cacheDir: string, owner: Owner): Promise<Diagnosis['cache']> {
  const facts = { location: cacheDir, wheels: 0, bytes: 0 };
  const waiting = [''];
  for (let looked = 0; waiting.length > 0 && looked < MOST_ENTRIES; ) {
    const folder = waiting.pop()!;
    const entries = asOwner(owner, () => sized(join(cacheDir, folder)));
    looked += entries.length;
    for (const { entry, bytes } of entries) {
      facts.bytes += bytes;
      if (entry.isDirectory()) waiting.push(folder === '' ? entry.name : join(folder, entry.name));
      if (entry.isDirectory() ? UV_ARCHIVES.test(folder) : entry.name.endsWith('.whl')) facts.wheels += 1;
    }
    // Other work of the agent goes on between two folders.
    await setImmediate();
  }
  return facts;
}

/** Entries of one folder with the bytes of its files; empty where it can't be read. */
function sized(folder: string): { entry: Dirent; bytes: number }[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).map((entry) => ({ entry, bytes: entry.isFile() ? (lstatSync(join(folder, entry.name), { throwIfNoEntry: false })?.size ?? 0) : 0 }));
  } catch {
    return [];
  }
}
