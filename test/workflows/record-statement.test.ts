import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WorkflowFailedError } from '@temporalio/client';
import { sha256Hex } from '../../policy/canonical.js';
import { statementText } from '../../policy/checks/statement.js';
import { recordStatement, type RecordStatementInput } from '../../workflows/record-statement.js';
import { useEnvironment } from '../support/env.js';
import { fakes } from '../support/fake-host.js';

const env = useEnvironment();
/** Few enough characters, and too many bytes. */
const LONG = '検'.repeat(100_000);
const DOCUMENT = '{"overall_status":"WARNING"}';
const ENV = { host: 'web-01', link: '/srv/pricer/.venv' };
const FACTS = { kind: 'accept-warnings', env: ENV, digest: 'a'.repeat(64), document: sha256Hex(DOCUMENT), namespace: 'default', at: '2026-11-21T12:00:00.000Z', reason: 'looked at together' } as const;
/** Whose signature it is, the fakes take from it: the person. */
const INPUT: RecordStatementInput = { kind: 'accept-warnings', env: ENV, text: statementText(FACTS), signature: 'alice', document: DOCUMENT, reason: FACTS.reason };

async function run(t: { name: string }, input: RecordStatementInput, control: NonNullable<Parameters<typeof fakes>[0]>['control'] = { statementRoles: async () => ({ acceptedBy: ['engineering'] }) }) {
  const f = fakes({ control });
  const answer = await env.withWorker(t, { activities: f.control }, ({ client, taskQueue, id }) => client.workflow.execute(recordStatement, { taskQueue, workflowId: id('statement'), args: [input] }));
  return { answer, entries: f.entries };
}

test('DIS-05: acceptance of warnings by somebody of the policy\'s roles is on record, with what was signed', async (t) => {
  const { answer, entries } = await run(t, INPUT);
  assert.deepEqual(answer, { taken: true, message: 'on record for alice' });
  assert.deepEqual(entries.map(({ event, host, link, actor, data }) => [event, host, link, actor, data['digest'], data['role']]), [['warnings-accepted', ENV.host, ENV.link, 'alice', FACTS.digest, 'engineering']]);
  assert.deepEqual(entries[0]!.data['signed'], { text: INPUT.text, signature: 'alice' });
});

test('PF-27: the sign-off of a manual preflight is on record', async (t) => {
  const { entries } = await run(t, { ...INPUT, kind: 'manual-preflight', text: statementText({ ...FACTS, kind: 'manual-preflight' }) });
  assert.equal(entries[0]!.event, 'preflight-signed');
});

test('who has none of the roles is told which do, and nothing is on record', async (t) => {
  const { answer, entries } = await run(t, INPUT, { statementRoles: async () => ({ acceptedBy: ['operations'] }) });
  assert.deepEqual(answer, { taken: false, message: 'alice has none of the roles that may: operations' });
  assert.deepEqual(entries, []);
});

test('invariant 14: a text of something else, of another environment, namespace, document or reason: refused, never verified', async (t) => {
  const wrong: [Partial<RecordStatementInput>, RegExp][] = [
    [{ text: 'I accept everything\n' }, /expected a statement about checks/],
    [{ kind: 'manual-preflight' }, /expected manual-preflight/],
    [{ env: { ...ENV, host: 'web-02' } }, /expected accept-warnings of web-02/],
    [{ text: statementText({ ...FACTS, namespace: 'other' }) }, /namespace/],
    [{ document: `${DOCUMENT} ` }, /the document/],
    [{ document: LONG, text: statementText({ ...FACTS, document: sha256Hex(LONG) }) }, /1 to 200000 bytes, got 300000/],
    [{ reason: 'no reason' }, /another reason/],
  ];
  const f = fakes();
  await env.withWorker(t, { activities: f.control }, async ({ client, taskQueue, id }) => {
    for (const [more, says] of wrong) {
      const failed = client.workflow.execute(recordStatement, { taskQueue, workflowId: id('statement'), args: [{ ...INPUT, ...more }] });
      await assert.rejects(failed, (error: WorkflowFailedError) => says.test(String(error.cause?.message)));
    }
  });
  assert.deepEqual(f.calls, []);
});
