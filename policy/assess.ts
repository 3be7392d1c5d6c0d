/**
 * Which interpreter can install a lock from wheels alone (PV-16, PV-17, PV-20), and what follows for the fallback. A failure to
 * ask is never "no wheel".
 */
import { classifyOutput, remedyOf } from './failures.js';
import { markerEnvironment, markerHolds } from './markers.js';
import { shown } from './mask.js';
import type { FailureClass, Interpreter, LockVerdict, PinVerdict, WheelFailureCause, WheelVerdict } from './model.js';
import { satisfies } from './pep440.js';
import { isProjectName, normalizeProjectName } from './project-name.js';
import type { LockedPackage, Pylock } from './pylock.js';
import { bestWheel, parseWheelName, tagRanks } from './tags.js';
import { parsePythonVersion } from './versions.js';

export { decideFallback } from './fallback.js';

/**
 * Judges every pin of a resolved lock for one interpreter: Requires-Python, then the best wheel, then what else there is.
 * @param refused verdicts of pins the resolver could not find (from `refusedPins`), which the pylock can't hold.
 */
export function judgeLock(pylock: Pylock, interpreter: Interpreter, refused: PinVerdict[] = []): LockVerdict {
  const environment = markerEnvironment(interpreter, pylock.defaultGroups);
  const ranks = tagRanks(interpreter);
  const judged = pylock.packages
    .filter((it) => markerHolds(it.marker, environment))
    .map((it) => judgePackage(it, pylock.requiresPython, interpreter, ranks));
  const pins = [...judged, ...refused].sort((a, b) => (a.project < b.project ? -1 : a.project > b.project ? 1 : 0));
  return { version: interpreter.version, pins, missing: missingOf(pins), error: null, durationMs: 0 };
}

/** The verdict of a question that got no answer. */
export function unansweredVerdict(version: string, failure: FailureClass, text: string): LockVerdict {
  return { version, pins: [], missing: [], error: { class: failure, text: shown(text, 300) }, durationMs: 0 };
}

function missingOf(pins: PinVerdict[]): string[] {
  return [...new Set(pins.filter((it) => it.verdict !== 'wheel' && it.verdict !== 'index-error').map((it) => it.project))];
}

/** Requires-Python is asked with the release alone, as pip does: 3.14.0rc1 counts as 3.14.0. */
function allowsPython(specifiers: string | null, interpreter: Interpreter): boolean {
  const version = parsePythonVersion(interpreter.version);
  if (specifiers === null || version === null) return true;
  return satisfies(`${version.major}.${version.minor}.${version.patch}`, specifiers) !== false;
}

function judgePackage(pin: LockedPackage, lockRequires: string | null, interpreter: Interpreter, ranks: Map<string, number>): PinVerdict {
  const verdict = (kind: WheelVerdict, why: string, cause?: WheelFailureCause): PinVerdict => ({
    project: pin.project, version: pin.version, verdict: kind, file: null, why, ...(cause === undefined ? {} : { cause }),
  });
  const excluding = [lockRequires, pin.requiresPython].find((it) => !allowsPython(it, interpreter)) ?? null;
  if (excluding !== null) return verdict('requires-python', `requires Python ${shown(excluding)}, this is ${interpreter.version}`, 'python-version-mismatch');
  const own = pin.wheels.filter((it) => isFileOf(it.name, pin));
  const wheel = bestWheel(own.filter((it) => allowsPython(it.requiresPython, interpreter)), interpreter, ranks);
  if (wheel !== null) return { ...verdict('wheel', wheel.name), file: { name: wheel.name, sha256: wheel.sha256 } };
  const excluded = bestWheel(own, interpreter, ranks);
  if (excluded !== null) return verdict('requires-python', `${excluded.name} requires Python ${shown(excluded.requiresPython ?? '')}`, 'python-version-mismatch');
  const host = `Python ${interpreter.version} on ${interpreter.system} ${interpreter.machine}`;
  const kind = pin.sdist === null ? 'no-wheel' : 'sdist-only';
  return verdict(kind, `no wheel for ${host}${pin.sdist === null ? '' : '; a source release exists'}${offers(own)}`, causeOfFiles(own, ranks));
}

/** A file of another project or version never stands for this pin. */
function isFileOf(fileName: string, pin: LockedPackage): boolean {
  const wheel = parseWheelName(fileName);
  return wheel !== null && wheel.project === pin.project && satisfies(wheel.version, `==${pin.version}`) === true;
}

function offers(files: { name: string }[]): string {
  const kinds = new Set(files.map((it) => it.name.split('-').slice(-3).join('-').replace(/\.whl$/, '')));
  return kinds.size === 0 ? '' : `; wheels are for ${shown([...kinds].sort().join(', '), 200)}`;
}

/** Right Python and ABI on some other platform: architecture. No files at all say nothing. */
export function causeOfFiles(files: { name: string }[], ranks: Map<string, number>): WheelFailureCause | undefined {
  if (files.length === 0) return undefined;
  const interfaces = new Set([...ranks.keys()].map((tag) => tag.slice(0, tag.lastIndexOf('-'))));
  const fits = files.some((it) => parseWheelName(it.name)?.tags.some((tag) => interfaces.has(tag.slice(0, tag.lastIndexOf('-')))));
  return fits ? 'architecture-incompatibility' : 'python-version-mismatch';
}

/**
 * Leaves only files the lock itself approved: for pins with sha256 hashes, every other file would fail to install.
 * Pins without hashes keep all their files.
 */
