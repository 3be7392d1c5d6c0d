import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { grantsOn } from '../../../activities/control/grants.js';
import type { AuditEntry } from '../../../policy/records.js';
import { openRecords } from '../../../records/store.js';
import { at, ENV, exceptionEntry, grantedException } from '../../support/policies.js';
import { recordsFile } from '../../support/record-entries.js';

/** Ends of the grants on record at an hour: `null`: it still holds the environment. */
function endsAt(t: TestContext, entries: AuditEntry[]): (hour: number) => (string | null)[] {
  const records = openRecords(recordsFile(t));
  t.after(() => records.close());
  records.append(entries);
  return (hour) => grantsOn(records, ENV, at(hour)).map(({ endedAt }) => endedAt);
}

const [STARTED, GRANTED, SWITCHED] = grantedException('ex-aaaa', 0, 24) as [AuditEntry, AuditEntry, AuditEntry];
const INCOMPLETE = exceptionEntry('ex-aaaa', 9, 'outcome', 5, { outcome: 'rollback-incomplete', message: 'service ill', from: '3.12.1', to: '3.13.1' });

/** A run of `runbook undo` that began and ended at these hours. */
const undo = (run: string, begun: number, ended: number, outcome: string): AuditEntry[] => [
  exceptionEntry(run, 1, 'run-started', begun, {}, { kind: 'rollback', workflowId: `rollback/${run}` }),
  exceptionEntry(run, 2, 'outcome', ended, { outcome, message: 'over', from: null, to: null }, { kind: 'rollback', workflowId: `rollback/${run}` }),
];

test('EE-06: a grant of which no change is on record is over at its end, and not before', (t) => {
  const ends = endsAt(t, [STARTED, GRANTED]);
  assert.deepEqual(ends(23), [null]);
  assert.deepEqual(ends(24), [at(24)]);
  assert.deepEqual(ends(24 * 365), [at(24)]);
});

test('EE-06: one that was changed to holds its environment beyond its end, until a way back is on record', (t) => {
  assert.deepEqual(endsAt(t, [STARTED, GRANTED, SWITCHED])(24 * 365), [null]);
  assert.deepEqual(endsAt(t, [STARTED, GRANTED, SWITCHED, INCOMPLETE])(24 * 365), [null]);
});

test('EE-06: mended without a server, it is over when a later undo finds nothing to go back from', (t) => {
  assert.deepEqual(endsAt(t, [STARTED, GRANTED, SWITCHED, INCOMPLETE, ...undo('rb-aaaa', 6, 7, 'not-needed')])(8), [at(7)]);
});

test('EE-06: an undo that failed, or was asked for before the change of the exception, proves nothing', (t) => {
  const before = [STARTED, GRANTED, ...undo('rb-aaaa', -1, 1, 'not-needed'), { ...SWITCHED, at: at(0.5) }];
  assert.deepEqual(endsAt(t, before)(30), [null]);
  assert.deepEqual(endsAt(t, [STARTED, GRANTED, SWITCHED, ...undo('rb-aaaa', 6, 7, 'rollback-incomplete'), ...undo('rb-bbbb', 8, 9, 'refused')])(30), [null]);
});

test('EE-06: an environment that the exception made is never undone by hand: that there is nothing to undo proves nothing', (t) => {
  const made = { ...GRANTED, data: { ...GRANTED.data, from: null } };
  assert.deepEqual(endsAt(t, [STARTED, made, SWITCHED, ...undo('rb-aaaa', 6, 7, 'not-needed')])(30), [null]);
});
