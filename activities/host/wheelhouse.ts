/**
 * A wheelhouse: a folder of wheels built from source, each with its sha256 in a file beside it (`FILE.whl.sha256`, which
 * `sha256sum -c` reads). Only a wheel with such a record counts: its hash is in no lock.
 */
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, closeSync, constants, createReadStream, fsyncSync, openSync, readFileSync, readdirSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '../../policy/canonical.js';
import type { Interpreter, Owner } from '../../policy/model.js';
import { compareVersions } from '../../policy/pep440.js';
import { bestWheel, parseWheelName } from '../../policy/tags.js';
import type { HostContext } from './context.js';
import { syncFolder } from './link.js';
import { asOwner, ownerOf, agentOwner } from './owner.js';
import { hostRefused } from './refuse.js';

export interface RecordedWheel {
  name: string;
  sha256: string;
  /** Normalised. */
  project: string;
  version: string;
}

const RECORD_SUFFIX = '.sha256';
/** Hash, two blanks, a file name and a newline. */
const RECORD = /^([0-9a-f]{64}) [ *](\S+)\n?$/;
const LARGEST_RECORD = 1024;

/** The wheels of a folder whose hash was recorded, by name; none for a folder that is not there or that has no records. */
export function recordedWheels(folder: string): RecordedWheel[] {
  const names = namesIn(folder);
  const known = new Set(names);
  return names.filter((name) => known.has(name + RECORD_SUFFIX)).flatMap((name) => {
    const wheel = parseWheelName(name);
    const [, sha256, of] = RECORD.exec(shortText(join(folder, name + RECORD_SUFFIX))) ?? [];
    return wheel && sha256 && of === name ? [{ name, sha256, project: wheel.project, version: wheel.version }] : [];
  });
}

/** Changes whenever a file of the folder comes, goes or is replaced. */
export function folderDigest(folder: string): string {
  return digestOf(namesIn(folder).map((name) => {
    const stat = statSync(join(folder, name), { throwIfNoEntry: false });
    return [name, stat?.size ?? -1, stat?.mtimeMs ?? 0, stat?.ino ?? 0];
  }));
}

/** The recorded wheel of a pin that this interpreter takes; null where there is none. */
export function recordedWheel(wheels: readonly RecordedWheel[], pin: { project: string; version: string }, interpreter: Interpreter, ranks?: Map<string, number>): RecordedWheel | null {
  const own = wheels.filter((wheel) => wheel.project === pin.project && compareVersions(wheel.version, pin.version) === 0);
  return own.length === 0 ? null : bestWheel(own, interpreter, ranks);
}

/** sha256 of a file, as it is now. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const block of createReadStream(path)) hash.update(block as Buffer);
  return hash.digest('hex');
}

/** The wheelhouse of this host, and who builds into it. Throws `HostRefused` where this host is no builder. */
export function ownWheelhouse(ctx: HostContext): { folder: string; owner: Owner } {
  const { roles, wheelhouse } = ctx.agentFile;
  if (!roles.includes('builder')) throw hostRefused(`source builds on ${ctx.host}`, 'a host with the role "builder"', roles.length === 0 ? 'no role' : roles.join(', '), 'set "roles: [builder]" and "wheelhouse" in the agent file of a host that may build, and name it as "builder" in the policy file');
  if (wheelhouse === undefined) throw hostRefused(`source builds on ${ctx.host}`, '"wheelhouse" in the agent file: a folder for what is built', 'none', 'make a folder, owned by the user who shall build, and name it');
  if (!statSync(wheelhouse, { throwIfNoEntry: false })?.isDirectory()) throw hostRefused(`wheelhouse ${wheelhouse}`, 'a folder', 'none there', `make it, owned by the user who shall build: mkdir -p ${wheelhouse}`);
  const owner = ownerOf(`${wheelhouse}/.`);
  const agent = agentOwner();
  if (agent.uid !== 0 && agent.uid !== owner.uid) throw hostRefused(`owner of ${wheelhouse}`, agent.name, owner.name, 'only an agent that runs as root builds as another user');
  return { folder: wheelhouse, owner };
}

/**
 * Moves a finished wheel in and records its hash; alone among all builds of this agent. Who comes second with the same name gets
 * the first one's, so that a hash that was handed out stays true. A wheel without record (its builder died here) is replaced.
 */
export function publishWheel(ctx: HostContext, { folder, owner }: { folder: string; owner: Owner }, made: string, file: { name: string; sha256: string }): { name: string; sha256: string } {
  return ctx.store.exclusive(() => asOwner(owner, () => {
    const known = recordedWheels(folder).find((wheel) => wheel.name === file.name);
    if (known) return { name: known.name, sha256: known.sha256 };
    chmodSync(made, 0o644);
    syncFile(made);
    renameSync(made, join(folder, file.name));
    const beside = join(folder, `.${randomBytes(6).toString('hex')}${RECORD_SUFFIX}`);
    const record = openSync(beside, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o644);
    writeSync(record, `${file.sha256}  ${file.name}\n`);
    fsyncSync(record);
    closeSync(record);
    renameSync(beside, join(folder, file.name + RECORD_SUFFIX));
    syncFolder(folder);
    return file;
  }));
}

function syncFile(path: string): void {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  fsyncSync(file);
  closeSync(file);
}

function shortText(path: string): string {
  try {
    return statSync(path).size > LARGEST_RECORD ? '' : readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.whl') || name.endsWith(RECORD_SUFFIX)).sort();
  } catch {
    return [];
  }
}