export function restrictToHashes(pylock: Pylock, pins: readonly { project: string; version: string; hashes: string[] }[]): Pylock {
  const approved = new Map<string, Set<string>>();
  for (const pin of pins) {
    const known = approved.get(pin.project) ?? new Set<string>();
    for (const hash of pin.hashes) if (hash.startsWith('sha256:')) known.add(hash.slice('sha256:'.length));
    approved.set(pin.project, known);
  }
  const isApproved = (project: string, sha256: string): boolean => {
    const known = approved.get(project);
    return known === undefined || known.size === 0 || known.has(sha256);
  };
  const packages = pylock.packages.map((it) => ({
    ...it,
    wheels: it.wheels.filter((file) => isApproved(it.project, file.sha256)),
    sdist: it.sdist !== null && isApproved(it.project, it.sdist.sha256) ? it.sdist : null,
  }));
  return { ...pylock, packages };
}

/** What uv says of a pin, with the verdict it means; `NAME` is replaced. */
const REFUSALS: { pattern: RegExp; verdict: WheelVerdict; why: string }[] = [
  { pattern: /there (?:is|are) no versions? of ([^\s=,]+)/gi, verdict: 'version-not-found', why: 'the index has no such version' },
  { pattern: /([^\s=,]+)(?:==[^\s,]+)? was not found in the (?:package registry|provided package locations|cache)/gi, verdict: 'project-not-found', why: 'the index has no such project' },
  { pattern: /([^\s=,]+)==[^\s,]+ depends on Python[^\s,]+/gi, verdict: 'requires-python', why: 'its Requires-Python excludes this interpreter' },
];

/**
 * The pins a failed `uv pip compile` names, to take out and call again with the rest. Empty when the failure is not about a
 * pin: then the whole question is unanswered. An index that refuses or can't be reached is never "not found".
 */
export function refusedPins(uvText: string, pins: readonly { project: string; version: string }[]): PinVerdict[] {
  const failure = classifyOutput(uvText, 'uv', 1).class;
  if (!['VERSION_NOT_FOUND', 'PROJECT_NOT_FOUND', 'REQUIRES_PYTHON'].includes(failure)) return [];
  const found = new Map<string, PinVerdict>();
  for (const { pattern, verdict, why } of REFUSALS) {
    for (const [, rawName = ''] of uvText.matchAll(pattern)) {
      const project = isProjectName(rawName) ? normalizeProjectName(rawName) : '';
      for (const pin of pins.filter((it) => it.project === project && !found.has(it.project))) {
        found.set(project, { project, version: pin.version, verdict, file: null, why, ...(verdict === 'requires-python' ? { cause: 'python-version-mismatch' } : {}) });
      }
    }
  }
  return [...found.values()];
}

const CAUSES: Partial<Record<FailureClass, WheelFailureCause>> = {
  NO_DISTRIBUTION: 'architecture-incompatibility',
  WHEEL_WRONG_TAG: 'architecture-incompatibility',
  WHEEL_MISSING: 'python-version-mismatch',
  REQUIRES_PYTHON: 'python-version-mismatch',
  IMPORT_STDLIB_REMOVED: 'python-version-mismatch',
  BUILD: 'missing-system-dependency',
  IMPORT_NATIVE: 'missing-system-dependency',
  WHEEL_CORRUPT: 'corrupted-cache',
};

/**
 * WF-01: which of the four causes a failure has; null when it is none of them (a network error, a hash mismatch, a conflict).
 * @param elsewhere verdicts of the same pin for other interpreters of this host: a wheel there means the Python version is the cause.
 */
export function causeOf(failure: PinVerdict | FailureClass, elsewhere: readonly PinVerdict[] = []): WheelFailureCause | null {
  if (typeof failure === 'string') return CAUSES[failure] ?? null;
  if (failure.cause !== undefined) return failure.cause;
  const isMissing = failure.verdict === 'no-wheel' || failure.verdict === 'sdist-only';
  const hasTwin = elsewhere.some((it) => it.project === failure.project && it.version === failure.version && it.verdict === 'wheel');
  return isMissing && hasTwin ? 'python-version-mismatch' : null;
}

/** WF-01 for every pin of a verdict that has no wheel and whose cause is known, by project. `elsewhere`: the other interpreters' verdicts. */
export function causesOf(verdict: LockVerdict, ...elsewhere: LockVerdict[]): Record<string, WheelFailureCause> {
  const others = elsewhere.flatMap((it) => it.pins);
  const found = verdict.pins.map((it) => [it.project, it.verdict === 'wheel' ? null : causeOf(it, others)] as const);
  return Object.fromEntries(found.filter((it): it is [string, WheelFailureCause] => it[1] !== null));
}

/** What an operator can do about a pin without a wheel. */
export function remedyOfPin(pin: PinVerdict): string {
  const classes: Record<WheelVerdict, FailureClass> = {
    wheel: 'UNKNOWN', 'sdist-only': 'WHEEL_MISSING', 'no-wheel': 'NO_DISTRIBUTION', 'requires-python': 'REQUIRES_PYTHON', yanked: 'VERSION_NOT_FOUND',
    'version-not-found': 'VERSION_NOT_FOUND', 'project-not-found': 'PROJECT_NOT_FOUND', 'index-error': 'INDEX_DOWN',
  };
  return pin.verdict === 'wheel' ? 'nothing to do' : remedyOf(classes[pin.verdict]);
}
