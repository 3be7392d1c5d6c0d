/**
 * Interpreter versions and what the policy says about them. One function classifies for every check (DIS-01), and it reads
 * versions instead of comparing prefixes (DEF-03): `3.120` is minor 120, `3.12.0rc1` is no patch of 3.12.
 */
import type { PolicyFile } from './files/policy-file.js';
import type { Interpreter } from './model.js';

/** A full interpreter version, as `platform.python_version()` prints it. */
export interface PythonVersion {
  major: number;
  minor: number;
  patch: number;
  level: 'alpha' | 'beta' | 'candidate' | 'final';
  /** Number after the release level; 0 for a final release. */
  serial: number;
  /** True for a build between releases: `3.12.1+`. */
  development: boolean;
}

/** What the policy says about an interpreter: its role, and why it has none. */
export interface Classification {
  role: 'primary' | 'fallback' | 'prohibited';
  /** Null unless prohibited. */
  reason: null | 'not-yet-approved' | 'too-old' | 'pre-release' | 'not-listed' | 'not-a-version';
  /** One sentence for people, with what was expected. */
  text: string;
}

/** What of a policy says which interpreters it approves; a policy file is one. */
export interface ApprovedInterpreters {
  interpreters: Record<'primary' | 'fallback', { version: string }>;
}

/** A line of the published version list (PV-11). */
export interface SupportedVersion {
  role: 'primary' | 'fallback' | 'prohibited';
  /** `3.12.x`, `3.11.13`, `>=3.13`. */
  version: string;
  text: string;
  /** PV-06; empty for prohibited ranges. */
  justification: string;
}

const LEVELS = { a: 'alpha', b: 'beta', rc: 'candidate' } as const;
const LEVEL_ORDER = ['alpha', 'beta', 'candidate', 'final'];
const NUMBER = '(0|[1-9][0-9]{0,5})';
const FULL = new RegExp(`^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:(a|b|rc)${NUMBER})?(\\+)?$`);
const SPEC = new RegExp(`^${NUMBER}\\.${NUMBER}(?:\\.x)?$`);

/** Reads a full version; null for everything else (`3.12`, `3.12.x`, `v3.12.1`, white space). */
export function parsePythonVersion(text: string): PythonVersion | null {
  const match = FULL.exec(text);
  if (match === null) return null;
  const [, major, minor, patch, letter, serial, plus] = match;
  return {
    major: Number(major),
    minor: Number(minor),
    patch: Number(patch),
    level: letter === undefined ? 'final' : LEVELS[letter as keyof typeof LEVELS],
    serial: Number(serial ?? 0),
    development: plus !== undefined,
  };
}

/** True for a release the Python project calls final, built from its tag. */
export function isFinal(version: PythonVersion): boolean {
  return version.level === 'final' && !version.development;
}

/** Orders interpreter versions; a development build comes right after the release it names. */
export function comparePython(a: PythonVersion, b: PythonVersion): number {
  return (
    a.major - b.major || a.minor - b.minor || a.patch - b.patch ||
    LEVEL_ORDER.indexOf(a.level) - LEVEL_ORDER.indexOf(b.level) || a.serial - b.serial || Number(a.development) - Number(b.development)
  );
}

/**
 * Whether a full version is what a spec asks for: `3.12` and `3.12.x` mean the whole line (release level not looked at: that is
 * the policy's business), `3.11.13` and `3.13.0rc2` exactly that build. A spec that is none of these matches nothing.
 */
export function matchesSpec(version: string, spec: string): boolean {
  const parsed = parsePythonVersion(version);
  if (parsed === null) return false;
  const line = SPEC.exec(spec);
  if (line !== null) return parsed.major === Number(line[1]) && parsed.minor === Number(line[2]);
  const exact = parsePythonVersion(spec);
  return exact !== null && comparePython(parsed, exact) === 0;
}

/**
 * The newest CPython that matches, null when none does. Final releases go before all others; between equals the one with fewer
 * missing modules, then the one found first. Free-threaded builds only for a spec that says so: `3.14t`.
 */
