/** The lock a project names: how old, and which pins hold for the interpreter that stands there. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { LockFacts, Measured } from '../../../policy/checks/facts.js';
import { parseRequirementsLock } from '../../../policy/lock.js';
import { markerEnvironment, markerHolds, type MarkerEnvironment } from '../../../policy/markers.js';
import type { Objection } from '../../../policy/model.js';
import { parsePylock } from '../../../policy/pylock.js';
import type { Measuring } from './context.js';
import type { Told } from './interpreter.js';
import { LARGEST, projectFile } from './project-files.js';

/** Reads it. What can't be read says why in `pins`. `told`: null where no interpreter runs. */
export function lockFacts({ ctx, place }: Measuring, told: Told | null): LockFacts {
  const path = place.settings.lock;
  const none: LockFacts = { path, exists: false, bytes: 0, ageSeconds: null, sha256: null, pins: { ok: false, problem: `there is no ${path}` } };
  const unread = (error: unknown): Measured<never> => ({ ok: false, problem: `${path} can't be read: ${(error as Error).message}` });
  try {
    const file = projectFile(place, path);
    if (file === null) return none;
    const there: LockFacts = { ...none, exists: true, bytes: file.stat.size, ageSeconds: Math.floor((ctx.now().getTime() - file.stat.mtimeMs) / 1000) };
    try {
      const bytes = file.read(isPylock(path) ? LARGEST.pylock : LARGEST.lock);
      return { ...there, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), pins: bytes.length === 0 ? { ok: false, problem: `${path} is empty` } : pinsOf(path, bytes.toString('utf8'), told) };
    } catch (error) {
      return { ...there, pins: unread(error) };
    }
  } catch (error) {
    return { ...none, exists: true, pins: unread(error) };
  }
}

/** PEP 751: by its name. */
export const isPylock = (path: string): boolean => /^pylock(\.[^.]+)?\.toml$/.test(basename(path));

type RawPin = { project: string; version: string; marker: string | null };

function pinsOf(path: string, text: string, told: Told | null): Measured<{ project: string; version: string }[]> {
  const { pins, problems } = readPins(path, text);
  const [first] = problems;
  if (first) return { ok: false, problem: `${first.what}: expected ${first.expected}, got ${first.got}${problems.length > 1 ? `; and ${problems.length - 1} more` : ''}` };
  if (told === null && pins.some(({ marker }) => marker !== null)) return { ok: false, problem: `${path} has environment markers, and no interpreter says which of them hold` };
  const environment = told === null ? {} : markersOf(told);
  return { ok: true, value: pins.filter(({ marker }) => markerHolds(marker, environment)).map(({ project, version }) => ({ project, version })) };
}

function readPins(path: string, text: string): { pins: RawPin[]; problems: Objection[] } {
  if (!isPylock(path)) return parseRequirementsLock(text);
  const { packages, problems } = parsePylock(text);
  return { pins: packages, problems };
}

/** What markers see in this interpreter. */
export function markersOf({ version, implementation, markers }: Pick<Told, 'version' | 'implementation' | 'markers'>): MarkerEnvironment {
  const { system, machine, platform_release, platform_version } = markers;
  const known = markerEnvironment({ path: '', realpath: '', version, implementation, build: '', soabi: '', system: system === 'darwin' ? 'macosx' : system, machine, libc: { name: 'none', version: '' }, macosRelease: '', freeThreaded: false, missingModules: [] });
  return { ...known, platform_release, platform_version };
}
