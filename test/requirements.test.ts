import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { cover, readCoverage, readRequirements, readTitles, renderCoverage } from './requirements.js';

const root = path.resolve(import.meta.dirname, '../..');
const rows = readRequirements('| ID | Requirement | Source |\n|---|---|---|\n| ZZ-01 | First. | here |\n| ZZ-02 | Second. | here |\n');

test('requirements: the document holds every row once', () => {
  const ids = readCoverage(root).rows.map((row) => row.id);
  assert.equal(ids.length, 408);
  assert.ok(['PV-01', 'WF-72', 'CP-35', 'DIS-38', 'DEF-28'].every((id) => ids.includes(id)));
});

test('requirements: a row given twice is an error', () => {
  assert.throws(() => readRequirements('| ZZ-01 | a | b |\n| ZZ-01 | c | d |\n'), /ZZ-01: expected one row, got two/);
});

test('requirements: titles count, in comments, strings and skipped tests they do not', () => {
  const source = [
    "test('ZZ-01: plain', () => {});",
    'test(`ZZ-02: with ${1} part`, async (t) => { await t.test("ZZ-03: below", () => {}); });',
    "// test('ZZ-04: gone', () => {});",
    `const text = "test('ZZ-05: quoted')";`,
    "test.skip('ZZ-06: skipped', () => {});",
    "contest('ZZ-07: something else');",
  ].join('\n');
  assert.deepEqual(readTitles('a.ts', source).map((t) => t.title.slice(0, 5)), ['ZZ-01', 'ZZ-02', 'ZZ-03']);
});

test('requirements: only a number that is missing under a known prefix is unknown', () => {
  const coverage = cover(rows, [
    { file: 'a.test.ts', title: 'ZZ-01, ZZ-09: two rows; UTF-16 and SHA-256 are none' },
    { file: 'b.test.ts', title: 'again ZZ-01' },
  ]);
  assert.deepEqual(coverage.unknown.map((u) => u.id), ['ZZ-09']);
  assert.deepEqual(coverage.rows.map((row) => row.tests.length), [2, 0]);
  const text = renderCoverage(coverage);
  assert.match(text, /ZZ-01 {2}a\.test\.ts, b\.test\.ts/);
  assert.match(text, /ZZ +1 of 2/);
  assert.match(text, /unknown row ZZ-09: a\.test\.ts/);
});

/** Runs the built script in a repository of its own that holds one test. */
function runScript(title: string, ...args: string[]): { status: number | null; stdout: string } {
  const folder = mkdtempSync(path.join(tmpdir(), 'requirements-'));
  try {
    for (const name of ['docs', 'test', 'dist/test']) mkdirSync(path.join(folder, name), { recursive: true });
    writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}');
    writeFileSync(path.join(folder, 'docs/requirements.md'), '| ZZ-01 | First. | here |\n');
    writeFileSync(path.join(folder, 'test/one.test.ts'), `test(${JSON.stringify(title)}, () => {});\n`);
    cpSync(path.join(import.meta.dirname, 'requirements.js'), path.join(folder, 'dist/test/requirements.js'));
    symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
    return spawnSync(process.execPath, [path.join(folder, 'dist/test/requirements.js'), ...args], { encoding: 'utf8' });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('requirements: the script says yes, and no when a test names a row that is not there', () => {
  const good = runScript('ZZ-01: works', '--json');
  assert.equal(good.status, 0);
  assert.deepEqual(JSON.parse(good.stdout).rows[0].tests, [{ file: 'test/one.test.ts', title: 'ZZ-01: works' }]);
  const bad = runScript('ZZ-02: nobody asked for this');
  assert.equal(bad.status, 1);
  assert.match(bad.stdout, /unknown row ZZ-02/);
});

test('requirements: no test of this repository names a row that is not there', () => {
  assert.deepEqual(readCoverage(root).unknown, []);
});
