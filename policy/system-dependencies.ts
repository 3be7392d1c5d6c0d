/**
 * What to install on a host where a build or an import lacks something (WF-06, WF-63 to WF-66): advice with a command, never
 * done by us.
 */
import type { PolicyFile } from './files/policy-file.js';
import type { Finding } from './model.js';
import { INSTALL, packageOf, PARTS } from './system-packages.js';
import type { Family, Part } from './system-packages.js';

/** The policy's own names of packages, by system. */
export type SystemDependencies = PolicyFile['systemDependencies'];

/** The host, as far as its packages matter. */
export interface AdvisedHost {
  /** `linux`, `macosx`, `windows`: of the interpreter. */
  system: string;
  /** `ID`, then the words of `ID_LIKE`, of `/etc/os-release`; empty elsewhere. */
  distributions: string[];
  /** Full version of the interpreter that headers are wanted for. */
  python: string;
}

export interface Advice {
  what: string;
  /** Empty where there is no command: `what` says it in words. */
  command: string;
}

/** The value of a tool that was looked for and not found. */
export const MISSING = 'missing';

const WHAT: Record<Part, string> = {
  compiler: 'C and C++ compiler, to build from source',
  headers: 'headers of Python, to build from source',
  blas: 'BLAS and LAPACK, which numpy and scipy link to',
  'pkg-config': 'pkg-config, by which builds find libraries',
  rust: 'Rust compiler, to build from source',
  venv: 'the venv module of the interpreter',
};

/** Which of the policy's names are for which part. */
const POLICY_PARTS: [Part, RegExp][] = [['compiler', /build-essential|^gcc|^g\+\+|clang|xcode|visual studio|^make$/i], ['headers', /^python/i], ['blas', /blas|lapack/i]];

const BLAS = /(?<![a-z])(?:lib)?(?:open)?blas(?![a-z])|lapack/i;
/** What failures say of a part. A header that is missing is told by its own name, below. */
const PART_TEXTS: [Part, RegExp][] = [
  ['compiler', /No such file or directory: '[^'\n]*(?:gcc|cc|g\+\+|c\+\+|clang)'|command '[^'\n]*(?:gcc|cc|g\+\+|c\+\+|clang)[^'\n/]*' failed: No such file|linker .cc. not found|unable to execute '/i],
  ['headers', /Python\.h/],
  ['blas', BLAS],
  ['pkg-config', /pkg-config/i],
  ['rust', /rust compiler|rustup|cargo/i],
];
/** A header, a pkg-config name, a program or a library that failures name. */
const FILE_TEXTS = [
  /fatal error: (\S+\.h(?:pp)?): No such file/g,
  /library that provides `([^`\s]+)`/g,
  /Package '?([\w.+-]+)'? was not found in the pkg-config/g,
  /(pg_config) executable not found/g,
  /(lib[\w+.-]+\.so[\w.]*): cannot open shared object file/g,
  /(lib[\w+.-]+\.so[\w.]*) => not found/g,
];

/**
 * Packages for everything that findings name or `tools` lacks. Where the policy names packages of the system, its names are
 * used. What no table knows is told in words, with the file that is wanted.
 * @param tools name to what was found, `missing` where it was not.
 */
export function adviceFor(host: AdvisedHost, table: SystemDependencies, findings: readonly Finding[], tools: Record<string, string>): Advice[] {
  const family = familyOf(host);
  const text = findings.filter((one) => one.branch === 'system-package').map((one) => `${one.class}\n${one.evidence}`).join('\n');
  const parts = (Object.keys(PARTS) as Part[]).filter((part) => isNeeded(part, host, text, tools));
  const files = [...new Set(FILE_TEXTS.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1]!)))].filter((file) => file !== 'Python.h' && !BLAS.test(file));
  return [...parts.map((part) => forPart(part, family, host, table)), ...files.map((file) => forFile(file, family)), ...forOthers(family, table, text)].filter((advice) => advice !== null);
}

function isNeeded(part: Part, { system, python }: AdvisedHost, text: string, tools: Record<string, string>): boolean {
  const lacks = (name: string): boolean => tools[name] === MISSING;
  if (PART_TEXTS.some(([named, pattern]) => named === part && pattern.test(text))) return true;
  if (part === 'venv') return text.includes('VENV_CREATE');
  if (part === 'headers') return lacks(`headers ${python}`);
  return part === 'compiler' && (system === 'linux' ? lacks('gcc') && lacks('cc') : lacks(system === 'macosx' ? 'clang' : 'cl'));
}

function forPart(part: Part, family: Family, { python }: AdvisedHost, table: SystemDependencies): Advice | null {
  const line = python.split('.').slice(0, 2).join('.');
  const what = part === 'headers' || part === 'venv' ? `${WHAT[part]} (Python ${python})` : WHAT[part];
  if (family === 'other') return { what: `${what}, with this system's package manager`, command: '' };
  const own = policyNames(table, family).filter((name) => POLICY_PARTS.some(([named, pattern]) => named === part && pattern.test(name)) && isOfLine(name, line));
  const standard = PARTS[part][family].map((name) => name.replace('LINE', line));
  // The policy may name headers of one line only: those of this interpreter's are wanted all the same.
  const names = own.length === 0 ? standard : part === 'headers' ? [...new Set([...own, ...standard])] : own;
  return names.length === 0 ? null : { what, command: commandFor(family, names) };
}

