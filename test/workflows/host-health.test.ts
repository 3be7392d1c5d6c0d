import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { Context } from '@temporalio/activity';
import { createHealthActivities } from '../../activities/control/health.js';
import type { HealthRules, HostEvent, NextEventInput } from '../../activities/host/contract.js';
import type { HealthState } from '../../policy/checks/results.js';
import { hostWatch, type HostWatchInput } from '../../workflows/host-watch.js';
import { useEnvironment } from '../support/env.js';
import { fakes } from '../support/fake-host.js';
import { policyStore } from '../support/policies.js';

const env = useEnvironment();
const until = async (done: () => boolean) => { while (!done()) await new Promise((resolve) => setTimeout(resolve, 20)); };

const ILL: HealthState = { link: '/srv/p/.venv', state: 'DEGRADED', mode: 'light', since: '2026-01-01T00:00:00.000Z', problems: [{ check: 'package_integrity', severity: 'critical', message: 'x.pth appeared' }], verification: null, series: 'GOOD×11 DEGRADED×1' };
const RULES: HealthRules = { digest: 'd2', everySeconds: 300, policy: {} as HealthRules['policy'] };

type Told = Partial<HostEvent> & Pick<HostEvent, 'kind'>;

/** Answers with `told`, one after the other; `'silent'`: the agent missed its heartbeat. Keeps what it was asked. */
function agentOf(told: (Told | 'silent')[]) {
  const asked: NextEventInput[] = [];
  const nextEvent = async (input: NextEventInput): Promise<HostEvent> => {
    asked.push(input);
    const event = told[asked.length - 1];
    if (event === 'silent') throw ApplicationFailure.nonRetryable('missed its heartbeat');
    if (!event) return Context.current().cancelled;
    return { cursor: input.cursor + 1, at: '2026-01-01T00:00:00.000Z', agentVersion: '1', environments: [], quiet: [], ...event };
  };
  return { asked, nextEvent };
}

/** Runs a watch until the agent was asked once more than it has answers. */
async function watched(t: Parameters<typeof env.withWorker>[0], told: (Told | 'silent')[], control: NonNullable<Parameters<typeof fakes>[0]>['control'] = {}, input: Partial<HostWatchInput> = { rules: null }) {
  const agent = agentOf(told);
  const f = fakes({ host: { nextEvent: agent.nextEvent }, control });
  await env.withWorker(t, { activities: f.control, hostActivities: f.host }, async ({ client, taskQueue, host, id }) => {
    const handle = await client.workflow.start(hostWatch, { taskQueue, workflowId: id('watch'), args: [{ host, cursor: 0, ...input }] });
    await until(() => agent.asked.length > told.length);
    await handle.terminate('seen');
  });
  return { ...f, asked: agent.asked };
}

test('decision 12: rules go to the agent once, and again only when the policy changed', async (t) => {
  const digests: (string | null)[] = [];
  const healthRules = async ({ known }: { known: string | null }) => (digests.push(known), { health: known === RULES.digest ? null : RULES });
  const { asked } = await watched(t, [{ kind: 'check-in', rules: 'd1' }, { kind: 'changed', rules: 'd2' }], { healthRules });
  assert.deepEqual(digests, [null, 'd1', 'd2']);
  assert.deepEqual(asked.map(({ health }) => health?.digest ?? null), ['d2', 'd2', null]);
});

test('a host that was silent is on record as unreachable once, is greeted, and is back once', async (t) => {
  const { asked, entries } = await watched(t, ['silent', { kind: 'check-in' }, { kind: 'hourly' }]);
  assert.deepEqual(entries.map(({ event }) => event), ['host-unreachable', 'host-back', 'check-in', 'check-in']);
  assert.deepEqual(asked.map(({ greet }) => greet === true), [false, true, false, false]);
});

test('HM-03, HM-04, HM-05: worse health is on record by environment and told to whom the policy names, critical first', async (t) => {
  const alerts = async () => ({ alerts: [{ link: ILL.link, severity: 'critical' as const, subject: 'runtime environment issues', lines: ['1 critical violation:', '- package_integrity: x.pth appeared'] }], to: ['operations'] });
  const told: string[] = [];
  const { entries } = await watched(t, [{ kind: 'changed', health: [ILL] }, { kind: 'hourly', health: [ILL] }], { healthAlerts: alerts, notify: async ({ notification, role }) => (told.push(`${notification.event} ${notification.severity} ${role}`), { delivered: [role], failed: [] }) });
  await until(() => told.length > 0);
  assert.deepEqual(told, ['health critical operations']);
  const health = entries.filter(({ event }) => event === 'health');
  assert.deepEqual(health.map(({ link, data }) => [link, data['state']]), [[ILL.link, 'DEGRADED']]);
});

