import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { lockFacts } from '../../../../activities/host/checks/lock-facts.js';
import { placeForChecks } from '../../../../activities/host/checks/place.js';
import { configFacts, variableFacts } from '../../../../activities/host/checks/settings-facts.js';
import type { Measuring } from '../../../../activities/host/checks/context.js';
import { CONFIG_FORMATS } from '../../../../activities/host/config-text.js';
import { rulesFor } from '../../../../policy/checks/rules.js';
import { prepared, type Prepared } from '../../../support/environments.js';
import { rulesOf, watching, type Watching } from '../../../support/health.js';
import { someInterpreter, testHost, type TestHost } from '../../../support/host.js';

const KiB = 1024;
const MiB = 1024 * KiB;
/** A busy machine is slow; what takes the square of a file's size takes minutes. */
const SHORT_MS = 3_000;

let host: TestHost;
let agent: Watching;
let hostile: Prepared;

before(async () => {
  host = testHost();
  agent = watching(host);
  agent.take(rulesOf(await someInterpreter(host.ctx, '3.11')));
  hostile = await prepared(host, { name: 'hostile', files: { 'requirements.txt': '# nothing\n' } });
  await prepared(host, { name: 'other', files: { 'requirements.txt': '# nothing\n' } });
});
after(() => host.close());

const filled = (unit: string, bytes: number): string => unit.repeat(Math.floor(bytes / unit.length));
const runbook = (more: string): string => `name: x\nlock: requirements.txt\n${more}`;
const config = (format: string): string => runbook(`configFiles:\n  - path: x.cfg\n    format: ${format}\n`);
const write = (files: Record<string, string>): void => Object.entries(files).forEach(([name, text]) => writeFileSync(join(hostile.project.path, name), text));

function shortly<T>(act: () => T): T {
  const began = performance.now();
  const result = act();
  const ms = performance.now() - began;
  assert.ok(ms < SHORT_MS, `took ${Math.round(ms)} ms`);
  return result;
}

const lastLine = (name: string): string => agent.log().filter((line) => line.includes(`${name}/.venv`)).at(-1)!;

/** What a light check of the project says now: its findings, and the line of its log. The other project is looked at as well. */
async function looked(): Promise<string> {
  agent.clock.now += 600_000;
  const began = performance.now();
  await agent.watch.look();
  const ms = performance.now() - began;
  assert.ok(ms < SHORT_MS, `took ${Math.round(ms)} ms`);
  assert.match(lastLine('other'), /Runtime health: GOOD/);
  assert.equal(lastLine('other').slice(0, 19), lastLine('hostile').slice(0, 19));
  const row = agent.row(hostile.project.env.link)!;
  return [...row.light.map(({ check, message }) => `${check}: ${message}`), lastLine('hostile')].join('\n');
}

