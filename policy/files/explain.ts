/** Files people write, read strictly: every mistake becomes where, what was expected, what was found, and the way out. */
import { isScalar, Lexer, LineCounter, parseDocument, visit, type Document } from 'yaml';
import type { z } from 'zod';
import { shown } from '../mask.js';
import type { Objection } from '../model.js';
import { explainIssue } from './explain-issue.js';

export type Parsed<T> = { ok: true; value: T } | { ok: false; objections: Objection[] };

/** Where a text came from. */
export interface TextSource {
  /** Name shown in refusals. */
  file: string;
  format: 'yaml';
  /** Most YAML tokens (a line has about five): for files of people who must not be able to hold up the one who reads. Default: any number. */
  maxTokens?: number;
}

/** More mistakes than this are not told: who mends these sees the rest next time. */
const MAX_MISTAKES = 20;

/**
 * Parses YAML and checks it. A file of comments only is an empty mapping. Duplicate keys, unknown keys and tags are errors:
 * a typo must never loosen a rule. Values are shown masked.
 */
export function parseWith<Schema extends z.ZodType>(schema: Schema, rawText: string, source: TextSource): Parsed<z.output<Schema>> {
  const { file, maxTokens } = source;
  if (maxTokens !== undefined && hasMoreTokens(rawText, maxTokens)) {
    return { ok: false, objections: [{ what: file, expected: `at most ${maxTokens} words, marks and line ends`, got: 'more', wayOut: 'shorten the file' }] };
  }
  const lines = new LineCounter();
  // The parser's own look for duplicate keys compares each with each.
  const document = parseDocument(rawText, { lineCounter: lines, uniqueKeys: false, stringKeys: true, prettyErrors: false, logLevel: 'error' });
  const broken = [...document.errors, ...document.warnings, ...duplicateKeys(document)].slice(0, MAX_MISTAKES);
  if (broken.length > 0) return { ok: false, objections: broken.map((it) => explainSyntax(it, rawText, file, lines)) };
  let value: unknown;
  try {
    value = document.toJS() ?? {};
  } catch (error) {
    return { ok: false, objections: [{ what: file, expected: 'YAML without nested aliases', got: shown((error as Error).message), wayOut: 'write the repeated values out' }] };
  }
  const result = schema.safeParse(value);
  if (result.success) return { ok: true, value: result.data };
  const objections = result.error.issues.slice(0, MAX_MISTAKES).flatMap((issue) =>
    explainIssue(issue, {
      schema,
      value,
      place: (path) => placeOf(document, path, file, lines),
      sourceText: (path) => scalarSource(document, path),
    }),
  );
  return { ok: false, objections: objections.slice(0, MAX_MISTAKES) };
}

/** Whether a YAML text has more tokens than this: they, and not its bytes, are what parsing takes its time for. */
export function hasMoreTokens(text: string, most: number): boolean {
  const tokens = new Lexer().lex(text);
  for (let left = most; !tokens.next().done; left -= 1) if (left === 0) return true;
  return false;
}

interface Mistake {
  code: string;
  message: string;
  pos: [number, number];
}

/** Every key that stands in its mapping already. */
function duplicateKeys(document: Document): Mistake[] {
  const found: Mistake[] = [];
  visit(document, {
    Map(_key, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        const at = key.range?.[0] ?? 0;
        if (seen.has(key.value)) found.push({ code: 'DUPLICATE_KEY', message: 'a second time', pos: [at, at] });
        seen.add(key.value);
      }
    },
  });
  return found;
}

/** Codes of the YAML parser whose own words say too little. */
const SYNTAX: Record<string, { expected: string; wayOut: string }> = {
  DUPLICATE_KEY: { expected: 'every key once in a mapping', wayOut: 'keep one of the two' },
  TAB_AS_INDENT: { expected: 'spaces for indentation', wayOut: 'replace the tab by spaces' },
  BAD_INDENT: { expected: 'the same indentation for all keys of a mapping', wayOut: 'correct the indentation' },
  MULTIPLE_DOCS: { expected: 'one YAML document', wayOut: 'remove the line "---" and what follows' },
  TAG_RESOLVE_FAILED: { expected: 'plain values without tags', wayOut: 'remove the tag (the word after "!")' },
  MULTILINE_IMPLICIT_KEY: { expected: 'a key and a colon on one line', wayOut: 'close the quote or bracket, or add the colon' },
  NON_STRING_KEY: { expected: 'keys that are words', wayOut: 'put the key into quotes, or correct the line' },
  MISSING_CHAR: { expected: 'a closing quote, bracket or colon', wayOut: 'add what is missing' },
};

function explainSyntax(error: Mistake, text: string, file: string, lines: LineCounter): Objection {
  const { line } = lines.linePos(error.pos[0]);
  const known = SYNTAX[error.code] ?? { expected: 'YAML', wayOut: 'correct the line' };
  const content = text.split(/\r?\n/)[line - 1]?.trim() ?? '';
  const got = error.code === 'DUPLICATE_KEY' ? `${keyOf(content)} a second time` : `${shown(error.message.split('\n')[0]!)} in: ${hideValue(content)}`;
  return { what: `${file} line ${line}`, expected: known.expected, got, wayOut: known.wayOut };
}

function keyOf(content: string): string {
  return shown(content.split(':')[0]!, 60);
}

/** A line that could not be parsed may hold a secret behind any key that says so. */
function hideValue(content: string): string {
  return /pass|secret|token|key/i.test(content) ? `${keyOf(content)}: ***` : shown(content);
}

/** `FILE line N: a.b[2]`, as far down as the file goes. */
function placeOf(document: Document, path: readonly PropertyKey[], file: string, lines: LineCounter): string {
  const name = pathText(path);
  for (let depth = path.length; depth > 0; depth -= 1) {
    const offset = offsetOf(document, path.slice(0, depth));
    if (offset !== null) return `${file} line ${lines.linePos(offset).line}: ${name}`;
  }
  return name === '' ? file : `${file}: ${name}`;
}

/** Where the key stands (its value may begin a line later). */
function offsetOf(document: Document, path: readonly PropertyKey[]): number | null {
  const parent: unknown = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const last = path.at(-1);
  const items = (parent as { items?: unknown[] } | null)?.items ?? [];
  const pair = items.find((it) => String((it as { key?: { value?: unknown } }).key?.value) === String(last)) as { key: { range?: [number] } } | undefined;
  const element = typeof last === 'number' ? (items[last] as { range?: [number] } | undefined) : undefined;
  return pair?.key.range?.[0] ?? element?.range?.[0] ?? null;
}

/** The scalar as it was written: `3.10` is the number 3.1 to YAML. */
function scalarSource(document: Document, path: readonly PropertyKey[]): string | null {
  const node: unknown = path.length === 0 ? document.contents : document.getIn(path, true);
  const text = (node as { source?: unknown } | null | undefined)?.source;
  return typeof text === 'string' ? text : null;
}

/** `hostClasses.production.hosts[0]`. */
export function pathText(path: readonly PropertyKey[]): string {
  const word = (part: PropertyKey): string => (part === '' ? '""' : shown(String(part), 60));
  return path.reduce<string>((text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? word(part) : `${text}.${word(part)}`), '');
}