test('what was told is not told again by a restart of the agent, and a recovery is told whenever it comes', async (t) => {
  const good: HealthState = { ...ILL, state: 'GOOD', problems: [] };
  const { entries } = await watched(t, [{ kind: 'changed', health: [ILL] }, { kind: 'check-in', health: [ILL] }, { kind: 'check-in', health: [good] }, { kind: 'hourly', health: [good] }]);
  assert.deepEqual(entries.filter(({ event }) => event === 'health').map(({ data }) => data['state']), ['DEGRADED', 'GOOD']);
});

test('HM-05, HM-06: a problem that turns critical is told, and so are too many warnings; the same again is not', async (t) => {
  const problem = ILL.problems[0]!;
  const verification = { status: 'WARNING' as const, critical: 0, violations: 0, warnings: 6, overWarningLimit: true, at: ILL.since };
  const states: HealthState[] = [{ ...ILL, problems: [{ ...problem, severity: 'warning' }] }, ILL, { ...ILL, since: '2026-01-02T00:00:00.000Z' }, { ...ILL, state: 'GOOD', problems: [], verification }, { ...ILL, state: 'GOOD', problems: [], verification: { ...verification, warnings: 7 } }];
  const { entries } = await watched(t, states.map((one) => ({ kind: 'changed', health: [one] })));
  const told = entries.filter(({ event }) => event === 'health').map(({ data }) => data as unknown as HealthState);
  assert.deepEqual(told.map(({ state, problems }) => `${state} ${problems.map(({ severity }) => severity).join()}`), ['DEGRADED warning', 'DEGRADED critical', 'GOOD ']);
});

test('an environment that is gone is forgotten: what stands there later and is ill is told anew', async (t) => {
  const { entries } = await watched(t, [{ kind: 'changed', health: [ILL] }, { kind: 'hourly', health: [] }, { kind: 'changed', health: [ILL] }]);
  assert.deepEqual(entries.filter(({ event }) => event === 'health').map(({ data }) => data['state']), ['DEGRADED', 'DEGRADED']);
});

test('an agent that answers with an error again and again is on record once, and asked with pauses', async (t) => {
  const { entries, asked } = await watched(t, ['silent', 'silent', 'silent', { kind: 'check-in' }], {}, { rules: null, heartbeatMs: 1_200 });
  assert.deepEqual(entries.map(({ event }) => event), ['host-unreachable', 'host-back', 'check-in']);
  assert.equal(asked.length, 5);
});

test('a check-in tells of what is not well, and of nothing else', async (t) => {
  const { entries } = await watched(t, [{ kind: 'check-in', health: [ILL, { ...ILL, link: '/srv/q/.venv', state: 'GOOD', problems: [] }] }]);
  assert.deepEqual(entries.filter(({ event }) => event === 'health').map(({ link }) => link), ['/srv/p/.venv']);
});

test('PV-35: interpreters in use that no policy approves are on record when they change', async (t) => {
  const foreign = [{ path: '/opt/old/bin/python3.8', version: '3.8.18', processes: 2, why: 'older than any approved line' }];
  const { entries } = await watched(t, [{ kind: 'check-in', foreign }, { kind: 'hourly', foreign: [{ ...foreign[0]!, processes: 3 }] }, { kind: 'hourly', foreign: [] }]);
  assert.deepEqual(entries.filter(({ event }) => event === 'foreign-interpreter').map(({ data }) => (data['foreign'] as unknown[]).length), [1, 0]);
});

