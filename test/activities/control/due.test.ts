import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDueActivities } from '../../../activities/control/due.js';
import { openRecords } from '../../../records/store.js';
import { policyStore } from '../../support/policies.js';
import { entry, recordsFile } from '../../support/record-entries.js';

test('PV-07 to PV-10, PV-31: each date is told once when it comes near and once when it is over, whoever asks and how often', async (t) => {
  const policies = policyStore(t, { header: { review: '2026-12-01' }, checks: { checklist: { review: '2030-01-01' } }, timeline: { '3.12': { eol: '2028-06-30' } } });
  const records = openRecords(recordsFile(t));
  t.after(() => records.close());
  let today = '2026-10-31T00:00:00.000Z';
  const { dueNow } = createDueActivities({ policies, records, now: () => Date.parse(today) });
  let noted = 0;
  /** What the daily run does with each. */
  const tellAll = async (): Promise<string[]> => {
    const { items } = await dueNow();
    assert.deepEqual((await dueNow()).items, items, 'asking alone changes nothing');
    records.append(items.map(({ id, what, on }) => entry(++noted, { event: 'reminder', run: '', link: '', data: { id, what, on } })));
    return items.map(({ kind, overdue }) => `${kind}${overdue ? ' overdue' : ''}`);
  };
  assert.deepEqual(await tellAll(), [], 'nothing is near: the review is 31 days off');
  today = '2026-11-01T00:00:00.000Z';
  assert.deepEqual(await tellAll(), ['review']);
  assert.deepEqual(await tellAll(), []);
  today = '2026-12-01T23:59:59.000Z';
  assert.deepEqual(await tellAll(), [], 'its own day is not over');
  today = '2026-12-30T00:00:00.000Z';
  assert.deepEqual(await tellAll(), ['review overdue', 'eol-notice']);
  assert.deepEqual(await tellAll(), []);
});
