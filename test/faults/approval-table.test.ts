import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { approvalCaseName, approvalCases } from './approval-matrix.js';
import { approvalTable, keepApprovalResult, readApprovalResults, type ApprovalResult } from './approval-table.js';
import { casesOf } from './matrix.js';
import { keepResult, readResults, RESULTS_VARIABLE } from './matrix-table.js';

const passed: ApprovalResult[] = approvalCases().map((one) => ({ matrix: 'approvals', case: approvalCaseName(one), phase: one.point.phase, victim: one.victim, problem: null, seconds: 7 }));
const rowOf = (table: string, phase: string): string[] => table.split('\n').find((line) => line.startsWith(`| ${phase} `))!.split('|').slice(2, 5).map((cell) => cell.trim());

test('the table of a whole run: every phase with every process', () => {
  const table = approvalTable(passed);
  assert.deepEqual(rowOf(table, 'make permanent (4)'), ['ok 4', 'ok 4', 'ok 4']);
  assert.doesNotMatch(table, /not run|FAILED/);
  assert.match(table, new RegExp(`^${passed.length} of ${passed.length} cases run, 0 failed; the longest took 7 s\\.$`, 'm'));
});

test('a failure is in its cell and by name below; what was not run is not ok', () => {
  const results = passed.filter(({ phase, victim }) => phase !== 'plan' || victim === 'agent').map((one) => (one.case.endsWith('the agent at revert: undo:acted (withdrawn)') ? { ...one, problem: 'undone twice\nand more' } : one));
  const table = approvalTable(results);
  assert.deepEqual(rowOf(table, 'plan (1)'), ['not run', 'ok 1', 'not run']);
  assert.deepEqual(rowOf(table, 'revert (5)'), ['ok 5', 'FAILED 1 of 5', 'ok 5']);
  assert.match(table, /^- SIGKILL of the agent at revert: undo:acted \(withdrawn\): undone twice$/m);
});

test('both matrices keep their results in one file, and each reads its own', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'results-'));
  const was = process.env[RESULTS_VARIABLE];
  const file = (process.env[RESULTS_VARIABLE] = path.join(folder, 'results'));
  try {
    keepResult(casesOf('SIGKILL')[0]!, null, 3);
    keepApprovalResult(approvalCases()[0]!, 'it hangs', 9);
    assert.deepEqual(readResults(file).map(({ problem }) => problem), [null]);
    assert.deepEqual(readApprovalResults(file).map(({ problem }) => problem), ['it hangs']);
  } finally {
    if (was === undefined) delete process.env[RESULTS_VARIABLE];
    else process.env[RESULTS_VARIABLE] = was;
    rmSync(folder, { recursive: true, force: true });
  }
});
