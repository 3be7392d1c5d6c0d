/**
 * What is left to try when no interpreter has a wheel for every pin: the rungs in order, each with its reason, and how another
 * lock differs from this one. Names are compared normalised and versions by PEP 440 (DEF-07, DEF-09).
 */
import { shown } from './mask.js';
import type { LockProposal, LockVerdict, PinVerdict, Rung } from './model.js';
import { compareVersions } from './pep440.js';
import { normalizeProjectName } from './project-name.js';
import { counted } from './text.js';

/** A pin as a lock, a listing or a verdict names it. */
export interface NamedPin {
  project: string;
  version: string;
}

/** WF-36: which part of a lock can be installed from wheels. A diagnosis, never something to switch to. */
export interface InstallableSubset {
  installable: NamedPin[];
  /** Not installable, and why. */
  missing: (NamedPin & { why: string })[];
  /** The index gave no answer for these: neither. */
  unanswered: string[];
  /** Installable pins that lack what they need, directly or through others. */
  broken: { project: string; lacks: string[] }[];
  /** `installable_packages.txt`: `name==version` a line, sorted by name. */
  text: string;
}

/**
 * Divides a judged lock. `requires` (project to the projects it needs) tells who lacks what, as far as it is known: without it,
 * nobody is said to.
 */
export function installableSubset(verdict: LockVerdict, requires: Readonly<Record<string, readonly string[]>> = {}): InstallableSubset {
  const pins = verdict.pins.map((pin) => ({ ...pin, project: normalizeProjectName(pin.project) })).sort((a, b) => (a.project < b.project ? -1 : a.project > b.project ? 1 : 0));
  const installable = pins.filter((pin) => pin.verdict === 'wheel').map(({ project, version }) => ({ project, version }));
  const missing = pins.filter(isMissing).map(({ project, version, why }) => ({ project, version, why }));
  const gone = new Set(missing.map((pin) => pin.project));
  const needs = new Map(Object.entries(requires).map(([project, needed]) => [normalizeProjectName(project), needed.map(normalizeProjectName)]));
  const broken = installable.map(({ project }) => ({ project, lacks: reach(project, needs).filter((one) => gone.has(one)) })).filter(({ lacks }) => lacks.length > 0);
  return {
    installable,
    missing,
    unanswered: pins.filter((pin) => pin.verdict === 'index-error').map((pin) => pin.project),
    broken,
    text: installable.map(({ project, version }) => `${project}==${version}\n`).join(''),
  };
}

const isMissing = (pin: PinVerdict): boolean => pin.verdict !== 'wheel' && pin.verdict !== 'index-error';

/** Everything a project needs, itself left out; a circle ends. */
function reach(project: string, needs: ReadonlyMap<string, readonly string[]>): string[] {
  const found = new Set<string>();
  const waiting = [...(needs.get(project) ?? [])];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next === project || found.has(next)) continue;
    found.add(next);
    waiting.push(...(needs.get(next) ?? []));
  }
  return [...found].sort();
}

/** What a builder needs to know of a pin: the lock's hashes for its source release, and whether it surely has a compiled part. */
export interface BuildPin extends NamedPin {
  /** `sha256:HEX` of the lock; empty or absent: any source release of that version. */
  hashes?: string[];
  /** Wheels exist for other interpreters or platforms: it can't be built without a compiler. */
  native?: boolean;
}

/** The pins without a wheel that a source build could help, in the lock's order by name. */
export function buildablePins(verdict: LockVerdict): BuildPin[] {
  return verdict.pins
    .filter((pin) => pin.verdict === 'sdist-only')
    .map(({ project, version, hashes, cause }) => ({ project: normalizeProjectName(project), version, ...(hashes && hashes.length > 0 ? { hashes } : {}), ...(cause === undefined ? {} : { native: true }) }));
}

export interface LadderTerms {
  /** There is a host with the role `builder` that may be asked. */
  hasBuilder: boolean;
  /** The policy's word for the host's class. */
  build: 'never' | 'builder';
}

export interface RungStep {
  rung: Rung;
  /** Why it is taken, one clause. */
  why: string;
}

/**
 * The rungs that are left, in order. `verdicts` are those of the interpreters in question, the last one of the fallback.
 * A complete verdict needs wheels alone; a question without an answer, or a hash that differs, leaves no rung: it is settled first,
 * not climbed over.
 */
