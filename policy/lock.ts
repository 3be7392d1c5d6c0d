/** Lock files in requirements form: one exact pin a line, nothing else (PV-15). */
import { parseMarker } from './markers.js';
import { shown } from './mask.js';
import type { Objection } from './model.js';
import { compareVersions, isVersion } from './pep440.js';
import { isProjectName, normalizeProjectName } from './project-name.js';

export { freezeHash, freezeLines } from './freeze.js';
export { markerEnvironment, markerHolds } from './markers.js';
export { normalizeProjectName } from './project-name.js';
export { parsePylock } from './pylock.js';

/** One dependency at one version. */
export interface Pin {
  /** Normalised (PEP 503). */
  project: string;
  version: string;
  /** `sha256:HEX`, as the lock gives them; empty for a lock without hashes. */
  hashes: string[];
  /** PEP 508 environment marker, or null for every environment. */
  marker: string | null;
  /** 1-based line the pin begins on. */
  line: number;
}

export interface RequirementsLock {
  pins: Pin[];
  /** Why this lock can't be used; empty when it can. */
  problems: Objection[];
}

// Never two quantifiers side by side over the same characters: the time would be the square of a line's length.
const PIN = /^([^\s=<>!~;@[\]()]+)\s*(?:\[([^\]]*)\]\s*)?==\s*([^\s;,=]+)\s*(?:;(.*))?$/;
const HASH_LENGTHS: Record<string, number> = { sha256: 64, sha384: 96, sha512: 128 };
/** More problems than this are counted, not listed. */
const MAX_PROBLEMS = 20;
/** A lock with more is no list of what a project installs. */
const MAX_PINS = 20_000;
const MAX_TEXT = 2 * 1024 * 1024;
/** Of a line without its hashes. */
const MAX_REQUIREMENT = 4096;

/** Reads a lock. Names are normalised, `name[extra]==1.0` pins `name`; what is no pin becomes a problem with its line number. */
export function parseRequirementsLock(text: string): RequirementsLock {
  const foreign = text.length > MAX_TEXT ? `a text of ${text.length} characters, more than ${MAX_TEXT}` : foreignFormat(text);
  if (foreign !== null) return { pins: [], problems: [notALock(foreign)] };
  const found: Found = new Map();
  const problems: Objection[] = [];
  for (const { text: content, line } of logicalLines(text)) {
    const read = readPin(content, line);
    if ('what' in read) problems.push(read);
    else addPin(found, read, problems);
    if (found.size > MAX_PINS) return { pins: [], problems: [notALock(`more than ${MAX_PINS} pins`)] };
  }
  const pins = [...found.values()].map(({ pin, hashes }) => ({ ...pin, hashes: [...hashes] }));
  if (pins.length === 0 && problems.length === 0) problems.push(notALock('a file without a single pin'));
  return { pins, problems: capped(problems) };
}

