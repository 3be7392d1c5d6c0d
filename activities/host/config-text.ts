/** Editing one key of a configuration text and leaving every other byte as it is. Pure. */
import { Document, isMap, isScalar, parseDocument, type Pair, type Scalar } from 'yaml';
import { hasMoreTokens } from '../../policy/files/explain.js';
import type { ConfigEdit } from './contract.js';

/** What a format can do. Raw values are the bytes that stand in the file. */
export interface ConfigFormat {
  /** A value as the format writes it. */
  encode(value: string): string;
  /** Raw value of a key; of several copies the one that counts (the last); null: the key is not there. */
  read(text: string, key: string): string | null;
  /** Sets a key in place, or adds it at the end; further copies of it are removed (DEF-12). */
  write(text: string, key: string, raw: string): string;
  remove(text: string, key: string): string;
}

/** A text that can't be edited safely. */
export class ConfigTextError extends Error {}

const escapeKey = (key: string): string => key.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Lines with their ends. */
const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

/** Adds a line at the end, with the text's own line ends; a text without a last one gets none, so that taking the line back gives the old bytes. */
function addLine(text: string, line: string): string {
  const end = /\r?\n/.exec(text)?.[0] ?? '\n';
  return text === '' || text.endsWith('\n') ? `${text}${line}${end}` : `${text}${end}${line}`;
}

/** The text without what stands from `from` to `to` (whole lines); what was last without a line end stays so. */
function cutLines(text: string, from: number, to: number): string {
  const isLast = to >= text.length && !text.endsWith('\n');
  return isLast ? text.slice(0, from).replace(/\r?\n$/, '') : text.slice(0, from) + text.slice(to);
}

/** `KEY=VALUE` a line; in `env` files `export` may stand before it. Comments (also behind a value), blanks and order stay. */
function lineFormat(prefix: string, encode: (value: string) => string): ConfigFormat {
  const partsOf = (key: string) => {
    const before = new RegExp(`^\\s*${prefix}${escapeKey(key)}\\s*=[^\\S\\r\\n]*`);
    return (line: string): LineParts | null => {
      const head = before.exec(line)?.[0];
      return head === undefined ? null : valueParts(head, line.slice(head.length));
    };
  };
  const dropCopies = (text: string, key: string, keep: number): string => {
    const parts = partsOf(key);
    const lines = linesOf(text);
    let copies = 0;
    const kept = lines.filter((line) => !parts(line) || ++copies <= keep);
    const isLastGone = !text.endsWith('\n') && kept.at(-1) !== lines.at(-1);
    return isLastGone ? kept.join('').replace(/\r?\n$/, '') : kept.join('');
  };
  return {
    encode,
    read: (text, key) => linesOf(text).map(partsOf(key)).filter((parts) => parts !== null).at(-1)?.raw ?? null,
    write(text, key, raw) {
      const parts = partsOf(key);
      const single = dropCopies(text, key, 1);
      if (!linesOf(single).some(parts)) return addLine(text, `${key}=${raw}`);
      return linesOf(single).map((line) => {
        const found = parts(line);
        return found ? `${found.before}${raw}${found.after}` : line;
      }).join('');
    },
    remove: (text, key) => dropCopies(text, key, 0),
  };
}

/** A line's key with all before its value, the value, and what stands behind it. */
interface LineParts {
  before: string;
  raw: string;
  after: string;
}

/** Splits off a comment and blanks; null where more than blanks follow the line. No pattern over the whole: it would try every blank as their begin. */
function valueParts(before: string, rest: string): LineParts | null {
  const quoted = /^(?:"(?:[^"\\]|\\.)*"|'[^']*')/.exec(rest)?.[0];
  if (quoted !== undefined && isBehindValue(rest.slice(quoted.length))) return { before, raw: quoted, after: rest.slice(quoted.length) };
  const line = /^[^\r\n]*/.exec(rest)![0];
  if (rest.slice(line.length).trim() !== '') return null;
  const comment = /[^\S\r\n]#/.exec(line);
  const raw = (comment ? line.slice(0, comment.index) : line).trimEnd();
  return { before, raw, after: rest.slice(raw.length) };
}

