import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { openRecords, openRecordsReadOnly } from '../../records/store.js';
import { recordsFile } from '../support/record-entries.js';

const WRITER = path.resolve(import.meta.dirname, '../support/record-writer.js');

interface Writer {
  child: ChildProcess;
  /** Resolves with the number of batches said to be kept once it has exited. */
  ended: Promise<{ code: number | null; acknowledged: number; problem: string }>;
}

function writer(t: TestContext, args: string[], onBatch: (n: number, child: ChildProcess) => void = () => undefined): Writer {
  const child = spawn(process.execPath, ['--enable-source-maps', WRITER, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  let acknowledged = 0;
  let problem = '';
  child.stderr.on('data', (chunk: Buffer) => void (problem += chunk.toString()));
  createInterface(child.stdout).on('line', (line) => onBatch((acknowledged = Number(line)), child));
  return { child, ended: once(child, 'close').then(([code]) => ({ code: code as number | null, acknowledged, problem })) };
}

test('invariant 10: two processes that create and append at once lose nothing, double nothing, and leave one whole chain', async (t) => {
  const file = recordsFile(t);
  const ends = await Promise.all(['chain-a', 'chain-b'].map((chain) => writer(t, [file, chain, '150', 'chain-s']).ended));
  for (const { code, acknowledged, problem } of ends) assert.deepEqual([code, acknowledged], [0, 150], problem);
  const records = openRecords(file);
  assert.deepEqual(records.verify(), { ok: true, entries: 750, head: records.head() });
  const keys: string[] = [];
  records.entriesAfter(0, ({ entry }) => void keys.push(entry.key));
  assert.equal(new Set(keys).size, 750);
  for (const [chain, count] of [['chain-a', 300], ['chain-b', 300], ['chain-s', 150]] as const) {
    const own = keys.filter((key) => key.startsWith(chain));
    assert.deepEqual(own, Array.from({ length: count }, (_, at) => `${chain}/${at + 1}`), 'each chain in its own order');
  }
  records.close();
});

test('invariant 10: SIGKILL of a writer between and within batches: what was acknowledged is there, once, and the chain is whole', async (t) => {
  const file = recordsFile(t);
  let acknowledgedInAll = 0;
  // A fresh process sends everything again from the start: the kill falls among repeated and among new batches.
  for (const killAfter of [1, 7, 8, 23, 40, 41, 77]) {
    const { ended } = writer(t, [file, 'chain-k', '0', '-'], (n, child) => void (n >= killAfter && child.kill('SIGKILL')));
    const { acknowledged } = await ended;
    acknowledgedInAll = Math.max(acknowledgedInAll, acknowledged);
    const records = openRecords(file);
    const verdict = records.verify();
    assert.ok(verdict.ok, JSON.stringify(verdict));
    assert.equal(verdict.entries % 2, 0, 'no half batch');
    assert.ok(verdict.entries >= 2 * acknowledgedInAll, `${verdict.entries} entries, ${acknowledgedInAll} batches acknowledged`);
    const entries = records.entriesOf('chain-k');
    assert.deepEqual(entries.map(({ entry }) => entry.key), Array.from({ length: verdict.entries }, (_, at) => `chain-k/${at + 1}`));
    records.close();
  }
  assert.ok(acknowledgedInAll >= 77);
});

test('a reader works while another process writes, and sees one whole state each time', async (t) => {
  const file = recordsFile(t);
  const { child, ended } = writer(t, [file, 'chain-r', '0', 'chain-s']);
  await once(child.stdout!, 'data');
  const reader = openRecordsReadOnly(file);
  let last = 0;
  for (let asked = 0; asked < 60; asked++) {
    const verdict = reader.verify();
    assert.ok(verdict.ok, JSON.stringify(verdict));
    assert.equal(verdict.entries % 3, 0, 'never a part of a batch');
    assert.ok(verdict.entries >= last);
    last = verdict.entries;
    assert.equal(reader.run('chain-r')?.endedAt, null);
    // Lets the writer's lines arrive; the writer itself never waits for us.
    await new Promise((resolve) => setImmediate(resolve));
  }
  child.kill('SIGKILL');
  await ended;
  assert.ok(last > 3, `the writer went on meanwhile: ${last}`);
  assert.equal(reader.verify().ok, true, 'and after its death');
  reader.close();
});
