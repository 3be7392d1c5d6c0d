/** Which packages an installer's failure is about, in the words of uv and pip (DEF-09: names compared normalised). */
import { isProjectName, normalizeProjectName } from './project-name.js';

/** Longest name looked for: bounds the work on hostile output. */
const NAME = '([A-Za-z0-9](?:[A-Za-z0-9._-]{0,100}[A-Za-z0-9])?)';
const naming = (text: string): RegExp => new RegExp(text.replace(/NAME/g, NAME), 'gm');

/** Each captures one name. A build's own output is no witness: it names whatever it likes. */
const NAMINGS: RegExp[] = [
  naming('Failed to (?:download and build|download|build|install|prepare|extract)(?:[^`\\n]*)`NAME(?:==|@|`| @)'),
  naming('Hash mismatch for `NAME(?:==|`)'),
  naming('(?:[Bb]ecause|and) NAME(?:==[^\\s,]+)? (?:has|was not found|depends on|cannot be used)'),
  naming('there (?:is|are) no versions? of NAME'),
  naming('you require NAME(?:[=<>!~ ]|$)'),
  naming('Failed to fetch: `?\\S+/simple/NAME/?`?$'),
  naming('Content-Type.*/simple/NAME/'),
  naming('Could not fetch URL \\S+/NAME/?:'),
  naming('Skipping page \\S+/NAME/? because'),
  naming('(?:satisfies the requirement|No matching distribution found for) NAME(?:[\\s=<>!~;[]|$)'),
  naming('Failed building wheel for NAME'),
  naming("Wheel '?NAME'? (?:located at|with filename)"),
  naming('[ /]NAME-[0-9][^\\s/-]*-[^\\s/]+\\.whl(?: is not a supported wheel|\\)? dependency is incompatible)'),
  naming('^\\s+NAME==\\S+ from \\S+:$'),
  naming("Package '?NAME'? requires a different Python"),
];
/** Lists of names. */
const LISTS = [/Cannot install (.+) because these package versions/g, /^Failed to build ([^`\n]+)$/gm, /installable wheels for some pyproject\.toml based projects \(([^)\n]+)\)/g];
/** The last package pip looked at, where it names none: the one it failed at. */
const COLLECTING = naming('^ *Collecting NAME(?:[\\s=<>!~;[]|$)');

/** Most packages one failure is taken apart into. */
const MAX_NAMED = 50;

/** Normalised names in the order of the rules; empty for a failure that is about no package. */
export function projectsNamed(text: string): string[] {
  const raw = [...NAMINGS.flatMap((pattern) => captures(text, pattern)), ...LISTS.flatMap((pattern) => captures(text, pattern).flatMap((list) => list.split(/,\s*|\s+(?:and\s+)?/)))];
  return projects(raw.map((word) => word.replace(/[=<>!~;[].*$/, '')));
}

/** The package pip was at; null where it had not begun with any. */
export function lastCollected(text: string): string | null {
  return projects(captures(text, COLLECTING)).at(-1) ?? null;
}

const captures = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map((match) => match[1] ?? '');

function projects(words: string[]): string[] {
  const names = words.filter((word) => isProjectName(word) && !/^(?:python|and|all|your)$/i.test(word)).map(normalizeProjectName);
  return [...new Set(names)].slice(0, MAX_NAMED);
}

/** Whether a line names the package, however it spells it. */
export function namesProject(line: string, project: string): boolean {
  const spelt = project.split('-').map((part) => part.replace(/[^a-z0-9]/g, '\\$&')).join('[-_.]+');
  return new RegExp(`(?<![A-Za-z0-9])${spelt}(?![A-Za-z0-9])`, 'i').test(line);
}
