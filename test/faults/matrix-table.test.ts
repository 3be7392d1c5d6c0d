import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { caseName, casesOf, POINTS, sampleOf, SIGNALS, VICTIMS } from './matrix.js';
import { keepResult, matrixTable, readResults, RESULTS_VARIABLE, type CaseResult } from './matrix-table.js';

const all = SIGNALS.flatMap(casesOf);
const passed: CaseResult[] = all.map(({ point, victim, signal }) => ({ point: point.name, victim, signal, problem: null, seconds: 7 }));
const rowOf = (table: string, phase: string): string[] => table.split('\n').find((line) => line.startsWith(`| ${phase} `))!.split('|').map((cell) => cell.trim());

test('decision 26: the matrix has every phase with every process and both signals, and a child where one waits', () => {
  assert.equal(all.length, 2 * (POINTS.length * (VICTIMS.length - 1) + POINTS.filter(({ child }) => child).length));
  assert.equal(new Set(all.map(caseName)).size, all.length);
});

test('a sample is drawn by its seed, from all the processes', () => {
  const names = (seed: number): string[] => sampleOf(casesOf('SIGKILL'), 5, seed).map(caseName);
  assert.deepEqual(names(7), names(7));
  assert.notDeepEqual(names(7), names(8));
  for (const seed of [1, 2, 3]) assert.deepEqual(new Set(sampleOf(casesOf('SIGSTOP'), 5, seed).map(({ victim }) => victim)), new Set(VICTIMS));
});

test('the table of a whole run: every cell says how many cases, or that there is none', () => {
  const table = matrixTable(passed);
  assert.deepEqual(rowOf(table, 'verify (4)').slice(2, 12), [...Array.from({ length: 8 }, () => 'ok 4'), 'ok 2', 'ok 2']);
  assert.deepEqual(rowOf(table, 'switch (4)').slice(10, 12), ['n.a.', 'n.a.']);
  assert.match(table, new RegExp(`^${all.length} of ${all.length} cases run, 0 failed`, 'm'));
});

test('a failure is in its cell and by name below; what was not run is not ok', () => {
  const results = passed.filter(({ point }) => point !== 'switch:turning' && point !== 'configure:acted').map((one) => ({ ...one }));
  const worst = results.find(({ point, victim }) => point === 'switch:acted' && victim === 'server')!;
  worst.problem = 'expected done, got rolled-back\nand more';
  const table = matrixTable(results);
  assert.equal(rowOf(table, 'switch (4)')[2], 'ok 3 of 4');
  assert.equal(rowOf(table, 'switch (4)')[6], 'FAILED 1 of 3');
  assert.equal(rowOf(table, 'configure (1)')[2], 'not run');
  assert.match(table, /^- SIGKILL of server at switch:acted: expected done, got rolled-back$/m);
});

test('results of test files that run side by side come together in one file', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'results-'));
  const was = process.env[RESULTS_VARIABLE];
  process.env[RESULTS_VARIABLE] = path.join(folder, 'results');
  try {
    keepResult(all[0]!, null, 3);
    keepResult(all.at(-1)!, 'it hangs', 9);
    const found = readResults(process.env[RESULTS_VARIABLE]!).map(({ victim, problem }) => [victim, problem]);
    assert.deepEqual(found, [[all[0]!.victim, null], [all.at(-1)!.victim, 'it hangs']]);
    assert.deepEqual(readResults(path.join(folder, 'none')), []);
  } finally {
    if (was === undefined) delete process.env[RESULTS_VARIABLE];
    else process.env[RESULTS_VARIABLE] = was;
    rmSync(folder, { recursive: true, force: true });
  }
});