const LIGHT: [string, Record<string, string>, RegExp][] = [
  ['a line of blanks', { 'runbook.yaml': config('keyvalue'), 'x.cfg': `python_version=a${filled(' ', 60_000)}x\n` }, /x\.cfg says Python a {5}/],
  ['a key=value file of megabytes', { 'runbook.yaml': config('keyvalue'), 'x.cfg': filled('a=1\n', 16 * MiB) }, /x\.cfg can't be read: x\.cfg has 16777216 bytes: expected at most 65536/],
  ['a YAML file of megabytes', { 'runbook.yaml': config('yaml'), 'x.cfg': filled('- a\n', 16 * MiB) }, /x\.cfg can't be read: x\.cfg has 16777216 bytes/],
  ['a YAML file of entries', { 'runbook.yaml': config('yaml'), 'x.cfg': filled('-\n', 64 * KiB) }, /x\.cfg can't be read: more than 20000 words/],
  ['a YAML file of mistakes', { 'runbook.yaml': config('yaml'), 'x.cfg': `a: "${filled('\\x', 60 * KiB)}` }, /x\.cfg can't be read: /],
  ['a runbook.yaml of entries', { 'runbook.yaml': runbook(`imports:\n${filled('-\n', 60 * KiB)}`) }, /environment_config: .*runbook\.yaml: expected at most 20000 words/],
  ['a runbook.yaml of fewer entries', { 'runbook.yaml': runbook(`imports:\n${filled('-\n', 16 * KiB)}`) }, /environment_config: .*imports\[0\]/],
  ['a runbook.yaml of keys', { 'runbook.yaml': Array.from({ length: 4_900 }, (_, i) => `k${i}:\n`).join('') }, /environment_config: .*one of name, lock/],
  ['a runbook.yaml of copies', { 'runbook.yaml': runbook(filled('name: x\n', 20 * KiB)) }, /environment_config: .*name a second time/],
  ['a runbook.yaml of megabytes', { 'runbook.yaml': runbook(filled('#\n', MiB)) }, /environment_config: .*at most 65536 bytes, got \d+ bytes/],
];

for (const [what, files, expected] of LIGHT) {
  test(`invariant 7: ${what} takes a light check no longer than any, and is said`, async () => {
    write(files);
    assert.match(await looked(), expected);
  });
}

async function measuring(variables = false): Promise<Measuring> {
  const place = placeForChecks(hostile.project.path, null);
  const { policy } = rulesOf(await someInterpreter(host.ctx, '3.11'));
  const rules = rulesFor(policy, { ...place.settings, envPrefix: variables ? 'X' : null });
  return { ctx: host.ctx, place, wanted: { probe: false, importTime: false, integrity: false, manual: false, rules, env: {} } };
}

test('very many configuration files: some are read, that there are more is said', async () => {
  const entries = Array.from({ length: 500 }, () => '  - {path: x.cfg, format: yaml}\n').join('');
  write({ 'runbook.yaml': runbook(`configFiles:\n${entries}`), 'x.cfg': 'python_version: 3.11.7\n' });
  const facts = shortly(() => placeForChecks(hostile.project.path, null)) && configFacts(await measuring());
  assert.equal(facts.length, 21);
  assert.deepEqual([facts[19]!.pythonVersion, facts[20]!.problem], ['3.11.7', 'only the first 20 of configFiles are read, and 480 more are not']);
  write({ 'x.cfg': `python_version: 3.11.7\n${filled('# a comment\n', 50 * KiB)}` });
  assert.deepEqual(configFacts(await measuring()).map(({ problem }) => problem === null).slice(0, 4), [true, true, false, false]);
});

test('a file of variables that is too large is not measured: its variables are neither set nor unset', async () => {
  write({ 'runbook.yaml': runbook('envPrefix: X\nenvFile: .env\n'), '.env': `${filled('A=1\n', 70 * KiB)}` });
  const at = await measuring(true);
  assert.deepEqual(variableFacts(at), {});
  assert.deepEqual(configFacts(at), [{ path: '.env', exists: true, problem: '.env has 71680 bytes: expected at most 65536', pythonVersion: null }]);
  assert.match(await looked(), /configuration file \.env can't be read: \.env has 71680 bytes/);
});

test('a lock that is too large is not measured, and says so', async () => {
  write({ 'runbook.yaml': runbook(''), 'requirements.txt': filled('a==1\n', 3 * MiB) });
  const at = await measuring();
  const facts = shortly(() => lockFacts(at, null));
  assert.match(facts.pins.ok ? '' : facts.pins.problem, /requirements\.txt can't be read: .*expected at most 2097152/);
});

test('values end where they always did: before blanks, a comment or the closing quote', () => {
  const read = (line: string): string | null => CONFIG_FORMATS.env.read(line, 'A');
  const cases: [string, string | null][] = [
    ['A=1', '1'], ['A = 1 # x', '1'], ['A=1#x', '1#x'], ['A= # x', '# x'], ['A=a b  # c # d\r\n', 'a b'], ['export A="a # b" # c\n', '"a # b"'], ['A="a" b', '"a" b'], ['A="a\\"b"', '"a\\"b"'],
    ["A='a'  ", "'a'"], ['A="open # x', '"open'], ['A=1\rB=2', null], ['A=1\r\r\n', '1'], ['AB=1', null], ['A=', ''], ['A="a\rb"', '"a\rb"'],
  ];
  for (const [line, value] of cases) assert.equal(read(line), value, JSON.stringify(line));
});
