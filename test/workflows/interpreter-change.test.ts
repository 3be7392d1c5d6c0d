import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRecordActivities } from '../../activities/control/records.js';
import { workflowIdOf } from '../../policy/ids.js';
import type { ReviewRequest } from '../../policy/model.js';
import { openRecords } from '../../records/store.js';
import { interpreterChange } from '../../workflows/interpreter-change.js';
import { abortUpdate, evidenceUpdate, statusQuery } from '../../workflows/messages.js';
import { useEnvironment } from '../support/env.js';
import { fakes } from '../support/fake-host.js';
import { recordsFile } from '../support/record-entries.js';

const env = useEnvironment();

test('evidence is limited in bytes, as the records are: what they could not keep is not taken', { timeout: 60_000 }, async (t) => {
  const records = openRecords(recordsFile(t));
  t.after(() => records.close());
  const f = fakes({ control: createRecordActivities(records) });
  const result = await env.withWorker(t, { activities: f.control }, async ({ client, taskQueue, host }) => {
    const at = { host, link: '/srv/p/.venv' };
    const request: ReviewRequest = { run: 'ic-3p9d', kind: 'interpreter-change', env: at, environments: [`${host}:/srv/p/.venv`], from: '3.12.x', to: '3.13.x', reason: 'r', requester: 'bob', policyDigest: 'p' };
    const handle = await client.workflow.start(interpreterChange, { taskQueue, workflowId: workflowIdOf('interpreter-change', at, '01J00000000000000000003P9D'), args: [request] });
    while (!(await handle.query(statusQuery)).review?.missing.length) await new Promise((resolve) => setTimeout(resolve, 50));
    const handIn = (document: string) => handle.executeUpdate(evidenceUpdate, { args: [{ step: 'technical-review', name: 'technical-review', document, by: 'erin' }] });
    assert.deepEqual(await handIn('検'.repeat(100_000)), { taken: false, message: 'the document: expected 1 to 200000 bytes, got 300000' });
    assert.equal((await handIn('x'.repeat(200_001))).taken, false);
    assert.equal((await handIn(' ')).taken, false);
    assert.equal((await handIn('検'.repeat(66_666))).taken, true);
    await handle.executeUpdate(abortUpdate, { args: [{ by: 'bob', reason: 'seen' }] });
    return handle.result();
  });
  assert.equal(result.outcome, 'rolled-back');
  assert.equal(records.run('ic-3p9d')?.outcome, 'rolled-back');
});
