/**
 * The host's own list of who may allow what: read anew at each question, and believed only where neither the project's owner nor
 * anybody else could have written it.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import path from 'node:path';
import { parseWith } from '../../policy/files/explain.js';
import { signersFileSchema, type SignersFile } from '../../policy/files/signers-file.js';
import type { Objection } from '../../policy/model.js';
import { refusal } from './refuse.js';

/** A list of people has a few KB; this bounds what is read. */
const MAX_BYTES = 1024 * 1024;

export interface SignersPlace {
  /** Absolute; null: the agent file names none. */
  file: string | null;
  /** User the agent runs as. */
  agentUid: number;
  /** Owner of the project: with write access to the list they would allow themselves everything. */
  ownerUid: number;
}

/** The list, or why it can't be believed. */
export function readSigners({ file, ...who }: SignersPlace): { signers: SignersFile } | { objections: Objection[] } {
  if (file === null) return { objections: [{ what: '"signers" in the agent file', expected: 'the file of people, keys and roles that "trust: signatures" needs', got: 'none', wayOut: 'name it there' }] };
  const problem = foldersProblem(file, who);
  if (problem) return { objections: [problem] };
  const text = readTrusted(file, who);
  if (typeof text !== 'string') return { objections: [text] };
  const parsed = parseWith(signersFileSchema, text, { file, format: 'yaml' });
  return parsed.ok ? { signers: parsed.value } : { objections: parsed.objections };
}

/** The same, thrown as `NotApproved`: without a list nothing is approved here. */
export function loadSigners(place: SignersPlace): SignersFile {
  const read = readSigners(place);
  if ('objections' in read) throw refusal('NotApproved', ...read.objections);
  return read.signers;
}

type Who = Pick<SignersPlace, 'agentUid' | 'ownerUid'>;

/** Whoever may write one of the folders can put another file in its place; links are not followed for the same reason. */
function foldersProblem(file: string, who: Who): Objection | null {
  const folders: string[] = [];
  for (let folder = path.dirname(path.normalize(file)); ; folder = path.dirname(folder)) {
    folders.unshift(folder);
    if (folder === path.dirname(folder)) break;
  }
  for (const folder of folders) {
    const stat = lstatSync(folder, { throwIfNoEntry: false });
    if (!stat?.isDirectory()) return object(folder, 'a folder on the way to the signers file, and no link', stat ? kindOf(stat) : 'nothing there', `name the place itself in "signers" of the agent file`);
    // In a sticky folder (/tmp) only its owner and an entry's owner replace that entry, and both are checked.
    const problem = rightsProblem(folder, stat, who, (stat.mode & 0o1000) !== 0);
    if (problem) return problem;
  }
  return null;
}

/** Opened first and judged by what was opened: what is read is what was judged. */
function readTrusted(file: string, who: Who): string | Objection {
  let handle: number;
  try {
    handle = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const got = code === 'ENOENT' ? 'nothing there' : code === 'ELOOP' ? 'a link' : String(code);
    return object(file, 'the signers file', got, 'put people, keys and roles there, as root, or correct "signers" in the agent file');
  }
  try {
    const stat = fstatSync(handle);
    if (!stat.isFile()) return object(file, 'a regular file', kindOf(stat), 'put the signers file itself there');
    if (stat.size > MAX_BYTES) return object(file, `at most ${MAX_BYTES} bytes`, String(stat.size), 'keep people, keys and roles only');
    return rightsProblem(file, stat, who, false) ?? readFileSync(handle, 'utf8');
  } finally {
    closeSync(handle);
  }
}

/** Root may write there; beside a root agent nobody else, beside another agent nobody who owns the project or shares the file. */
function rightsProblem(name: string, { uid, mode }: Stats, { agentUid, ownerUid }: Who, mayBeShared: boolean): Objection | null {
  const expected = agentUid === 0 ? 'to be owned by root' : 'to be owned by root, or by a user other than the project\'s owner';
  if (uid !== 0 && (agentUid === 0 || uid === ownerUid)) return object(name, expected, `user ${uid}`, `chown root ${name}`);
  if ((mode & 0o022) !== 0 && !mayBeShared) return object(name, 'to be writable by its owner alone', `mode ${(mode & 0o7777).toString(8)}`, `chmod go-w ${name}`);
  return null;
}

const kindOf = (stat: Stats): string => (stat.isSymbolicLink() ? 'a link' : stat.isDirectory() ? 'a folder' : stat.isFile() ? 'a file' : 'something else');

const object = (name: string, expected: string, got: string, wayOut: string): Objection => ({ what: `signers of this host, ${name}`, expected, got, wayOut });