export function chooseInterpreter(interpreters: Interpreter[], spec: string): Interpreter | null {
  const freeThreaded = spec.endsWith('t');
  const version = freeThreaded ? spec.slice(0, -1) : spec;
  const candidates = interpreters.filter(
    (it) => it.implementation.toLowerCase() === 'cpython' && it.freeThreaded === freeThreaded && matchesSpec(it.version, version),
  );
  return [...candidates].sort(newestFirst)[0] ?? null;
}

function newestFirst(a: Interpreter, b: Interpreter): number {
  const left = parsePythonVersion(a.version)!;
  const right = parsePythonVersion(b.version)!;
  return Number(isFinal(right)) - Number(isFinal(left)) || comparePython(right, left) || a.missingModules.length - b.missingModules.length;
}

/**
 * PV-01 to PV-05: what a version is to this policy. A pre-release never is the exact version it leads to.
 * @param allowPreReleases the host class's setting; release level is not looked at when true.
 */
export function classifyInterpreter(version: string, policy: ApprovedInterpreters, allowPreReleases: boolean): Classification {
  const { primary, fallback } = policy.interpreters;
  const approved = `approved are ${primary.version} (primary) and ${fallback.version} (fallback)`;
  const refuse = (reason: Classification['reason'], why: string): Classification => ({ role: 'prohibited', reason, text: `${why}; ${approved}` });
  const parsed = parsePythonVersion(version);
  if (parsed === null) return refuse('not-a-version', `expected a full interpreter version like 3.12.1, got ${JSON.stringify(version)}`);
  const role = matchesSpec(version, primary.version) ? 'primary' : matchesSpec(version, fallback.version) ? 'fallback' : null;
  if (role !== null && (allowPreReleases || isFinal(parsed))) {
    return { role, reason: null, text: `Python ${version} is the policy's ${role} interpreter (${policy.interpreters[role].version})` };
  }
  const lines = [lineOf(primary.version), lineOf(fallback.version)];
  const own = parsed.major * 1e6 + parsed.minor;
  if (own > Math.max(...lines)) return refuse('not-yet-approved', `Python ${version} is not yet tested and approved`);
  if (own < Math.min(...lines)) return refuse('too-old', `Python ${version} is older than any approved line`);
  if (!allowPreReleases && !isFinal(parsed)) return refuse('pre-release', `Python ${version} is not a final release`);
  return refuse('not-listed', `Python ${version} is not an approved version`);
}

/**
 * DIS-19: whether a fallback may go there. What the policy names as its fallback is that also where the primary's line has it too;
 * to any other version it would be a change that calls itself a fallback.
 */
export const isFallbackTarget = (version: string, { interpreters }: ApprovedInterpreters): boolean => matchesSpec(version, interpreters.fallback.version);

/** Position of a spec's line: major and minor in one number. */
function lineOf(spec: string): number {
  const [major, minor] = spec.split('.');
  return Number(major) * 1e6 + Number(minor);
}

/** The policy's versions with their exact patch levels, and the ranges it forbids. */
export function supportedVersions(policy: PolicyFile): SupportedVersion[] {
  const { primary, fallback } = policy.interpreters;
  const listed = (['primary', 'fallback'] as const).map((role): SupportedVersion => {
    const { version, justification } = policy.interpreters[role];
    const text = version.endsWith('.x') ? `every final patch release of ${version.slice(0, -2)}` : `exactly ${version}`;
    return { role, version, text, justification };
  });
  const lines = [lineOf(primary.version), lineOf(fallback.version)];
  const newest = Math.max(...lines) + 1;
  const oldest = Math.min(...lines);
  const prohibited = (version: string, text: string): SupportedVersion => ({ role: 'prohibited', version, text, justification: '' });
  return [...listed, prohibited(`>=${lineText(newest)}`, 'not yet tested and approved'), prohibited(`<${lineText(oldest)}`, 'unsupported: too old')];
}

function lineText(line: number): string {
  return `${Math.floor(line / 1e6)}.${line % 1e6}`;
}

export { compareVersions, isVersion, satisfies } from './pep440.js';
