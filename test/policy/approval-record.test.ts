import assert from 'node:assert/strict';
import { test } from 'node:test';
import { approvalOnRecord } from '../../policy/approval-record.js';
import { openRecords } from '../../records/store.js';
import { exceptionEntry } from '../support/policies.js';
import { recordsFile } from '../support/record-entries.js';
import type { AuditEntry } from '../../policy/records.js';

const FACTS = { from: '3.12', to: '3.13', env: { host: 'web-01', link: '/srv/p/.venv' }, environments: ['web-02:/srv/p/.venv'] };
let n = 0;
const told = (event: AuditEntry['event'], data: AuditEntry['data']): AuditEntry => ({ ...exceptionEntry('ic-aaaa', ++n, event, n, data), kind: 'interpreter-change' });
const step = (purpose: string, outcome: string, facts: object = FACTS): AuditEntry[] => [
  told('approval-asked', { request: `${purpose}-1`, purpose, facts: { ...facts, purpose } as never }), told('decided', { request: `${purpose}-1`, purpose, outcome, message: '', by: [], decidedAt: '' }),
];

test('AP-13: an approval is what was signed: versions, environments and approved steps, read back from real records', (t) => {
  const records = openRecords(recordsFile(t));
  records.append([told('run-started', { from: '3.11', to: '3.99' }), ...step('technical-review', 'approved'), ...step('security-review', 'denied'), told('outcome', { outcome: 'denied', message: 'no', from: '3.11', to: '3.99' })]);
  const view = records.run('ic-aaaa')!;
  const entries = records.entriesOf(view.chain).map(({ entry }) => entry);
  records.close();
  assert.deepEqual(approvalOnRecord(view, entries), {
    run: 'ic-aaaa', kind: 'interpreter-change', outcome: 'denied', from: '3.12', to: '3.13', environments: ['web-01:/srv/p/.venv', 'web-02:/srv/p/.venv'], approvedSteps: ['technical-review'],
  });
  // A step that was approved for other versions is no step of what was approved last; without any, nothing is.
  const mixed = [...step('a', 'approved', { ...FACTS, to: '3.12' }), ...step('b', 'approved')];
  assert.deepEqual(approvalOnRecord(view, mixed).approvedSteps, ['b']);
  const none = approvalOnRecord(view, step('a', 'expired'));
  assert.deepEqual([none.to, none.environments, none.approvedSteps], ['nothing', [], []]);
});
