/** One zod issue in the four parts of a refusal. */
import type { z } from 'zod';
import { shown } from '../mask.js';
import type { Objection } from '../model.js';
import { keysAt, nearest } from './nearest.js';

type Issue = z.core.$ZodIssue;

export interface IssueContext {
  schema: z.ZodType;
  /** What was read. */
  value: unknown;
  /** Where a path stands, for people. */
  place(path: readonly PropertyKey[]): string;
  /** A scalar as it was written; null for anything else. */
  sourceText(path: readonly PropertyKey[]): string | null;
}

const TYPE_NAMES: Record<string, string> = { string: 'text', object: 'a mapping', record: 'a mapping', array: 'a list', number: 'a number', int: 'a whole number', boolean: 'true or false' };
/** Unknown keys of one mapping that are named. */
const MAX_KEYS = 20;
const SECRET_KEY = /pass|secret|token|credential|(?:^|[-_])key$/i;

/** One objection a mistake; an issue about several unknown keys gives several. */
export function explainIssue(issue: Issue, context: IssueContext): Objection[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.slice(0, MAX_KEYS).map((key) => unknownKey(key, issue.path, context));
  if (issue.code === 'invalid_key' || issue.code === 'invalid_element') return issue.issues.flatMap((it) => explainIssue({ ...it, path: issue.path }, context));
  const what = context.place(issue.path);
  const got = gotText(issue.path, context);
  if (got === 'nothing') return [{ what, expected: expectedText(issue), got, wayOut: `add "${String(issue.path.at(-1) ?? '')}"` }];
  return [{ what, expected: expectedText(issue), got, wayOut: wayOut(issue, context) }];
}

function unknownKey(key: string, path: readonly PropertyKey[], context: IssueContext): Objection {
  const allowed = keysAt(context.schema, path, context.value);
  const guess = nearest(key, allowed);
  return {
    what: context.place([...path, key]),
    expected: allowed.length === 0 ? 'no further keys' : `one of ${allowed.join(', ')}`,
    got: key === '' ? 'an empty key' : shown(key, 60),
    wayOut: guess === null ? 'remove the key' : `did you mean "${guess}"?`,
  };
}

/** What stands at the path, masked: never a secret, never more than a line. */
function gotText(path: readonly PropertyKey[], context: IssueContext): string {
  const value = path.reduce<unknown>((at, part) => (typeof at === 'object' && at !== null && Object.hasOwn(at, part) ? (at as Record<PropertyKey, unknown>)[part] : undefined), context.value);
  if (value === undefined) return 'nothing';
  if (value === null) return 'an empty value';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  if (typeof value === 'object') return `a mapping with ${Object.keys(value).slice(0, 5).map((it) => shown(it, 30)).join(', ') || 'no keys'}`;
  if (path.some((part) => SECRET_KEY.test(String(part)))) return '***';
  const text = shown(context.sourceText(path) ?? String(value));
  return typeof value === 'string' ? JSON.stringify(text).replaceAll('\\\\x', '\\x') : `${typeof value === 'number' ? 'the number ' : ''}${text}`;
}

/** Our own messages begin with "expected" and win over zod's. */
function expectedText(issue: Issue): string {
  if (issue.message.startsWith('expected ')) return issue.message.slice('expected '.length);
  switch (issue.code) {
    case 'invalid_type':
      return TYPE_NAMES[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return `one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `${issue.inclusive === false ? 'more than' : 'at least'} ${amount(issue.minimum, issue.origin)}`;
    case 'too_big':
      return `${issue.inclusive === false ? 'less than' : 'at most'} ${amount(issue.maximum, issue.origin)}`;
    case 'invalid_format':
      return issue.format === 'url' ? 'an http or https address' : issue.pattern === undefined ? `text in the form "${issue.format}"` : `text that matches ${issue.pattern}`;
    default:
      return issue.message.charAt(0).toLowerCase() + issue.message.slice(1);
  }
}

function amount(limit: number | bigint, origin: string): string {
  const noun: Record<string, string> = { string: 'character', array: 'entry' };
  const word = noun[origin];
  if (word === undefined) return String(limit);
  return `${limit} ${Number(limit) === 1 ? word : word === 'entry' ? 'entries' : `${word}s`}`;
}

function wayOut(issue: Issue, context: IssueContext): string {
  const written = context.sourceText(issue.path);
  if (issue.code === 'invalid_value') {
    const guess = written === null ? null : nearest(written, issue.values.map(String));
    return guess === null ? 'take one of the values named' : `did you mean "${guess}"?`;
  }
  if (issue.code === 'invalid_type' && issue.expected === 'string' && written !== null) return `put the value into quotes: "${shown(written, 40)}"`;
  return 'correct the value';
}
