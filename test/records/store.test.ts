import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256Hex as sha256Of } from '../../policy/canonical.js';
import { EMPTY_HEAD } from '../../policy/records.js';
import type { AuditEntry, Head } from '../../policy/records.js';
import { RecordsError } from '../../records/errors.js';
import type { RecordsErrorCode } from '../../records/errors.js';
import { openRecords, openRecordsReadOnly } from '../../records/store.js';
import type { Records } from '../../records/store.js';
import { entry, recordsFile, wholeRun } from '../support/record-entries.js';

async function withRecords(t: Parameters<typeof recordsFile>[0], act: (records: Records) => void): Promise<void> {
  const records = openRecords(recordsFile(t));
  try {
    act(records);
    const verdict = records.verify();
    assert.ok(verdict.ok, JSON.stringify(verdict));
  } finally {
    records.close();
  }
}

const refused = (code: RecordsErrorCode, text: RegExp) => (error: unknown) => error instanceof RecordsError && error.code === code && text.test(error.message);

test('entries come back as they went in, numbered and chained', (t) => withRecords(t, (records) => {
  assert.deepEqual(records.head(), EMPTY_HEAD);
  const batch = wholeRun();
  const head = records.append(batch);
  assert.equal(head.seq, 5);
  assert.deepEqual(records.head(), head);
  const stored = records.entriesOf('fb-7k2m');
  assert.deepEqual(stored.map(({ entry: each }) => each), batch);
  stored.forEach((each, at) => assert.equal(each.previous, at === 0 ? EMPTY_HEAD.hash : stored[at - 1]!.hash));
}));

test('invariant 10: the same batch twice, or overlapping ones, are recorded once', (t) => withRecords(t, (records) => {
  const batch = wholeRun();
  const first = records.append(batch.slice(0, 3));
  assert.deepEqual(records.append(batch.slice(0, 3)), first);
  const second = records.append(batch.slice(1));
  assert.equal(second.seq, 5);
  assert.deepEqual(records.append([...batch].reverse()), second);
  assert.deepEqual(records.append([batch[0]!, batch[0]!]), second);
  assert.equal(records.entriesOf('fb-7k2m').length, 5);
  assert.equal(records.run('fb-7k2m')?.steps.length, 2, 'steps are not doubled either');
}));

test('the same key with other content names both and keeps nothing of its batch', (t) => withRecords(t, (records) => {
  records.append([entry(1, { event: 'run-started' })]);
  const head = records.head();
  assert.throws(() => records.append([entry(2), entry(1, { event: 'run-started', actor: 'mallory' })]), refused('key-conflict', /chain-1\/1.*entry 1 says.*by bob.*got .*by mallory/s));
  assert.throws(() => records.append([entry(3), entry(3, { actor: 'mallory' })]), refused('key-conflict', /chain-1\/3/));
  assert.deepEqual(records.head(), head);
}));

test('AU-01: a change without a justification is refused and keeps nothing of its batch', (t) => withRecords(t, (records) => {
  assert.throws(() => records.append([entry(1), entry(2, { event: 'outcome', justification: '' })]), refused('bad-entry', /justification.*nothing.*--reason/s));
  assert.equal(records.head().seq, 0);
}));

test('AU-01: every interpreter change of an environment is found with its justification', (t) => withRecords(t, (records) => {
  records.append(wholeRun());
  records.append(wholeRun({ chain: 'chain-2', run: 'ch-0002', kind: 'change', justification: 'wheels are there' }, '3.11.7', '3.12.1'));
  records.append(wholeRun({ chain: 'chain-3', run: 'ch-0003', kind: 'change', link: '/srv/other/.venv' }));
  const history = records.historyOf('laptop', '/srv/pricer/.venv');
  assert.deepEqual(history.map(({ run, reason, from, to }) => [run, reason, from, to]), [['ch-0002', 'wheels are there', '3.11.7', '3.12.1'], ['fb-7k2m', 'new lock', '3.12.1', '3.11.7']]);
}));

test('AU-02: a fallback activation is on record as such, with packages and versions', (t) => withRecords(t, (records) => {
  const activated = entry(9, { event: 'fallback-activated', data: { from: '3.12.1', to: '3.11.7', affected: ['numpy'] } });
  records.append([entry(1, { event: 'run-started' }), activated]);
  assert.deepEqual(records.entriesByEvent('fallback-activated').map(({ entry: each }) => each), [activated]);
  assert.throws(() => records.append([entry(10, { event: 'fallback-activated', justification: '' })]), refused('bad-entry', /justification/));
}));

test('AU-12: records are found by run, workflow id, chain, host and link', (t) => withRecords(t, (records) => {
  records.append(wholeRun());
  for (const id of ['fb-7k2m', entry(1).workflowId, 'chain-1']) assert.equal(records.run(id)?.chain, 'chain-1', id);
  for (const id of ['', 'fb-7k2', '%', 'fb-7k2m\0', 'execution-1']) assert.equal(records.run(id), null, id);
  const [first] = records.entriesOf('fb-7k2m');
  const { workflowId, runId, actor, host, at } = first!.entry;
  assert.deepEqual([workflowId, runId, actor, host, at], [entry(1).workflowId, 'execution-1', 'bob', 'laptop', entry(1).at]);
  assert.equal(records.listRuns({ host: 'laptop', link: '/srv/pricer/.venv' }).length, 1);
  assert.equal(records.listRuns({ host: 'web-01' }).length, 0);
}));

