/**
 * Versions of packages by PEP 440 (DEF-04: never as text). The library orders public versions; local labels and exclusive
 * comparison are done here, because it reads the label `1e5` as a number and answers false for `1.0rc1 < 1.0rc2`.
 */
import { compare, parse, satisfies as librarySatisfies, valid } from '@renovatebot/pep440';

type Parsed = NonNullable<ReturnType<typeof parse>>;

/** True for a version PEP 440 can read. */
export function isVersion(text: string): boolean {
  return valid(text.trim()) !== null;
}

/**
 * A total order over package versions: negative, 0, positive. Text that is no version sorts before every version, by code unit
 * among itself; so a list of any index can be sorted without a throw.
 */
export function compareVersions(rawA: string, rawB: string): number {
  const a = rawA.trim();
  const b = rawB.trim();
  if (!isVersion(a) || !isVersion(b)) {
    if (isVersion(a) !== isVersion(b)) return isVersion(a) ? 1 : -1;
    return a < b ? -1 : a > b ? 1 : 0;
  }
  const [publicA = '', localA] = a.split('+');
  const [publicB = '', localB] = b.split('+');
  const byPublic = compare(publicA, publicB);
  return byPublic !== 0 ? Math.sign(byPublic) : compareLocal(localA, localB);
}

/** PEP 440 local labels: none first, then part by part, numbers after words, the longer after its own prefix. */
function compareLocal(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  const left = a.toLowerCase().split(/[._-]/);
  const right = b.toLowerCase().split(/[._-]/);
  for (let i = 0; i < Math.min(left.length, right.length); i += 1) {
    const order = compareLabel(left[i]!, right[i]!);
    if (order !== 0) return order;
  }
  return Math.sign(left.length - right.length);
}

function compareLabel(a: string, b: string): number {
  const numericA = /^[0-9]+$/.test(a);
  const numericB = /^[0-9]+$/.test(b);
  if (numericA !== numericB) return numericA ? 1 : -1;
  if (numericA) return Math.sign(Number(a) - Number(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Whether a version is in a specifier set (`>=3.9,!=3.9.1`), pre-releases included. The empty set holds every version.
 * @returns null when version or specifiers can't be read.
 */
export function satisfies(version: string, specifiers: string): boolean | null {
  if (!isVersion(version)) return null;
  for (const clause of specifiers.split(',').map((it) => it.trim()).filter((it) => it !== '')) {
    const answer = satisfiesClause(version.trim(), clause);
    if (answer !== true) return answer;
  }
  return true;
}

function satisfiesClause(version: string, clause: string): boolean | null {
  const match = /^(===|~=|==|!=|<=|>=|<|>)\s*(\S+)$/.exec(clause);
  if (match === null) return null;
  const [, operator, bound = ''] = match;
  if (operator === '<' || operator === '>') return isVersion(bound) ? isExclusivelyOrdered(version, operator, bound) : null;
  if (operator === '===') return version.toLowerCase() === bound.toLowerCase();
  if (bound.endsWith('.*') && (operator === '==' || operator === '!=')) return matchesPrefix(version, bound.slice(0, -2), operator);
  if (!isVersion(bound)) return null;
  return librarySatisfies(version, `${operator}${bound}`, { prereleases: true });
}

/** `==5.0.*` holds 5: a release is as long as it has to be, filled with zeros. */
function matchesPrefix(version: string, prefix: string, operator: '==' | '!='): boolean | null {
  const own = parse(version)!;
  const wanted = /^(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)*$/.test(prefix) ? parse(prefix) : null;
  if (wanted === null) return null;
  const matches = own.epoch === wanted.epoch && wanted.release.every((it, index) => it === (own.release[index] ?? 0));
  return operator === '==' ? matches : !matches;
}

/** PEP 440 exclusive comparison: `<3.14` leaves out 3.14.0rc1, `>1.0` leaves out 1.0.post1 and 1.0+local. */
function isExclusivelyOrdered(version: string, operator: '<' | '>', bound: string): boolean {
  const order = compareVersions(version, bound);
  if (operator === '<' ? order >= 0 : order <= 0) return false;
  const own = parse(version)!;
  const limit = parse(bound)!;
  if (own.epoch !== limit.epoch || compare(own.release.join('.'), limit.release.join('.')) !== 0) return true;
  if (operator === '<') return limit.pre !== null || limit.dev !== null || !isPreReleaseOf(own, limit);
  const isPostOfBound = limit.post === null && own.post !== null && String(own.pre) === String(limit.pre) && limit.dev === null;
  return !isPostOfBound && (own.local === null || compare(version.split('+')[0]!, bound) !== 0);
}

/** `1.0rc1` of 1.0, and `1.0.post1.dev0` of 1.0.post1; both have the same release. */
function isPreReleaseOf(own: Parsed, final: Parsed): boolean {
  return String(own.post) === String(final.post) && (own.dev !== null || (final.post === null && own.pre !== null));
}
