/**
 * What was measured before, by this user: versions of interpreters, and what policy and project files said, each with the stamp
 * of the file it was read from. In a file that only this user can have written; anything else is not read, and then everything
 * is measured again. It can only save time: what is not in it, or has another stamp, is asked.
 */
import { constants, lstatSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { JudgedInterpreter } from '../../policy/checks/guard.js';
import { readPlain } from './files.js';

/** Of the file; another form is not read. */
const FORM = 1;
/** Entries of a kind; the oldest go first. */
const LARGEST = 64;

export interface KnownInterpreter {
  stamp: string;
  version: string;
  implementation: string;
  /** Libraries that hold the interpreter where its executable is only a launcher. */
  libraries: { path: string; stamp: string }[];
}

export interface KnownPolicy {
  stamp: string;
  /** By implementation and version. */
  verdicts: Record<string, JudgedInterpreter>;
}

export interface KnownLink {
  stamp: string;
  link: string;
}

interface Known {
  form: typeof FORM;
  interpreters: Record<string, KnownInterpreter>;
  policies: Record<string, KnownPolicy>;
  links: Record<string, KnownLink>;
}

type Kind = 'interpreters' | 'policies' | 'links';

export interface Memory {
  get<K extends Kind>(kind: K, key: string): Known[K][string] | null;
  put<K extends Kind>(kind: K, key: string, value: Known[K][string]): void;
  /** Writes what was put, in one rename. That it can't be written is nobody's problem: the next start measures again. */
  keep(): void;
}

/** @param folder this product's cache folder of this user */
export function openMemory(folder: string): Memory {
  const file = path.join(folder, 'guard.json');
  const known = readKnown(folder, file);
  let isChanged = false;
  return {
    get: (kind, key) => (Object.hasOwn(known[kind], key) ? (known[kind][key] as never) : null),
    put(kind, key, value) {
      const { [key]: _old, ...others } = known[kind] as Record<string, unknown>;
      known[kind] = Object.fromEntries([...Object.entries(others).slice(1 - LARGEST), [key, value]]) as never;
      isChanged = true;
    },
    keep() {
      if (isChanged) writeKnown(folder, file, known);
    },
  };
}

const nothing = (): Known => ({ form: FORM, interpreters: {}, policies: {}, links: {} });

function readKnown(folder: string, file: string): Known {
  try {
    if (!isOwn(folder)) return nothing();
    const read = readPlain(file, constants.O_NOFOLLOW);
    if (!read || Number(read.stat.uid) !== process.geteuid!() || (Number(read.stat.mode) & 0o077) !== 0 || read.stat.nlink !== 1n) return nothing();
    const known = JSON.parse(read.text) as Partial<Known> | null;
    return known?.form === FORM && [known.interpreters, known.policies, known.links].every(isTable) ? (known as Known) : nothing();
  } catch {
    return nothing();
  }
}

/** A table of entries that each have a stamp. */
function isTable(table: unknown): boolean {
  return typeof table === 'object' && table !== null && Object.values(table).every((entry) => typeof (entry as Partial<KnownLink> | null)?.stamp === 'string');
}

/** A folder of this user in which nobody else can put a file. */
function isOwn(folder: string): boolean {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  return stat !== undefined && stat.isDirectory() && stat.uid === process.geteuid!() && (stat.mode & 0o022) === 0;
}

/** One level: Node's recursive way never ends below /proc. */
function makeFolder(folder: string): void {
  if (!lstatSync(folder, { throwIfNoEntry: false })) mkdirSync(folder, { mode: 0o700 });
}

function writeKnown(folder: string, file: string, known: Known): void {
  const draft = `${file}.${process.pid}`;
  try {
    makeFolder(path.dirname(folder));
    makeFolder(folder);
    if (!isOwn(folder)) return;
    rmSync(draft, { force: true });
    writeFileSync(draft, JSON.stringify(known), { mode: 0o600, flag: 'wx' });
    renameSync(draft, file);
  } catch {
    try {
      rmSync(draft, { force: true });
    } catch {
      // A full or read-only disk: nothing was kept.
    }
  }
}