export function nextRungs(verdicts: readonly LockVerdict[], terms: LadderTerms): RungStep[] {
  const complete = verdicts.find((verdict) => verdict.error === null && verdict.pins.length > 0 && verdict.pins.every((pin) => pin.verdict === 'wheel'));
  if (complete) return [{ rung: 'wheels', why: `all ${counted(complete.pins.length, 'pin')} have a wheel for Python ${complete.version}` }];
  const last = verdicts.at(-1);
  if (!last || last.error !== null || last.missing.length === 0) return [];
  const { installable, missing } = installableSubset(last);
  const sources = buildablePins(last);
  const build = buildObstacle(last, terms) === null
    ? [
        { rung: 'source-one' as const, why: `${names(sources)} can be built from source on a builder, each with wheels for its build requirements` },
        { rung: 'source-all' as const, why: 'for what does not build so: everything from source, its build requirements too' },
      ]
    : [];
  return [
    { rung: 'subset', why: `${installable.length} of ${counted(last.pins.length, 'pin')} have a wheel for Python ${last.version}; a diagnosis only` },
    ...build,
    { rung: 'verified-pins', why: 'a lock this host verified before may have these packages; a proposal' },
    { rung: 'known-good', why: 'the policy names known-good pins; a proposal that deviates from the lock' },
    { rung: 'relock', why: `the nearest releases with wheels for ${names(missing)}; a proposal` },
    { rung: 'bump', why: 'newer releases of what installs and does not import; a proposal' },
  ];
}

/** Why no source build is among the rungs; null when it is. */
export function buildObstacle(verdict: LockVerdict, { hasBuilder, build }: LadderTerms): string | null {
  if (build === 'never') return 'the policy says "build: never" for this class of host';
  if (!hasBuilder) return 'no host with the role "builder" is named: set "builder" in the policy file, and "roles: [builder]" with "wheelhouse" in that host\'s agent file';
  return buildablePins(verdict).length > 0 ? null : 'none of the missing pins has a source release on the index';
}

/** How a lock differs from another one. */
export interface LockDiff {
  /** `from` is empty for what was added, `to` for what was left out. */
  changes: LockProposal['changes'];
  /** `-name==old`, `+name==new`, by name. */
  lines: string[];
}

/** Compares two sets of pins; the same version written in two ways is no change. A project with several pins (markers) counts as one. */
export function lockDiff(from: readonly NamedPin[], to: readonly NamedPin[]): LockDiff {
  const before = versionsOf(from);
  const after = versionsOf(to);
  const projects = [...new Set([...before.keys(), ...after.keys()])].sort();
  const changes = projects
    .map((project) => ({ project, from: before.get(project) ?? [], to: after.get(project) ?? [] }))
    .filter((one) => one.from.length !== one.to.length || one.from.some((version, at) => compareVersions(version, one.to[at]!) !== 0))
    .map((one) => ({ project: one.project, from: one.from.join(' | '), to: one.to.join(' | ') }));
  return { changes, lines: diffLines(changes) };
}

const diffLines = (changes: LockDiff['changes']): string[] =>
  changes.flatMap((one) => [...(one.from === '' ? [] : [`-${one.project}==${one.from}`]), ...(one.to === '' ? [] : [`+${one.project}==${one.to}`])]);

function versionsOf(pins: readonly NamedPin[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { project, version } of pins) {
    const name = normalizeProjectName(project);
    const known = found.get(name) ?? [];
    if (!known.some((one) => compareVersions(one, version) === 0)) found.set(name, [...known, version].sort(compareVersions));
  }
  return found;
}

const RUNG_WORDS: Record<Rung, string> = {
  wheels: 'wheels alone',
  subset: 'the installable subset',
  'source-one': 'source builds of single pins',
  'source-all': 'source builds of everything',
  'verified-pins': 'pins this product verified before',
  'known-good': 'known-good pins of the policy',
  relock: 'minimal relock: the nearest releases that have wheels',
  bump: 'minimal relock, and a newer release of what did not import',
};

/** What a rung is called for people. */
export const rungText = (rung: Rung): string => RUNG_WORDS[rung];

/** A proposal for people: what it is, that it deviates (DIS-20), its difference, and what trying it showed. */
export function proposalText({ rung, interpreter, changes, lockSha256, tried }: LockProposal): string {
  const { passed, total } = tried.imports;
  const result = tried.installed ? `installed in a scratch tree; ${passed} of ${counted(total, 'module')} imported` : 'not installed';
  const what = lockSha256 === '' ? 'no such lock was found' : `deviates from the lock in ${counted(changes.length, 'pin')}; needs the approval of whoever approves locks`;
  return [
    `${rungText(rung)}, for Python ${interpreter}: ${what}`,
    ...diffLines(changes).map((line) => `  ${line}`),
    `tried: ${result}${tried.problem === '' ? '' : `; ${shown(tried.problem, 400)}`}`,
    ...(lockSha256 === '' ? [] : [`lock: sha256 ${lockSha256}`]),
    '',
  ].join('\n');
}

/** The most names a clause lists. */
const MAX_NAMES = 8;

function names(pins: readonly NamedPin[]): string {
  const rest = pins.length - MAX_NAMES;
  return pins.slice(0, MAX_NAMES).map((pin) => pin.project).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
