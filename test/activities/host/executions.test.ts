import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { resetsOf } from '../../../activities/host/executions.js';
import { testHost, type TestHost } from '../../support/host.js';

let host: TestHost;
before(() => (host = testHost()));
after(() => host.close());

test('a later execution of a chain counts higher than an earlier one, and keeps its number', () => {
  const { env } = host.project('executions', { 'requirements.txt': '' });
  const order = { env, chain: 'chain-a', run: 'ch-aaaa' };
  assert.equal(resetsOf(host.ctx, order, 'chain-a'), 0, 'the first execution is the chain itself');
  assert.deepEqual(host.ctx.store.journal.entries(), [], 'a run that was never reset leaves no row');
  assert.equal(resetsOf(host.ctx, order, 'second'), 1);
  assert.equal(resetsOf(host.ctx, order, 'third'), 2);
  assert.equal(resetsOf(host.ctx, order, 'second'), 1);
  assert.equal(resetsOf(host.ctx, order, 'chain-a'), 0);
  assert.equal(resetsOf(host.ctx, { ...order, chain: 'chain' }, 'third'), 1, 'another chain, another count');
  assert.equal(host.ctx.store.journal.verify().ok, true);
});
