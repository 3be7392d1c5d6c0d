import assert from 'node:assert/strict';
import { rmSync, mkdirSync } from 'node:fs';
import { test } from 'node:test';
import { createHealthActivities } from '../../../activities/control/health.js';
import { policyStore } from '../../support/policies.js';

test('a policy that can\'t be read gives no new rules and nobody to tell, and says so; a statement of a person waits for it', async (t) => {
  const policies = policyStore(t, { checks: { tell: ['security'] } });
  const { healthRules, healthAlerts, statementRoles } = createHealthActivities(policies);
  const { health } = await healthRules({ host: 'web-01', known: null });
  assert.deepEqual(await healthRules({ host: 'web-01', known: health!.digest }), { health: null });
  assert.deepEqual(await healthAlerts({ host: 'web-01', health: [] }), { alerts: [], to: ['security'] });
  // Not a policy, and no file that can be read.
  const breakings = [() => policies.write({ timers: 'none' }), () => (rmSync(policies.file), mkdirSync(policies.file))];
  for (const breakIt of breakings) {
    breakIt();
    assert.deepEqual(await healthRules({ host: 'web-01', known: null }), { health: null });
    assert.deepEqual(await healthAlerts({ host: 'web-01', health: [] }), { alerts: [], to: [], isUnknown: true });
    await assert.rejects(statementRoles());
  }
});