test('PV-35: interpreters that appear are told once to whom the policy names, with their command; what could not be looked at is not', async (t) => {
  const one = { path: '/opt/old/bin/python3.8', version: '3.8.18', processes: 2, why: 'older than any approved line' };
  const two = { ...one, path: '/srv/x y/python3.9', version: null };
  const hidden = { path: '', version: null, processes: 3, why: '3 processes could not be inspected' };
  const told: string[] = [];
  const { healthAlerts } = createHealthActivities(policyStore(t, { checks: { tell: ['security'] } }));
  const notify = async ({ notification: { severity, subject, lines, command, where }, role }: Parameters<ReturnType<typeof fakes>['control']['notify']>[0]) => {
    told.push([role, severity, subject.replace(/ on .*/, ''), ...lines, command?.replace(/ on .*/, ''), where.replace(/^[^:]*/, '')].join('; '));
    return { delivered: [role], failed: [] };
  };
  const news: Told[] = [[hidden], [hidden, one], [one, hidden], [one, two], [two], []].map((foreign) => ({ kind: 'hourly', foreign }));
  const { entries } = await watched(t, news, { healthAlerts, notify });
  await until(() => told.length >= 2);
  assert.deepEqual(told.sort(), [
    'security; warning; interpreters in use that the policy does not approve; 1 interpreter appeared; - 3.8.18 /opt/old/bin/python3.8: older than any approved line; runbook host interpreters   #; :/',
    'security; warning; interpreters in use that the policy does not approve; 1 interpreter appeared; - unknown version /srv/x y/python3.9: older than any approved line; runbook host interpreters   #; :/',
  ]);
  assert.equal(entries.filter(({ event }) => event === 'foreign-interpreter').length, 5);
});

test('a policy that can\'t be read blinds no watch: the host keeps its rules, and what nobody could be told is told when it can be read', async (t) => {
  const policies = policyStore(t, {});
  policies.write({ timers: 'none' });
  const real = createHealthActivities(policies);
  const told: string[] = [];
  const notify = async ({ notification }: { notification: { subject: string } }) => (told.push(notification.subject.replace(/ on .*/, '')), { delivered: ['mail'], failed: [] });
  const foreign = [{ path: '/opt/old/bin/python3.8', version: '3.8.18', processes: 2, why: 'older than any approved line' }];
  const agent = agentOf([{ kind: 'check-in', health: [ILL], foreign }, { kind: 'hourly', health: [ILL], foreign }, { kind: 'hourly', health: [ILL], foreign }]);
  const nextEvent = (input: NextEventInput) => {
    if (agent.asked.length === 1) policies.write({});
    return agent.nextEvent(input);
  };
  const f = fakes({ host: { nextEvent }, control: { ...real, notify } });
  await env.withWorker(t, { activities: f.control, hostActivities: f.host }, async ({ client, taskQueue, host, id }) => {
    const handle = await client.workflow.start(hostWatch, { taskQueue, workflowId: id('watch'), args: [{ host, cursor: 0, rules: null }] });
    await until(() => agent.asked.length > 3);
    await handle.terminate('seen');
  });
  await until(() => told.length >= 2);
  assert.deepEqual(agent.asked.map(({ health }) => health !== undefined), [false, false, true, true]);
  assert.deepEqual(told.sort(), ['interpreters in use that the policy does not approve', 'runtime environment issues']);
});

test('invariant 12: an execution that began before there was health asks for none, and hands on to one that does', async (t) => {
  const { calls, asked } = await watched(t, ['silent', { kind: 'check-in' }], {}, {});
  assert.ok(!calls.includes('healthRules'));
  assert.deepEqual(asked.map((input) => Object.keys(input)), [['cursor'], ['cursor'], ['cursor']]);
});

test('a question that nobody takes is silence, too: on record once, however long it lasts', async (t) => {
  const f = fakes();
  await env.withWorker(t, { activities: f.control }, async ({ client, taskQueue, host, id }) => {
    const handle = await client.workflow.start(hostWatch, { taskQueue, workflowId: id('watch'), args: [{ host, cursor: 0, rules: null, heartbeatMs: 300 }] });
    const waitsAgain = async () => (await handle.describe()).raw.pendingActivities?.some(({ activityType }) => activityType?.name === 'nextEvent') ?? false;
    await until(() => f.entries.length > 0);
    while (!(await waitsAgain())) await new Promise((resolve) => setTimeout(resolve, 20));
    const { events = [] } = await handle.fetchHistory();
    const asked = (events ?? []).map((event) => event.activityTaskScheduledEventAttributes).filter((it) => it?.activityType?.name === 'nextEvent');
    const permitMs = asked.map((it) => Number(it!.scheduleToStartTimeout?.seconds ?? 0) * 1000 + Number(it!.scheduleToStartTimeout?.nanos ?? 0) / 1e6);
    assert.deepEqual(permitMs, [300, 0], 'the second one waits until the host is there');
    await handle.terminate('seen');
  });
  assert.deepEqual(f.entries.map(({ event }) => event), ['host-unreachable']);
});
