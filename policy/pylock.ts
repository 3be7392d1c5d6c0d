/** pylock.toml (PEP 751): what a resolver found for every pin, with every wheel an interpreter could use. */
import { parse } from 'smol-toml';
import { shown } from './mask.js';
import type { Objection } from './model.js';
import { isVersion } from './pep440.js';
import { isProjectName, normalizeProjectName } from './project-name.js';

/** A file of a package, by hash; addresses are not kept. */
export interface LockedFile {
  name: string;
  /** Hex. */
  sha256: string;
  /** Set only where the lock carries the file's own Requires-Python. */
  requiresPython: string | null;
}

export interface LockedPackage {
  /** Normalised (PEP 503). */
  project: string;
  version: string;
  marker: string | null;
  requiresPython: string | null;
  wheels: LockedFile[];
  sdist: LockedFile | null;
}

export interface Pylock {
  packages: LockedPackage[];
  /** Dependency groups installed by default. */
  defaultGroups: string[];
  requiresPython: string | null;
  /** Why this lock can't be used; empty when it can. */
  problems: Objection[];
}

/** Every wheel of a few hundred packages. */
const MAX_TEXT = 4 * 1024 * 1024;

type Table = Record<string, unknown>;
const WAY_OUT = 'write it again with "uv pip compile --format pylock.toml"';

/** Reads a pylock. Everything it can't stand for (a directory, a repository, a file without sha256) is a problem. */
export function parsePylock(text: string): Pylock {
  const pylock: Pylock = { packages: [], defaultGroups: [], requiresPython: null, problems: [] };
  const refuse = (what: string, expected: string, got: string, wayOut = WAY_OUT): void => void pylock.problems.push({ what, expected, got, wayOut });
  if (text.length > MAX_TEXT) {
    refuse('the pylock', `at most ${MAX_TEXT} characters`, String(text.length));
    return pylock;
  }
  let document: Table;
  try {
    document = parse(text);
  } catch (error) {
    refuse('the pylock', 'TOML', shown(String((error as Error).message).split('\n')[0]!));
    return pylock;
  }
  const version = textOf(document['lock-version']);
  if (version === null || !/^1\./.test(version)) {
    refuse('the pylock', 'lock-version = "1.0"', version === null ? 'no lock-version' : shown(version));
    return pylock;
  }
  pylock.requiresPython = textOf(document['requires-python']);
  pylock.defaultGroups = listOf(document['default-groups']).filter((it): it is string => typeof it === 'string');
  const entries = listOf(document['packages']);
  if (entries.length === 0) refuse('the pylock', 'at least one [[packages]]', 'none');
  for (const [index, entry] of entries.entries()) {
    const read = isTable(entry) ? readPackage(entry, index) : { what: `package ${index + 1} of the pylock`, expected: 'a table', got: typeof entry, wayOut: WAY_OUT };
    if ('what' in read) pylock.problems.push(read);
    else pylock.packages.push(read);
  }
  return pylock;
}

function readPackage(entry: Table, index: number): LockedPackage | Objection {
  const name = textOf(entry['name']);
  const version = textOf(entry['version']);
  const what = `package ${name === null ? index + 1 : shown(name, 60)} of the pylock`;
  if (name === null || !isProjectName(name)) return { what, expected: 'a project name', got: name === null ? 'none' : shown(name), wayOut: WAY_OUT };
  const source = ['vcs', 'directory', 'archive'].find((kind) => entry[kind] !== undefined);
  if (source !== undefined) return { what, expected: 'a released version from an index', got: `a ${source} source`, wayOut: 'build it into a wheel on your index and pin that' };
  if (version === null || !isVersion(version)) return { what, expected: 'a version', got: version === null ? 'none' : shown(version), wayOut: WAY_OUT };
  const wheels = listOf(entry['wheels']).map((it) => readFile(it, what));
  const sdist = entry['sdist'] === undefined ? null : readFile(entry['sdist'], what);
  const bad = [...wheels, sdist].find((it): it is Objection => it !== null && 'what' in it);
  if (bad !== undefined) return bad;
  return {
    project: normalizeProjectName(name),
    version,
    marker: textOf(entry['marker']),
    requiresPython: textOf(entry['requires-python']),
    wheels: wheels as LockedFile[],
    sdist: sdist as LockedFile | null,
  };
}

/** PEP 751: the name is given, or the last part of path or address. */
function readFile(raw: unknown, what: string): LockedFile | Objection {
  const file = isTable(raw) ? raw : {};
  const name = textOf(file['name']) ?? lastPart(textOf(file['url']) ?? textOf(file['path']) ?? '');
  const hashes = isTable(file['hashes']) ? file['hashes'] : {};
  const sha256 = textOf(hashes['sha256'])?.toLowerCase() ?? '';
  if (!/^[0-9A-Za-z][^/\\\u0000-\u001f]*$/.test(name)) return { what, expected: 'files with a name', got: shown(name) || 'none', wayOut: WAY_OUT };
  if (!/^[0-9a-f]{64}$/.test(sha256)) return { what, expected: `a sha256 for ${shown(name)}`, got: shown(sha256) || 'none', wayOut: WAY_OUT };
  return { name, sha256, requiresPython: textOf(file['requires-python']) };
}

function lastPart(address: string): string {
  const path = address.split(/[?#]/)[0]!;
  const last = path.slice(path.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