test('runs are listed newest first, open ones apart, to a limit', (t) => withRecords(t, (records) => {
  for (const n of [1, 2, 3]) records.append(wholeRun({ chain: `chain-${n}`, run: `ch-000${n}` }).slice(0, n === 2 ? 3 : 5));
  assert.deepEqual(records.listRuns().map(({ run }) => run), ['ch-0003', 'ch-0002', 'ch-0001']);
  assert.deepEqual(records.listRuns({ open: true }).map(({ run }) => run), ['ch-0002']);
  assert.deepEqual(records.listRuns({ open: false, limit: 1 }).map(({ run }) => run), ['ch-0003']);
}));

test('of two runs with one short id each keeps its own entries, and the newest is meant', (t) => withRecords(t, (records) => {
  records.append(wholeRun());
  records.append(wholeRun({ chain: 'chain-2', justification: 'the other one' }));
  assert.equal(records.run('fb-7k2m')?.reason, 'the other one');
  assert.deepEqual(records.entriesOf('chain-1').map(({ seq }) => seq), [1, 2, 3, 4, 5]);
  assert.deepEqual(records.entriesOf('fb-7k2m').map(({ seq }) => seq), [6, 7, 8, 9, 10]);
}));

test('a change that another run ordered is told in history as the run that ordered it', (t) => withRecords(t, (records) => {
  records.append([entry(1, { event: 'run-started' })]);
  records.append(wholeRun({ chain: 'child', run: 'ch-7k2m', kind: 'change' }).map((each, at) => (at === 0 ? { ...each, data: { ...each.data, parent: 'fb-7k2m' } } : each)));
  assert.deepEqual(records.historyOf('laptop', '/srv/pricer/.venv').map(({ run, kind, to }) => [run, kind, to]), [['fb-7k2m', 'fallback', '3.11.7']]);
  assert.deepEqual(records.listRuns().map(({ run }) => run), ['fb-7k2m']);
  assert.deepEqual(records.listRuns({ children: true }).length, 2);
}));

test('evidence is kept by digest, once, up to 256 KiB of UTF-8, in one transaction with the entries that name it', (t) => withRecords(t, (records) => {
  const sha256 = records.putEvidence('12 passed, é, \0 and all\n');
  assert.equal(records.putEvidence('12 passed, é, \0 and all\n'), sha256);
  assert.equal(records.getEvidence(sha256), '12 passed, é, \0 and all\n');
  assert.equal(records.getEvidence('0'.repeat(64)), null);
  const largest = 'x'.repeat(256 * 1024);
  assert.equal(records.getEvidence(records.putEvidence(largest)), largest);
  assert.throws(() => records.putEvidence(`${largest.slice(1)}é`), refused('bad-evidence', /at most 262144 bytes, got 262145 bytes/));
  assert.throws(() => records.append([entry(1, { actor: '' })], ['with a bad entry']), refused('bad-entry', /actor/));
  records.append([entry(1)], ['with it']);
  assert.throws(() => records.append([entry(1, { actor: 'other' })], ['rolled back']), refused('key-conflict', /chain/));
  assert.deepEqual(['with it', 'rolled back', 'with a bad entry'].map((text) => records.getEvidence(sha256Of(text)) !== null), [true, false, false]);
}));

test('an entry that is no JSON or too long is refused before anything is written', (t) => withRecords(t, (records) => {
  assert.throws(() => records.append([entry(1), entry(2, { data: { at: 1n as never } })]), refused('bad-entry', /plain JSON/));
  assert.throws(() => records.append([entry(2, { data: { log: 'x'.repeat(300_000) } })]), refused('bad-entry', /evidence/));
  assert.equal(records.head().seq, 0);
}));

test('every sort of text survives: quotes, NUL, lone surrogates, SQL, text beyond the first plane', (t) => withRecords(t, (records) => {
  const data = { a: '\0', b: '\ud800', c: `'); DROP TABLE entries; --`, d: '🐍\u2028', 'key "quoted"': [1e21, -0.5, 5e-324] };
  records.append([entry(1, { data, justification: 'a\0b' })]);
  assert.deepEqual(records.entriesOf('fb-7k2m')[0]!.entry.data, data);
  assert.equal(records.run('fb-7k2m')?.reason, 'a\0b');
}));

test('export reads on from a number, in pages, on one state of the file', (t) => withRecords(t, (records) => {
  records.append(Array.from({ length: 1_203 }, (_, at) => entry(at + 1)));
  const seen: number[] = [];
  records.entriesAfter(200, ({ seq }) => void seen.push(seq));
  assert.deepEqual([seen.length, seen[0], seen.at(-1)], [1_003, 201, 1_203]);
}));

test('a reader sees what the writer wrote and can write nothing', (t) => withRecords(t, (records) => {
  records.append(wholeRun());
  const reader = openRecordsReadOnly(records.file);
  assert.deepEqual(reader.head(), records.head());
  assert.equal(Object.hasOwn(reader, 'append'), false);
  assert.throws(() => (reader as Records).append([entry(9)]), TypeError);
  reader.close();
}));

test('reopening finds everything, and the head says so', (t) => {
  const file = recordsFile(t);
  let head: Head = EMPTY_HEAD;
  for (const n of [1, 2, 3]) {
    const records = openRecords(file);
    assert.deepEqual(records.head(), head);
    head = records.append([entry(n)] satisfies AuditEntry[]);
    records.close();
  }
  assert.equal(head.seq, 3);
});
