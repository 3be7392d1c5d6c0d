import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openRecords } from '../../records/store.js';
import { entry, recordsFile, wholeRun } from '../support/record-entries.js';

test('the newest entry of an event about a host is of that host and that event', (t) => {
  const records = openRecords(recordsFile(t));
  const accepted = (n: number, host: string, key: string) => entry(n, { chain: 'hosts', run: '', link: '', kind: 'host', event: 'host-accepted', host, data: { key } });
  records.append([accepted(1, 'web-01', 'a'), accepted(2, 'web-02', 'b'), accepted(3, 'web-01', 'c'), accepted(4, 'web-011', 'd'), entry(5, { chain: 'hosts', run: '', link: '', kind: 'host', event: 'check-in', host: 'web-01' })]);
  assert.deepEqual(records.newestOfHost('host-accepted', 'web-01')?.entry.data, { key: 'c' });
  assert.deepEqual(records.newestOfHost('host-accepted', 'web-02')?.entry.data, { key: 'b' });
  assert.equal(records.newestOfHost('host-accepted', 'web-03'), null);
  assert.equal(records.newestOfHost('host-accepted', "web-01' OR 1=1 --"), null);
  records.close();
});

test('all runs of a short id are found, also those of another time', (t) => {
  const records = openRecords(recordsFile(t));
  records.append(wholeRun());
  records.append(wholeRun({ chain: 'chain-2', workflowId: 'fallback/laptop/x/01K' }));
  records.append(wholeRun({ chain: 'chain-3', run: 'ch-7k2m', kind: 'change' }));
  assert.deepEqual(records.runsNamed(['fb-7k2m']).map(({ chain }) => chain), ['chain-1', 'chain-2']);
  assert.deepEqual(records.runsNamed(['ch-7k2m', 'fb-7k2m', 'ex-7k2m']).map(({ chain }) => chain), ['chain-1', 'chain-2', 'chain-3']);
  assert.deepEqual(records.runsNamed([]), []);
  records.close();
});
