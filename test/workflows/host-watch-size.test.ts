import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Context } from '@temporalio/activity';
import type { HostEvent } from '../../activities/host/contract.js';
import { createRecordActivities } from '../../activities/control/records.js';
import { healthAlert } from '../../policy/checks/health-alert.js';
import type { HealthState } from '../../policy/checks/results.js';
import { policyFileSchema } from '../../policy/files/policy-file.js';
import type { AuditEntry } from '../../policy/records.js';
import { openRecords } from '../../records/store.js';
import { hostWatch } from '../../workflows/host-watch.js';
import { useEnvironment } from '../support/env.js';
import { fakes } from '../support/fake-host.js';
import { recordsFile } from '../support/record-entries.js';

const env = useEnvironment();
const AT = '2026-01-01T00:00:00.000Z';
const { checks } = policyFileSchema.parse({});

const ill = (link: string, problems: number): HealthState => ({
  link, state: 'DEGRADED', mode: 'full', since: AT, verification: { status: 'FAILED', critical: problems, violations: problems, warnings: 0, at: AT }, series: 'DEGRADED×12',
  problems: Array.from({ length: problems }, (_, i) => ({ check: 'package_versions', severity: 'critical', message: `package-number-${i} 1.26.${i}: expected at least 2.0.0 (security), got 1.26.${i}` })),
});
const links = (count: number): string[] => Array.from({ length: count }, (_, i) => `/srv/project-${i}/.venv`);

/** Answers with one event about all of them, then with a quiet one; returns what is on record, and what was told. */
async function watched(t: TestContext, health: HealthState[], more: Partial<HostEvent> = {}): Promise<{ entries: AuditEntry[]; told: string[]; verified: boolean }> {
  const records = openRecords(recordsFile(t));
  t.after(() => records.close());
  const told: string[] = [];
  const common = { at: AT, agentVersion: '1', quiet: [], rules: 'd', key: 'ssh-ed25519 AAAA' };
  const environments = health.map(({ link }) => ({ link, tree: 'ch-abcd-1', version: '3.12.1', state: 'free' as const }));
  let isHeard = (): void => undefined;
  const heard = new Promise<void>((resolve) => (isHeard = resolve));
  const nextEvent = async ({ cursor }: { cursor: number }): Promise<HostEvent> => {
    if (cursor === 0) return { ...common, cursor: 1, kind: 'check-in', environments, health, ...more };
    if (cursor === 1) return { ...common, cursor: 2, kind: 'hourly', environments: [], health };
    isHeard();
    return Context.current().cancelled;
  };
  const f = fakes({
    host: { nextEvent },
    control: {
      ...createRecordActivities(records),
      healthAlerts: async ({ host, health: states }) => ({ alerts: states.map((one) => healthAlert(one, host, { stage: 'production', checks })), to: ['operations'] }),
      notify: async ({ notification }) => (told.push(notification.subject), { delivered: ['mail'], failed: [] }),
    },
  });
  await env.withWorker(t, { activities: f.control, hostActivities: f.host }, async ({ client, taskQueue, host, id }) => {
    const handle = await client.workflow.start(hostWatch, { taskQueue, workflowId: id('watch'), args: [{ host, cursor: 0, rules: null }] });
    await Promise.race([heard, handle.result()]);
    await handle.terminate('seen');
  });
  const entries: AuditEntry[] = [];
  records.entriesAfter(0, ({ entry }) => void entries.push(entry));
  return { entries, told, verified: records.verify().ok };
}

const namesOf = (entries: AuditEntry[]): string[] => entries.filter(({ event }) => event !== 'notified').map(({ event }) => event);

test('what a host tells of many ill environments is on record, each by itself, and its watch goes on', { timeout: 60_000 }, async (t) => {
  const { entries, told, verified } = await watched(t, links(150).map((link) => ill(link, 20)));
  assert.deepEqual(namesOf(entries), ['check-in', ...Array.from({ length: 150 }, () => 'health'), 'check-in']);
  assert.deepEqual((entries[0]!.data['health'] as object[])[3], { link: '/srv/project-3/.venv', state: 'DEGRADED', series: 'DEGRADED×12' });
  assert.equal((entries.find(({ event }) => event === 'health')!.data['problems'] as unknown[]).length, 20);
  assert.equal(told.length, 51);
  assert.equal(told.filter((subject) => /^changed health of 100 more environments on /.test(subject)).length, 1);
  assert.ok(verified);
});

test('of fifteen hundred environments the first are on record and the others counted; the watch goes on', { timeout: 90_000 }, async (t) => {
  const { entries, told } = await watched(t, links(1_500).map((link) => ill(link, 2)));
  assert.equal(namesOf(entries).filter((event) => event === 'health').length, 1_500);
  const { environments, leftOut } = entries[0]!.data as { environments: unknown[]; leftOut: Record<string, number> };
  assert.equal(environments.length + leftOut['environments']!, 1_500);
  assert.ok(environments.length > 200);
  assert.deepEqual([namesOf(entries).at(-1), told.length], ['check-in', 51]);
});

test('what the records refuse is told as refused, the rest is kept, and the watch goes on', { timeout: 60_000 }, async (t) => {
  const { entries, verified } = await watched(t, [ill('/srv/a/.venv', 1), ill('/srv/b\n/.venv', 1), ill('/srv/c/.venv', 1)]);
  assert.deepEqual(namesOf(entries), ['check-in', 'health', 'check-in', 'health', 'check-in']);
  const [, , refused] = entries;
  assert.deepEqual([refused!.link, refused!.data['refused']], ['', 'health']);
  assert.match(String(refused!.data['problem']), /link: expected text without control characters/);
  assert.ok(verified);
});
