import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useEnvironment } from '../support/env.js';
import { live } from '../support/exception-life.js';
import { fakes } from '../support/fake-host.js';

const env = useEnvironment({ server: 'time-skipping' });

test('invariant 5: nobody votes in 72 hours: expired, nothing is changed', { timeout: 60_000 }, async (t) => {
  const f = fakes();
  await live(env, t, f, async ({ handle, vote }) => {
    await vote('grant', ['alice']);
    assert.equal((await handle.result()).outcome, 'expired');
  });
  assert.ok(!f.calls.includes('acquireLease'));
});
