import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { createRecordActivities } from '../../../activities/control/records.js';
import { openRecords } from '../../../records/store.js';
import { entry, recordsFile, wholeRun } from '../../support/record-entries.js';

async function failureOf(act: Promise<unknown>): Promise<ApplicationFailure> {
  const error = await act.then(() => assert.fail('it was accepted'), (caught: unknown) => caught);
  assert.ok(error instanceof ApplicationFailure, String(error));
  return error;
}

test('a batch is appended once however often the activity is tried, and answers with the head', async (t) => {
  const records = openRecords(recordsFile(t));
  const { appendRecords } = createRecordActivities(records);
  const first = await appendRecords({ entries: wholeRun(), evidence: ['12 passed'] });
  assert.deepEqual(await appendRecords({ entries: wholeRun(), evidence: ['12 passed'] }), first);
  assert.equal(first.head.seq, 5);
  records.close();
});

test('a key conflict and an unfit entry are final BadInput, with the objection as detail', async (t) => {
  const records = openRecords(recordsFile(t));
  const { appendRecords } = createRecordActivities(records);
  await appendRecords({ entries: [entry(1)] });
  for (const bad of [entry(1, { actor: 'mallory' }), entry(2, { event: 'outcome', justification: '' })]) {
    const failure = await failureOf(appendRecords({ entries: [bad] }));
    assert.deepEqual([failure.type, failure.nonRetryable], ['BadInput', true], failure.message);
    assert.match((failure.details?.[0] as { what: string }).what, /chain-1\/[12]/);
  }
  assert.equal(records.head().seq, 1);
  records.close();
});

const PRLIMIT = '/usr/bin/prlimit';

test('invariant 10: while the disk says no the failure is retryable; afterwards the same batch goes in once', { skip: existsSync(PRLIMIT) ? false : 'needs prlimit' }, async (t) => {
  const records = openRecords(recordsFile(t));
  const { appendRecords } = createRecordActivities(records);
  await appendRecords({ entries: wholeRun() });
  const batch = Array.from({ length: 40 }, (_, n) => entry(n + 10, { data: { text: 'x'.repeat(10_000) } }));
  // A real limit of the kernel on file sizes of this process: SQLite's write fails as on a full disk.
  const limit = (bytes: number | 'unlimited') => assert.equal(spawnSync(PRLIMIT, ['--pid', String(process.pid), `--fsize=${bytes}:`]).status, 0);
  limit(statSync(`${records.file}-wal`).size + 100_000);
  const failure = await failureOf(appendRecords({ entries: batch })).finally(() => limit('unlimited'));
  assert.deepEqual([failure.type, failure.nonRetryable], ['RecordsUnavailable', false], failure.message);
  assert.match(failure.message, /check free space/);
  assert.equal(records.head().seq, 5, 'nothing of the batch was kept');
  assert.equal((await appendRecords({ entries: batch })).head.seq, 45);
  assert.equal(records.verify().ok, true);
  records.close();
});