/** Blanks, and a comment that a blank parts from the value. */
function isBehindValue(text: string): boolean {
  const line = /^[^\r\n]*/.exec(text)![0];
  return text.slice(line.length).trim() === '' && (line.trim() === '' || /^[^\S\r\n]+#/.test(line));
}

/** Read by shells and by systemd alike: quoted unless it is one plain word. */
const envValue = (value: string): string => (/^[\w@%+=:,./-]*$/.test(value) ? value : `"${value.replace(/[\\"$`]/g, '\\$&')}"`);

const yaml: ConfigFormat = {
  encode: (value) => new Document(value).toString({ lineWidth: 0 }).trimEnd(),
  read(text, key) {
    const pair = pairsOf(text, key).at(-1);
    return pair ? text.slice(...rangeOf(text, pair)) : null;
  },
  write(text, key, raw) {
    const single = dropPairs(text, key, 1);
    const pair = pairsOf(single, key)[0];
    if (!pair) return addLine(single, `${yaml.encode(key)}: ${raw}`);
    const [from, to] = rangeOf(single, pair);
    const colon = single.indexOf(':', pair.key.range![1]) + 1;
    // No value stands right behind the colon, before any comment: set and taken back, the rest of the line is as it was.
    if (raw === '') return single.slice(0, colon) + single.slice(to);
    return from === to ? `${single.slice(0, colon)} ${raw}${single.slice(colon)}` : single.slice(0, from) + raw + single.slice(to);
  },
  remove: (text, key) => dropPairs(text, key, 0),
};

type YamlPair = Pair<Scalar, Scalar>;

/** More is no configuration, and takes too long to parse. */
const MAX_TOKENS = 20_000;

/** Pairs with this key in the mapping at the top, in order. Copies are an error of the text that we repair. */
function pairsOf(text: string, key: string): YamlPair[] {
  if (hasMoreTokens(text, MAX_TOKENS)) throw new ConfigTextError(`more than ${MAX_TOKENS} words, marks and line ends`);
  const document = parseDocument(text, { uniqueKeys: false, keepSourceTokens: true, prettyErrors: false });
  const error = document.errors[0];
  if (error) throw new ConfigTextError(error.message.split('\n')[0]!);
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) return [];
  if (!isMap(document.contents) || document.contents.flow) throw new ConfigTextError('a mapping, one key a line, at the top');
  const pairs = document.contents.items.filter((pair) => isScalar(pair.key) && String(pair.key.value) === key);
  if (pairs.some((pair) => pair.value !== null && !isScalar(pair.value))) throw new ConfigTextError(`a single value for ${key}`);
  return pairs as YamlPair[];
}

function rangeOf(text: string, pair: YamlPair): [number, number] {
  const range = pair.value?.range ?? pair.key.range;
  if (!range) throw new ConfigTextError('a value with a place in the text');
  if (!pair.value) return [range[1] + 1, range[1] + 1];
  // A block text's range holds the line end behind it, which belongs to the line.
  let to = range[1];
  while (to > range[0] && /[\r\n]/.test(text[to - 1]!)) to--;
  return [range[0], to];
}

/** Removes the lines of a key's pairs, from the `from`th on. */
function dropPairs(text: string, key: string, from: number): string {
  return pairsOf(text, key).slice(from).reverse().reduce((rest, pair) => {
    const start = rest.lastIndexOf('\n', pair.key.range![0] - 1) + 1;
    const [, last] = rangeOf(rest, pair);
    const end = rest.indexOf('\n', Math.max(last - 1, start));
    return cutLines(rest, start, end < 0 ? rest.length : end + 1);
  }, text);
}

/** Sets keys to raw values, or removes them (null). Throws `ConfigTextError` where the text does not say afterwards what it should. */
export function editText(text: string, format: ConfigEdit['format'], changes: readonly [key: string, raw: string | null][]): string {
  const { read, write, remove } = CONFIG_FORMATS[format];
  return changes.reduce((rest, [key, raw]) => {
    const next = raw === null ? remove(rest, key) : write(rest, key, raw);
    if (read(next, key) !== raw) throw new ConfigTextError(`a text in which ${key} can be set by its line`);
    return next;
  }, text);
}

/** The three formats. */
export const CONFIG_FORMATS: Record<ConfigEdit['format'], ConfigFormat> = {
  keyvalue: lineFormat('', (value) => value),
  env: lineFormat('(?:export\\s+)?', envValue),
  yaml,
};
