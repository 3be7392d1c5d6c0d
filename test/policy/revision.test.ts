import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareRevisions, readSignedRevision } from '../../policy/revision.js';

test('PV-31: revisions are ordered as numbers, part by part', () => {
  const order = (a: string, b: string) => Math.sign(compareRevisions(a, b) ?? NaN);
  assert.deepEqual([order('1.0.0', '1.0.1'), order('1.9', '1.10'), order('2', '1.99.99'), order('1.0', '1.0.0'), order('1', '1.0.1')], [-1, -1, 1, 0, -1]);
  for (const wrong of ['', 'v2', '1.', '1..2', '1.0-rc1', '1e3', '١.٠']) assert.equal(compareRevisions('1.0.0', wrong), null, wrong);
});

test('a file of signatures is read whole or not at all', () => {
  const right = { revision: '1.1.0', digest: 'ab'.repeat(32), replaces: null, signatures: [{ text: 't', signature: 's' }] };
  assert.deepEqual(readSignedRevision(JSON.stringify(right)), right);
  for (const wrong of ['', '{', '[]', JSON.stringify({ ...right, digest: 'short' }), JSON.stringify({ ...right, more: 1 }), JSON.stringify({ ...right, signatures: Array(21).fill(right.signatures[0]) })]) assert.equal(readSignedRevision(wrong), null, wrong.slice(0, 40));
});
