import assert from 'node:assert/strict';
import { setInterval as every } from 'node:timers';
import { test } from 'node:test';
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import { hostQueue } from '../../policy/names.js';
import { abortUpdate, statusQuery } from '../../workflows/messages.js';
import { useEnvironment } from '../support/env.js';
import { HOUR_MS, isStanding, live, type Living } from '../support/exception-life.js';
import { fakes, held, lookOf, saysNo, type Fakes } from '../support/fake-host.js';

const env = useEnvironment();

const BACK = { outcome: 'restored', version: '3.12.1', verified: true, problem: '', workMs: 1 } as const;
/** Rehearsed after half of it. */
const SHORT = { hours: 20 / 3600 };
const unavailable = (type: string): ApplicationFailure => ApplicationFailure.create({ message: 'not now', type, nextRetryDelay: '300ms' });

/** Subjects of what people were told, in their order. */
function subjectsOf(f: Fakes): string[] {
  const told: string[] = [];
  const { notify } = f.control;
  f.control.notify = async (input) => (told.push(input.notification.subject), notify(input));
  return told;
}

const grant = ({ vote }: Living): Promise<void> => vote('grant', ['alice', 'carol']);

async function approveForGood({ vote, rootCause, evidence, review }: Living): Promise<void> {
  await rootCause();
  await evidence('technical-review', 'technical-review');
  await vote('technical-review', ['erin'], 'approve', review);
  await vote('cab', ['alice', 'dan'], 'approve', review);
}

const abort = ({ handle }: Living): Promise<{ taken: boolean; message: string }> => handle.executeUpdate(abortUpdate, { args: [{ by: 'bob', reason: 'it is broken' }] });

test('an abort that is taken while it waits to be made permanent goes back', { timeout: 60_000 }, async (t) => {
  const lease = held({ epoch: 9 });
  const f = fakes();
  const take = f.host.acquireLease;
  f.host.acquireLease = async (input) => (input.priority === 'undo' ? lease.act() : take(input));
  await live(env, t, f, async (living) => {
    await grant(living);
    await isStanding(living);
    await approveForGood(living);
    await lease.reached;
    assert.equal((await abort(living)).taken, true);
    lease.release();
    const result = await living.handle.result();
    assert.equal(result.outcome, 'rolled-back', result.message);
    assert.match(result.message, /stopped by bob: it is broken; back on 3\.12\.1, verified/);
    assert.equal(result.exception!.ending, 'withdrawn');
  });
  assert.ok(f.calls.includes('undo') && !f.calls.includes('makePermanent'));
});

test('an abort that comes when its end is being taken away is refused, with the way to go back', { timeout: 60_000 }, async (t) => {
  const made = held({ ok: true, problem: '', workMs: 1 });
  const f = fakes({ host: { makePermanent: made.act } });
  await live(env, t, f, async (living) => {
    await grant(living);
    await isStanding(living);
    await approveForGood(living);
    await made.reached;
    const answer = await abort(living);
    assert.equal(answer.taken, false);
    assert.match(answer.message, /made permanent; runbook undo h-\w+:\/srv\/p --reason … goes back afterwards$/);
    made.release();
    assert.equal((await living.handle.result()).exception!.ending, 'made-permanent');
  });
});

test('an abort that comes while an expired exception goes back is refused, and it stays an expired one', { timeout: 60_000 }, async (t) => {
  const undo = held(BACK);
  const f = fakes({ host: { undo: undo.act } });
  await live(env, t, f, async (living) => {
    await grant(living);
    await undo.reached;
    assert.deepEqual(await abort(living), { taken: false, message: 'it goes back already' });
    undo.release();
    const result = await living.handle.result();
    assert.equal(result.outcome, 'expired');
    assert.equal(result.exception!.ending, 'reverted');
  }, SHORT);
  assert.ok(!f.entries.some(({ event }) => event === 'aborted'));
});

test('invariants 7 and 10: records that fail from the rehearsal on hold neither its finding, nor the reminder, nor the end', { timeout: 90_000 }, async (t) => {
  let isDown = false;
  const f = fakes({ host: {
    rehearse: async () => ({ known: true, ok: false, problem: 'a file is missing', version: '3.12.1', end: null, workMs: 1 }),
    undo: async () => ((isDown = false), BACK),
  } });
  const append = f.control.appendRecords;
  f.control.appendRecords = async (input) => {
    isDown ||= input.entries.some(({ data }) => data['step'] === 'rehearse') && !f.calls.includes('undo');
    if (isDown) throw unavailable('RecordsUnavailable');
    return append(input);
  };
  const told = subjectsOf(f);
  await live(env, t, f, async (living) => {
    await grant(living);
    const result = await living.handle.result();
    assert.equal(result.outcome, 'expired', result.message);
  }, SHORT);
  assert.ok(told.some((subject) => subject.startsWith('ends ')), told.join('\n'));
  assert.ok(f.entries.some(({ event, data }) => event === 'step-failed' && data['step'] === 'rehearse'), 'it is on record afterwards');
});

