/** Files that a run's record names by their hash: written once, masked, and never written over. */
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, fstatSync, linkSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { maskSecrets } from '../../policy/mask.js';
import type { HostContext } from './context.js';
import { runFolder } from './run-files.js';

/** What of one output is read back: 8 MiB; a resolver that says more repeats itself. */
const READ_LIMIT = 8 * 1024 * 1024;

/** The beginning of a file that may be long. */
export function readHead(path: string): string {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(Math.min(fstatSync(fd).size, READ_LIMIT));
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(fd);
  }
}

/** Most files of one name in one run: an activity is not tried that often. */
const MOST = 1000;

/**
 * Writes `NAME.log`, or the first free `NAME-2.log`, `NAME-3.log` … in the run's folder: what an earlier attempt put on
 * record stays what its hash says. Mode 600.
 */
export function writeEvidence(ctx: HostContext, run: string, name: string, text: string): { path: string; sha256: string } {
  const folder = runFolder(ctx, run);
  const bytes = Buffer.from(maskSecrets(text));
  const temporary = join(folder, `.${name}-${randomBytes(6).toString('hex')}`);
  writeFileSync(temporary, bytes, { mode: 0o600, flush: true });
  try {
    for (let count = 1; ; count += 1) {
      const path = join(folder, `${name}${count === 1 ? '' : `-${count}`}.log`);
      try {
        linkSync(temporary, path);
        return { path, sha256: createHash('sha256').update(bytes).digest('hex') };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || count === MOST) throw error;
      }
    }
  } finally {
    rmSync(temporary, { force: true });
  }
}
