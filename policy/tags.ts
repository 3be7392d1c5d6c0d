/** Which wheel an interpreter can install: PEP 425 tags in the order pip prefers them, and PEP 427 file names. */
import type { Interpreter } from './model.js';
import { isVersion } from './pep440.js';
import { platformTags } from './platform-tags.js';
import { normalizeProjectName } from './project-name.js';
import { parsePythonVersion } from './versions.js';

/** A wheel's file name, read. */
export interface WheelName {
  /** Normalised (PEP 503). */
  project: string;
  version: string;
  /** PEP 427 build tag: number and rest; null without one. */
  build: [number, string] | null;
  /** Compressed tag sets written out, lower case: `cp313-cp313-manylinux_2_17_x86_64`. */
  tags: string[];
}

/** The most tags one name may stand for; real ones have some dozens. */
const MAX_TAGS = 4096;

/** Reads a wheel file name; null when it is none. */
export function parseWheelName(fileName: string): WheelName | null {
  if (!fileName.endsWith('.whl')) return null;
  const parts = fileName.slice(0, -'.whl'.length).split('-');
  if (parts.length !== 5 && parts.length !== 6) return null;
  const [name = '', version = ''] = parts;
  if (name.includes('__') || !/^[\p{L}\p{N}_.]+$/u.test(name) || !isVersion(version)) return null;
  const build = parts.length === 6 ? /^([0-9]+)(.*)$/.exec(parts[2]!) : null;
  if (parts.length === 6 && build === null) return null;
  const tags = expandTags(parts.slice(-3));
  if (tags === null) return null;
  return { project: normalizeProjectName(name), version, build: build === null ? null : [Number(build[1]), build[2]!], tags };
}

function expandTags(components: string[]): string[] | null {
  const [pythons = [], abis = [], platforms = []] = components.map((component) => component.toLowerCase().split('.'));
  if ([...pythons, ...abis, ...platforms].includes('') || !pythons.every((it) => /^[\p{L}_][\p{L}\p{N}_]*$/u.test(it))) return null;
  if (pythons.length * abis.length * platforms.length > MAX_TAGS) return null;
  return pythons.flatMap((python) => abis.flatMap((abi) => platforms.map((platform) => `${python}-${abi}-${platform}`)));
}

/**
 * Every tag the interpreter accepts, most specific first, as `packaging.tags.sys_tags()` orders them there. Interpreters other
 * than CPython get the pure-Python tags only. Empty when the version can't be read.
 */
export function supportedTags(interpreter: Interpreter): string[] {
  const version = parsePythonVersion(interpreter.version);
  if (version === null) return [];
  const platforms = platformTags(interpreter);
  const native = (python: string, abi: string): string[] => platforms.map((platform) => `${python}-${abi}-${platform}`);
  const older = Array.from({ length: version.minor }, (_, index) => `${version.major}${version.minor - 1 - index}`);
  const line = `${version.major}${version.minor}`;
  const pures = [`py${line}`, `py${version.major}`, ...older.map((it) => `py${it}`)];
  const pure = pures.flatMap((python) => native(python, 'none'));
  const anywhere = pures.map((python) => `${python}-none-any`);
  if (interpreter.implementation.toLowerCase() !== 'cpython') return [...pure, ...anywhere];
  const own = `cp${line}`;
  const stable = interpreter.freeThreaded ? 'abi3t' : 'abi3';
  const exact = abisOf(interpreter, line).flatMap((abi) => native(own, abi));
  // PEP 384 began with 3.2: no abi3 wheel can be older.
  const olderStable = older.slice(0, Math.max(0, version.minor - 2)).flatMap((it) => native(`cp${it}`, stable));
  return [...exact, ...native(own, stable), ...native(own, 'none'), ...olderStable, ...pure, `${own}-none-any`, ...anywhere];
}

/** `cp313`, `cp313t`, `cp36m`; a debug build also takes files of the normal one. Flags are read from SOABI (`cpython-313td-…`). */
function abisOf(interpreter: Interpreter, line: string): string[] {
  const threading = interpreter.freeThreaded ? 't' : '';
  const flags = /^cpython-[0-9]+([a-z]*)(?:-|$)/.exec(interpreter.soabi)?.[1]?.replace('t', '') ?? '';
  const own = `cp${line}${threading}${flags}`;
  return flags === 'd' ? [own, `cp${line}${threading}`] : [own];
}

/** Place of each tag in an interpreter's order, for many lookups. */
export function tagRanks(interpreter: Interpreter): Map<string, number> {
  const ranks = new Map<string, number>();
  for (const tag of supportedTags(interpreter)) if (!ranks.has(tag)) ranks.set(tag, ranks.size);
  return ranks;
}

/**
 * The wheel pip would take among files of one version: most specific tag, then highest build tag, then the first listed.
 * Null when none fits; files that are no wheels are passed over.
 * @param ranks from `tagRanks(interpreter)`, to judge a whole lock with one table.
 */
export function bestWheel<File extends { name: string }>(files: File[], interpreter: Interpreter, ranks = tagRanks(interpreter)): File | null {
  let best: { file: File; rank: number; build: [number, string] | null } | null = null;
  for (const file of files) {
    const wheel = parseWheelName(file.name);
    const rank = Math.min(...(wheel?.tags ?? []).map((tag) => ranks.get(tag) ?? Infinity));
    if (wheel === null || rank === Infinity) continue;
    if (best === null || rank < best.rank || (rank === best.rank && compareBuilds(wheel.build, best.build) > 0)) best = { file, rank, build: wheel.build };
  }
  return best?.file ?? null;
}

function compareBuilds(a: [number, string] | null, b: [number, string] | null): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  if (a[0] !== b[0]) return a[0] - b[0];
  return a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0;
}