function forFile(file: string, family: Family): Advice {
  const name = packageOf(file, family);
  return name === null ? { what: `the package of this system that brings ${file}`, command: '' } : { what: `${file}, which a build or an import asks for`, command: commandFor(family, [name]) };
}

/** Packages the policy names for no part we know: whoever wrote them there wants them where a system package is missing. */
function forOthers(family: Family, table: SystemDependencies, text: string): (Advice | null)[] {
  const names = policyNames(table, family).filter((name) => !POLICY_PARTS.some(([, pattern]) => pattern.test(name)));
  return [text === '' || names.length === 0 ? null : { what: 'what the policy names beside', command: commandFor(family, names) }];
}

function policyNames(table: SystemDependencies, family: Family): string[] {
  return family === 'debian' || family === 'macos' || family === 'windows' ? table[family] : [];
}

/** `python3.11-dev` and `python@3.11` help Python 3.11 only. */
function isOfLine(name: string, line: string): boolean {
  const named = /^python@?(3\.\d+)/.exec(name)?.[1];
  return named === undefined || named === line;
}

/** Names that are no packages of the manager, with the command that installs them. */
const BY_HAND: [RegExp, string][] = [[/^xcode/i, 'xcode-select --install'], [/^visual studio/i, 'winget install Microsoft.VisualStudio.2022.BuildTools']];

/** Only names that are names become part of a command somebody may copy into a root shell. */
function commandFor(family: Family, names: string[]): string {
  const byHand = BY_HAND.filter(([pattern]) => names.some((name) => pattern.test(name))).map(([, command]) => command);
  const packages = names.filter((name) => !BY_HAND.some(([pattern]) => pattern.test(name)) && /^[A-Za-z0-9][A-Za-z0-9.+@_-]*$/.test(name));
  const install = packages.length === 0 || INSTALL[family] === '' ? [] : [`${INSTALL[family]} ${packages.join(' ')}`];
  return [...byHand, ...install].join(' && ');
}

const FAMILIES: [Family, string[]][] = [
  ['debian', ['debian', 'ubuntu']], ['fedora', ['fedora', 'rhel', 'centos', 'amzn', 'rocky', 'almalinux']], ['suse', ['suse', 'opensuse', 'opensuse-leap', 'sles']], ['alpine', ['alpine']], ['arch', ['arch']],
];

/** The package manager a host has, by its system and distribution. */
export function familyOf({ system, distributions }: Pick<AdvisedHost, 'system' | 'distributions'>): Family {
  if (system === 'macosx') return 'macos';
  if (system === 'windows' || system === 'win32') return 'windows';
  return distributions.flatMap((id) => FAMILIES.find(([, ids]) => ids.includes(id))?.[0] ?? []).at(0) ?? 'other';
}