test('invariant 7: a policy that can not be read at the rehearsal does not hold the end', { timeout: 90_000 }, async (t) => {
  const f = fakes({ control: { standingOf: async ({ version }) => {
    if (!f.calls.includes('undo')) throw unavailable('PolicyUnknown');
    return { role: 'primary', text: version, revision: '1' };
  } } });
  await live(env, t, f, async (living) => {
    await grant(living);
    assert.equal((await living.handle.result()).outcome, 'expired');
  }, SHORT);
  assert.ok(!f.entries.some(({ event }) => event === 'rehearsed'), 'the end came before it could be told');
});

test('a policy that can not say what it thinks of the way back is a finding of the rehearsal', { timeout: 60_000 }, async (t) => {
  const f = fakes({ control: { standingOf: async () => { throw saysNo('PolicyUnknown'); } } });
  const told = subjectsOf(f);
  await live(env, t, f, async (living) => {
    await grant(living);
    assert.equal((await living.handle.result()).outcome, 'expired');
  }, SHORT);
  assert.deepEqual(f.entries.filter(({ event }) => event === 'rehearsed').map(({ data }) => [data['ok'], data['role']]), [[false, null]]);
  assert.ok(told.includes("the way back is not ready: whether today's policy allows 3.12.1, where it leads, could not be told"), told.join('\n'));
});

test('an abort during the rehearsal is no finding about the way back', { timeout: 60_000 }, async (t) => {
  const rehearsal = held(null);
  const f = fakes({ host: { rehearse: async () => {
    const beat = every(() => Context.current().heartbeat(), 100);
    await Promise.race([rehearsal.act(), Context.current().cancelled]).finally(() => clearInterval(beat));
    return { known: true, ok: true, problem: '', version: '3.12.1', end: null, workMs: 1 };
  } } });
  await live(env, t, f, async (living) => {
    await grant(living);
    await rehearsal.reached;
    await abort(living);
    assert.equal((await living.handle.result()).outcome, 'rolled-back');
  }, SHORT);
  assert.deepEqual(f.entries.filter(({ event }) => event === 'rehearsed'), []);
});

test('EE-10, EE-13: denied while its host is silent, people are told at once, and it ends without its report there', { timeout: 60_000 }, async (t) => {
  const f = fakes();
  const told = subjectsOf(f);
  await live(env, t, { ...f, host: null }, async (living) => {
    const { nextEvent: _, ...orders } = f.host;
    const agent = await Worker.create({ connection: env.environment.nativeConnection, namespace: 'default', taskQueue: hostQueue(living.host), activities: orders, shutdownForceTime: '5s' });
    await agent.runUntil(() => living.until(() => living.handle.query(statusQuery).then(({ decision }) => decision?.workflowId)));
    await living.vote('grant', ['alice', 'carol'], 'reject');
    await living.until(async () => told.includes('ex-3p9d ended: denied'));
    assert.match((await abort(living)).message, /it ends: denied/);
    const result = await living.handle.result();
    assert.equal(result.outcome, 'denied');
    assert.match(result.steps.at(-1)!.fact, /did not write it: no answer in time.*runbook show ex-3p9d --report html has it/);
  }, { tuning: { heartbeatMs: 5_000, scheduleToStartMs: 500, leaseRetryMs: 200 } });
});

test('a change that was ended before it held the environment leaves nothing that stands', { timeout: 60_000 }, async (t) => {
  const plans = held(null);
  let looks = 0;
  const f = fakes({ host: {
    look: async ({ env: { host } }) => {
      if (++looks > 1) await plans.act();
      return lookOf(host);
    },
    holderEnded: async () => ({ result: 'not-holder' }),
    undo: async () => ({ outcome: 'nothing-to-undo', version: null, verified: true, problem: '', workMs: 1 }),
  } });
  await live(env, t, f, async (living) => {
    await grant(living);
    await plans.reached;
    await env.client.workflow.getHandle(living.handle.workflowId.replace(/^exception/, 'change')).terminate('by hand');
    plans.release();
    const result = await living.handle.result();
    assert.equal(result.outcome, 'rolled-back', result.message);
    assert.match(result.message, /nothing of it stands/);
    assert.ok(Date.parse(result.exception!.expiresAt!) - living.start >= 72 * HOUR_MS);
  });
});
