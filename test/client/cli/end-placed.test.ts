import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endLines } from '../../../client/cli/end-placed.js';
import { policyFileSchema } from '../../../policy/files/policy-file.js';

const NOW = new Date('2026-11-21T10:31:00.000Z');
const policyWith = (calendar: object) => policyFileSchema.parse({ calendar });

test('EE-05: who asks is shown where the end would fall, in the policy\'s own time', () => {
  assert.deepEqual(endLines(policyWith({ timeZone: 'Europe/Berlin' }), 24, NOW), ['  granted now it ends Sun 22 Nov 11:31 CET (Europe/Berlin)']);
  assert.deepEqual(endLines(policyWith({}), 0.5, NOW), ['  granted now it ends Sat 21 Nov 11:01 UTC']);
});

test('EE-05: an end in trading hours or a freeze is named, with fewer hours that end outside where there are some', () => {
  const trading = policyWith({ timeZone: 'Europe/Berlin', tradingHours: [{ days: ['SUN'], from: '09:00', to: '17:30' }] });
  assert.deepEqual(endLines(trading, 24, NOW), ['  granted now it ends Sun 22 Nov 11:31 CET (Europe/Berlin)', '  that falls into trading hours SUN 09:00 to 17:30 (Europe/Berlin); --hours 21 ends outside']);
  const frozen = policyWith({ freezes: [{ from: '2026-11-01T00:00:00Z', until: '2026-12-01T00:00:00Z', what: 'year end' }] });
  assert.deepEqual(endLines(frozen, 2, NOW).slice(1), ['  that falls into freeze "year end" until 2026-12-01T00:00:00Z; no fewer hours end outside']);
});
