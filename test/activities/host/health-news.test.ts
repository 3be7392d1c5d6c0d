import assert from 'node:assert/strict';
import { test } from 'node:test';
import { healthNews } from '../../../activities/host/health-news.js';
import { healthState } from '../../../activities/host/health-rules.js';
import type { HealthRow } from '../../../activities/host/store-health.js';
import { healthKey } from '../../../policy/checks/health-key.js';
import type { HealthState } from '../../../policy/checks/results.js';
import { healthRules, NO_SUCH } from '../../support/health.js';
import { testHost } from '../../support/host.js';

const AT = '2026-01-01T00:00:00.000Z';

test('an event about very many environments stays below what the server takes, and tells the same news', (t) => {
  const host = testHost();
  t.after(() => host.close());
  const { store } = host.ctx;
  store.health.setRules(healthRules(NO_SUCH, NO_SUCH));
  const findings = Array.from({ length: 20 }, (_, i) => ({ check: i % 2 ? 'package_versions' : 'security', severity: 'critical' as const, degrades: true, message: `package-number-${i} ${'expected at least 2.0.0 '.repeat(8)}` }));
  const rowOf = (link: string): HealthRow => ({ link, state: 'DEGRADED', mode: 'light', since: AT, light: findings, full: null, verification: null, series: [['DEGRADED', 1]], quietDay: null, recheckedAt: null });
  const keysOf = (states: HealthState[]): string[] => states.map(({ state, problems, verification }) => healthKey(state, problems, verification));
  const told = (count: number): HealthState[] => {
    store.exclusive(() => {
      for (let i = 0; i < count; i++) store.health.put(rowOf(`/srv/project-${i}/.venv`));
    });
    return store.exclusive(() => healthNews(host.ctx, true)).health!;
  };
  assert.equal(told(3)[0]!.problems.length, 20);
  const many = told(2_000);
  assert.equal(many.length, 2_000);
  assert.ok(JSON.stringify(many).length < 1_500_000);
  assert.deepEqual(new Set(keysOf(many)), new Set(keysOf([healthState(rowOf('/x'))])));
});
