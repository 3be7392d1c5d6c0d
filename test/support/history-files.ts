/** Recorded histories as files: where they are, what they may hold, and how they are read and written. */
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import path from 'node:path';
import { packageRoot, packageVersion } from '../../worker/version.js';

/** As it was when recording began: a case may give its people a home of their own. */
const OWN_HOME = homedir();

/** Histories are sources: they are kept beside the tests, not in the output folder. */
export const HISTORIES = path.join(packageRoot(), 'test/histories');

/** Names of all files, sorted: `environment-change--done--v0.1.0.json`. */
export const historyFiles = (): string[] => (existsSync(HISTORIES) ? readdirSync(HISTORIES).filter((name) => name.endsWith('.json')).sort() : []);

export const readHistory = (file: string): string => readFileSync(path.join(HISTORIES, file), 'utf8');

/** File of a case of this version. */
export const historyFile = (name: string): string => `${name}--v${packageVersion()}.json`;

/** Where this machine's own words would stand, and what stands there instead. The longer first: one may begin another. */
function ownWords(): [string, string][] {
  const home = OWN_HOME;
  return [
    [path.join(home, '.pyenv/versions'), '/opt/python'],
    [path.join(home, '.pyenv'), '/opt/pyenv'],
    [packageRoot(), '/opt/interpreter-runbooks'],
    // Its modules may be installed elsewhere.
    [path.dirname(realpathSync(path.join(packageRoot(), 'node_modules'))), '/opt/interpreter-runbooks'],
    [home, '/home/operator'],
    [`@${hostname()}`, '@testhost'],
  ];
}

const withoutOwnWords = (text: string): string => ownWords().reduce((said, [own, instead]) => said.replaceAll(own, instead), text);

type Json = null | boolean | number | string | Json[] | { [field: string]: Json };

/** Applies `change` to every text of a history, payloads decoded. */
function mapTexts(value: Json, change: (text: string) => string): Json {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((one) => mapTexts(one, change));
  if (value === null || typeof value !== 'object') return value;
  const { metadata, data } = value;
  if (metadata !== undefined && typeof data === 'string') {
    const text = change(Buffer.from(data, 'base64').toString('utf8'));
    return { ...value, data: Buffer.from(text, 'utf8').toString('base64') };
  }
  return Object.fromEntries(Object.entries(value).map(([field, one]) => [field, mapTexts(one, change)]));
}

/** All texts of a history file, payloads decoded: for looking at what must not be there. */
export function textsOf(history: string): string[] {
  const texts: string[] = [];
  mapTexts(JSON.parse(history) as Json, (text) => (texts.push(text), text));
  return texts;
}

/** Writes a history, one event a line. What is there already is a release's promise: it stays unless `force`. */
export function writeHistory(name: string, history: string, force: boolean): boolean {
  const file = path.join(HISTORIES, historyFile(name));
  if (existsSync(file) && !force) return false;
  const { events } = mapTexts(JSON.parse(history) as Json, withoutOwnWords) as { events: Json[] };
  mkdirSync(HISTORIES, { recursive: true });
  writeFileSync(file, `{"events":[\n${events.map((event) => JSON.stringify(event)).join(',\n')}\n]}\n`);
  return true;
}
