import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditEntry } from '../../../policy/records.js';
import { fingerprintOf } from '../../../policy/signers.js';
import { verdictText } from '../../../policy/signed-texts.js';
import { publicLine, signingPlace, type Name } from '../../support/signing-place.js';

const SAID = { host: 'web-01', chain: 'chain-1', tree: 'ch-7k2m-1', planDigest: 'ab'.repeat(32), manifestDigest: 'cd'.repeat(32), ok: true };
const text = (said: typeof SAID): string => verdictText(said.host, said.chain, said.tree, said.planDigest, said.manifestDigest, said.ok);

const accepted = (n: number, host: string, name: Name): AuditEntry =>
  ({ key: `accept/${n}`, run: '', kind: 'host', event: 'host-accepted', at: `2025-11-22T11:3${n}:00.000Z`, workflowId: 'w', runId: 'r', chain: `accept-${n}`, actor: 'erin', host, link: '', justification: 'compared on the machine', data: { key: publicLine(name), fingerprint: fingerprintOf(publicLine(name)) } });

test('a host whose key nobody accepted is believed, and told apart', async (t) => {
  const { activities, records, sign } = signingPlace(t);
  records.append([accepted(1, 'web-02', 'frank')]);
  assert.deepEqual(await activities.checkVerdict({ ...SAID, signed: null }), { refused: null, known: false });
  assert.deepEqual(await activities.checkVerdict({ ...SAID, signed: await sign('alice', 'runbook.verdict', text(SAID)) }), { refused: null, known: false });
});

test('a host whose key was accepted says so itself, or it was not said: a foreign poller has no such key', async (t) => {
  const { activities, records, sign } = signingPlace(t);
  records.append([accepted(1, 'web-01', 'frank')]);
  const own = await sign('frank', 'runbook.verdict', text(SAID));
  assert.deepEqual(await activities.checkVerdict({ ...SAID, signed: own }), { refused: null, known: true });
  const refusals: [Parameters<typeof activities.checkVerdict>[0], RegExp][] = [
    [{ ...SAID, signed: null }, /without a signature/],
    [{ ...SAID, signed: await sign('alice', 'runbook.verdict', text(SAID)) }, /a signature of the key SHA256:/],
    [{ ...SAID, ok: false, signed: own }, /something else than the answer/],
    [{ ...SAID, manifestDigest: 'ef'.repeat(32), signed: own }, /something else than the answer/],
    [{ ...SAID, chain: 'chain-2', signed: own }, /something else than the answer/],
    [{ ...SAID, signed: { ...own, signature: (await sign('frank', 'runbook.verdict', text({ ...SAID, ok: false }))).signature } }, /does not match the text/],
    [{ ...SAID, signed: await sign('frank', 'runbook.statement', text(SAID)) }, /another purpose/],
  ];
  for (const [said, reason] of refusals) {
    const { refused } = await activities.checkVerdict(said);
    assert.match(refused?.[0]?.got ?? 'it was believed', reason);
    assert.match(refused![0]!.wayOut, /runbook host accept web-01/);
  }
});

test('the newest accepted key counts, and no earlier one', async (t) => {
  const { activities, records, sign } = signingPlace(t);
  records.append([accepted(1, 'web-01', 'frank'), accepted(2, 'web-01', 'erin'), accepted(3, 'web-02', 'frank')]);
  assert.notEqual((await activities.checkVerdict({ ...SAID, signed: await sign('frank', 'runbook.verdict', text(SAID)) })).refused, null);
  assert.deepEqual(await activities.checkVerdict({ ...SAID, signed: await sign('erin', 'runbook.verdict', text(SAID)) }), { refused: null, known: true });
});
