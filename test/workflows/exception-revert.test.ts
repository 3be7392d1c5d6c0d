import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { useEnvironment } from '../support/env.js';
import { isStanding, live } from '../support/exception-life.js';
import { fakes } from '../support/fake-host.js';

const env = useEnvironment({ server: 'time-skipping' });

test('EE-09: a way back that fails eleven times is taken the twelfth time', { timeout: 120_000 }, async (t) => {
  let failed = 0;
  const f = fakes();
  const undo = f.host.undo;
  f.host.undo = async (order, input) => {
    // The test server's clock goes at its normal pace while an activity waits to be tried again: these wait short.
    if (failed++ < 11) throw ApplicationFailure.create({ message: 'the disk is read-only', nextRetryDelay: '20 milliseconds' });
    return undo(order, input);
  };
  await live(env, t, f, async (living) => {
    const { handle, vote } = living;
    await vote('grant', ['alice', 'carol']);
    await isStanding(living);
    const result = await handle.result();
    assert.equal(result.outcome, 'expired', result.message);
    assert.equal(failed, 12);
  });
});