/** Names the format of a file that is certainly no requirements lock. */
function foreignFormat(text: string): string | null {
  const start = text.replace(/^\ufeff/, '').trimStart();
  if (/[\u0000\ufffd]/.test(text)) return 'a binary file, or text that is not UTF-8';
  if (start.startsWith('<')) return 'an HTML or XML page';
  if (/^[{[]\s*(?:["{\]}]|$)/.test(start)) return 'a JSON file';
  const first = start.split(/\r?\n/).find((it) => /^[^#\s]/.test(it)) ?? '';
  if (/^\[\[?[A-Za-z][\w.-]*\]\]?\s*$|^[A-Za-z][\w-]*\s*=\s*["'[{]/.test(first)) return 'a TOML or INI file';
  return null;
}

function notALock(got: string): Objection {
  return {
    what: 'the lock',
    expected: 'a requirements lock: one NAME==VERSION a line, optionally with --hash',
    got,
    wayOut: 'write one with "uv pip compile --generate-hashes requirements.in -o requirements.txt", and name it as "lock" in runbook.yaml (a pylock must be called pylock.toml or pylock.NAME.toml)',
  };
}

/** Lines without comments, continuations joined the way pip joins them; a comment ends a continuation. */
function logicalLines(text: string): { text: string; line: number }[] {
  const lines: { text: string; line: number }[] = [];
  let pending: { text: string; line: number } | null = null;
  for (const [index, raw] of text.replace(/^\ufeff/, '').split(/\r\n|\r|\n/).entries()) {
    const isComment = /^\s*#/.test(raw);
    const continues = raw.endsWith('\\') && !isComment;
    const content = continues ? raw.slice(0, -1) : raw;
    pending = pending === null ? { text: content, line: index + 1 } : { text: `${pending.text} ${content}`, line: pending.line };
    if (continues) continue;
    lines.push(pending);
    pending = null;
  }
  if (pending !== null) lines.push(pending);
  return lines.map((it) => ({ ...it, text: withoutComment(it.text).trim() })).filter((it) => it.text !== '');
}

/** Other tools end a line, and a comment with it, where Unicode has a line end: such a comment stays, and makes the line no pin. */
function withoutComment(text: string): string {
  const at = text.search(/(?:^|\s)#/);
  return at < 0 || /[\u2028\u2029]/.test(text.slice(at + 1)) ? text : text.slice(0, at);
}

function readPin(text: string, line: number): Pin | Objection {
  const { requirement, hashes, badHash } = splitHashes(text);
  const match = requirement.length > MAX_REQUIREMENT ? null : PIN.exec(requirement);
  const [, name = '', , version = '', marker = null] = match ?? [];
  if (match === null || !isProjectName(name) || !isVersion(version)) return notAPin(text, line);
  if (badHash !== null) {
    return { what: `line ${line} of the lock`, expected: '--hash=sha256:HEX with all 64 digits', got: shown(badHash), wayOut: 'write the lock again with "uv pip compile --generate-hashes"' };
  }
  if (marker !== null && parseMarker(marker) === null) {
    return { what: `line ${line} of the lock`, expected: 'an environment marker after ";", like python_version < "3.12"', got: shown(marker.trim()), wayOut: 'correct the marker or remove it' };
  }
  return { project: normalizeProjectName(name), version, hashes, marker: marker === null ? null : marker.trim(), line };
}

/** Takes the `--hash` options off the end of a line. */
function splitHashes(text: string): { requirement: string; hashes: string[]; badHash: string | null } {
  const [requirement = '', ...rest] = text.split(/\s--hash[=\s]\s*/);
  const values = rest.map((it) => it.trim());
  const isHash = (value: string): boolean => {
    const [algorithm = '', hex = ''] = value.split(':');
    return HASH_LENGTHS[algorithm] === hex.length && /^[0-9a-f]+$/i.test(hex);
  };
  return { requirement: requirement.trim(), hashes: [...new Set(values.map((it) => it.toLowerCase()))], badHash: values.find((it) => !isHash(it)) ?? null };
}

function notAPin(text: string, line: number): Objection {
  return { what: `line ${line} of the lock`, expected: 'one pinned version: NAME==VERSION', got: shown(text), wayOut: wayOutOf(text) };
}

/** Most specific first. */
function wayOutOf(text: string): string {
  if (text.length > MAX_REQUIREMENT) return `shorten the line to ${MAX_REQUIREMENT} characters without its hashes, or remove it`;
  if (/^(?:-i|--index-url|--extra-index-url|-f|--find-links|--no-index|--trusted-host)\b/.test(text)) return 'remove the line; the package index is set by the host in agent.yaml';
  if (/^(?:-r|--requirement|-c|--constraint)\b/.test(text)) return 'compile all files into one lock: uv pip compile --generate-hashes FILES -o requirements.txt';
  if (/^(?:-e|--editable)\b/.test(text)) return 'build the project into a wheel on your index and pin that';
  if (text.startsWith('-')) return 'remove the option; a lock holds pins only';
  if (/\s@\s|:\/\/|^[./~]/.test(text)) return 'pin the released version by name; files and addresses are not taken from a lock';
  if (/\$\{/.test(text)) return 'write the value instead of the variable';
  if (/^[^\s=<>!~;]+\s*(?:[<>!~]=?|===)|\*/.test(text)) return 'pin one version with ==; "uv pip compile" writes exact pins from ranges';
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*(?:\[[^\]]*\])?$/.test(text)) return `add the version: ${shown(text, 40)}==VERSION`;
  return 'correct the line or remove it';
}

/** Pins by project and marker, in order. */
type Found = Map<string, { pin: Pin; hashes: Set<string> }>;

/** Joins a repeated pin; a second version for the same environment is a problem, as it is to pip. */
function addPin(found: Found, pin: Pin, problems: Objection[]): void {
  const key = `${pin.project} ${pin.marker ?? ''}`;
  const { pin: twin, hashes } = found.get(key) ?? {};
  if (twin === undefined || hashes === undefined) {
    found.set(key, { pin, hashes: new Set(pin.hashes) });
  } else if (compareVersions(twin.version, pin.version) === 0) {
    for (const hash of pin.hashes) hashes.add(hash);
  } else {
    problems.push({
      what: `line ${pin.line} of the lock`,
      expected: `one version of ${pin.project}`,
      got: `${shown(pin.version)}, after ${shown(twin.version)} on line ${twin.line}`,
      wayOut: 'keep one of the two, or give them markers that exclude each other',
    });
  }
}

function capped(problems: Objection[]): Objection[] {
  if (problems.length <= MAX_PROBLEMS) return problems;
  const rest = problems.length - MAX_PROBLEMS;
  return [...problems.slice(0, MAX_PROBLEMS), { what: `${rest} more lines of the lock`, expected: 'one pinned version: NAME==VERSION', got: 'something else', wayOut: 'write the lock with "uv pip compile --generate-hashes"' }];
}
