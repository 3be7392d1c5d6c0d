/** Editing one key of a configuration text and leaving every other byte as it is. Pure. */
import { Document, isMap, isScalar, parseDocument, type Pair, type Scalar } from 'yaml';
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

/** `KEY=VALUE` a line; in `env` files `export` may stand before it. Comments and order stay. */
function lineFormat(prefix: string, encode: (value: string) => string): ConfigFormat {
  const lineOf = (key: string): RegExp => new RegExp(`^(${prefix}\\s*${escapeKey(key)}\\s*=[^\\S\\n]*)([^\\r\\n]*)`);
  const split = (text: string): string[] => text.split('\n');
  return {
    encode,
    read(text, key) {
      const found = split(text).map((line) => lineOf(key).exec(line)?.[2]).filter((raw) => raw !== undefined);
      return found.at(-1) ?? null;
    },
    write(text, key, raw) {
      let isSet = false;
      const lines = split(text).flatMap((line) => {
        if (!lineOf(key).test(line)) return [line];
        if (isSet) return [];
        isSet = true;
        return [line.replace(lineOf(key), (_, before: string) => `${before}${raw}`)];
      });
      if (isSet) return lines.join('\n');
      return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${key}=${raw}\n`;
    },
    remove: (text, key) => split(text).filter((line) => !lineOf(key).test(line)).join('\n'),
  };
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
    const [, ...copies] = pairsOf(text, key);
    const single = copies.length > 0 ? dropPairs(text, key, 1) : text;
    const pair = pairsOf(single, key)[0];
    if (!pair) return `${single}${single === '' || single.endsWith('\n') ? '' : '\n'}${yaml.encode(key)}: ${raw}\n`;
    const [from, to] = rangeOf(single, pair);
    // `key:` with nothing behind it holds an empty scalar right at the colon.
    return `${single.slice(0, from)}${single[from - 1] === ':' ? ' ' : ''}${raw}${single.slice(to)}`;
  },
  remove: (text, key) => dropPairs(text, key, 0),
};

type YamlPair = Pair<Scalar, Scalar>;

/** Pairs with this key in the mapping at the top, in order. Copies are an error of the text that we repair. */
function pairsOf(text: string, key: string): YamlPair[] {
  const document = parseDocument(text, { uniqueKeys: false, keepSourceTokens: true });
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
    return rest.slice(0, start) + (end < 0 ? '' : rest.slice(end + 1));
  }, text);
}

/** The three formats. */
export const CONFIG_FORMATS: Record<ConfigEdit['format'], ConfigFormat> = {
  keyvalue: lineFormat('', (value) => value),
  env: lineFormat('(?:export\\s+)?', envValue),
  yaml,
};
