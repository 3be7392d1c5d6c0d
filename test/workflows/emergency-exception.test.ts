import assert from 'node:assert/strict';
import { test } from 'node:test';
import { abortUpdate, rootCauseUpdate, statusQuery } from '../../workflows/messages.js';
import { useEnvironment } from '../support/env.js';
import { HOUR_MS, isStanding, live, stepsOf } from '../support/exception-life.js';
import { fakes, saysNo, VERIFIED } from '../support/fake-host.js';

const env = useEnvironment({ server: 'time-skipping' });

test('EE-02 to EE-05, EE-09, invariant 7: declared, granted, changed to, verified, and back by itself 72 hours after the deciding vote', { timeout: 120_000 }, async (t) => {
  const ends: unknown[] = [];
  const f = fakes();
  const arm = f.host.armUndo;
  f.host.armUndo = (order, plan, until) => (ends.push(until?.end), arm(order, plan, until));
  await live(env, t, f, async (living) => {
    const { handle, start, vote, sleepUntil } = living;
    await sleepUntil(start + HOUR_MS);
    await vote('grant', ['alice', 'carol']);
    await isStanding(living);
    const { exception } = await handle.query(statusQuery);
    const granted = Date.parse(exception!.grantedAt!);
    assert.equal(Date.parse(exception!.expiresAt!) - granted, 72 * HOUR_MS);
    assert.deepEqual(ends, [exception!.expiresAt], 'the end is armed on the host');
    await sleepUntil(granted + 72 * HOUR_MS - 60_000);
    assert.equal((await handle.query(statusQuery)).outcome, null, 'a minute before its end it stands');
    const result = await handle.result();
    assert.equal(result.outcome, 'expired');
    assert.match(result.message, /72 hours are over.*back on 3\.12\.1, verified/);
    assert.equal(result.exception!.ending, 'reverted');
  });
  assert.deepEqual(stepsOf(f), ['declare', 'plan', 'grant', 'plan', 'arm', 'prepare', 'verify', 'switch', 'configure', 'restart', 'verify link', 'close', 'rehearse', 'undo', 'close', 'document']);
  assert.equal(f.orders.find(({ step }) => step === 'undo') !== undefined, true);
});

test('EE-07, EE-08: the root cause opens the final review; approved before the end, it stays', { timeout: 120_000 }, async (t) => {
  const f = fakes();
  await live(env, t, f, async (living) => {
    const { handle, vote, rootCause, evidence, review } = living;
    assert.match((await rootCause()).message, /no grant to explain/);
    await vote('grant', ['alice', 'carol']);
    await isStanding(living);
    assert.equal((await rootCause()).taken, true);
    await evidence('technical-review', 'technical-review');
    await vote('technical-review', ['erin'], 'approve', review);
    await vote('cab', ['alice', 'dan'], 'approve', review);
    const result = await handle.result();
    assert.equal(result.outcome, 'done');
    assert.equal(result.exception!.ending, 'made-permanent');
    assert.equal(result.exception!.review!.outcome, 'done');
  });
  assert.ok(f.calls.includes('makePermanent') && !f.calls.includes('undo'));
});

test('EE-10: denied, nothing is changed; the report is written', { timeout: 60_000 }, async (t) => {
  const f = fakes();
  await live(env, t, f, async ({ handle, vote }) => {
    await vote('grant', ['alice', 'carol'], 'reject');
    const result = await handle.result();
    assert.equal(result.outcome, 'denied');
    assert.equal(result.exception!.ending, 'denied');
  });
  assert.ok(!f.calls.includes('acquireLease') && f.calls.includes('writeDocuments'));
});

test('withdrawn while it stands: an abort goes back at once, and is on record with its author', { timeout: 60_000 }, async (t) => {
  const f = fakes();
  await live(env, t, f, async (living) => {
    const { handle, vote } = living;
    await vote('grant', ['alice', 'carol']);
    await isStanding(living);
    await handle.executeUpdate(abortUpdate, { args: [{ by: 'bob', reason: 'patched otherwise' }] });
    const result = await handle.result();
    assert.equal(result.outcome, 'rolled-back');
    assert.equal(result.exception!.ending, 'withdrawn');
    assert.match(result.message, /stopped by bob: patched otherwise.*back on 3\.12\.1/);
  });
  assert.ok(f.entries.some(({ event, actor }) => event === 'aborted' && actor === 'bob'));
});

test('withdrawn before it is granted: its decision ends with it', { timeout: 60_000 }, async (t) => {
  const f = fakes();
  await live(env, t, f, async ({ handle, vote }) => {
    await vote('grant', ['alice']);
    await handle.executeUpdate(abortUpdate, { args: [{ by: 'bob', reason: 'not needed' }] });
    const result = await handle.result();
    assert.equal(result.outcome, 'rolled-back');
    assert.match(result.message, /nothing had been changed/);
  });
  assert.ok(f.entries.some(({ event, data }) => event === 'decided' && data['outcome'] === 'withdrawn'));
  assert.ok(!f.calls.includes('acquireLease'));
});

test('granted, and not carried out: the change undoes itself and the exception has ended', { timeout: 60_000 }, async (t) => {
  const no = { ...VERIFIED, ok: false, tests: { ok: false, ran: true, summary: '1 failed', outputPath: '' } };
  const f = fakes({ host: { verifyTree: async () => no } });
  await live(env, t, f, async ({ handle, vote }) => {
    await vote('grant', ['alice', 'carol']);
    const result = await handle.result();
    assert.equal(result.outcome, 'rolled-back');
    assert.match(result.message, /granted, and not carried out/);
    assert.equal(result.exception!.ending, 'reverted');
  });
});

test('invariant 4: a change that could not prove its own way back is taken back by the exception, and only then said to be back', { timeout: 60_000 }, async (t) => {
  let asked = 0;
  const f = fakes({ host: {
    settleRiders: async () => ({ restarted: [], left: [], healthy: false, problem: 'the service is ill', workMs: 1 }),
    undo: async () => ({ outcome: 'restored', version: '3.12.1', verified: ++asked > 1, problem: asked > 1 ? '' : 'its files differ', final: true, workMs: 1 }),
  } });
  await live(env, t, f, async ({ handle, vote }) => {
    await vote('grant', ['alice', 'carol']);
    const result = await handle.result();
    assert.equal(result.outcome, 'rolled-back', result.message);
    assert.match(result.message, /granted, and not carried out.*back on 3\.12\.1, verified/);
    assert.equal(result.exception!.ending, 'reverted');
  });
  assert.equal(asked, 2);
});

test('invariant 4: what is not proven to be back is not said to be reverted', { timeout: 60_000 }, async (t) => {
  const f = fakes({ host: { undo: async () => ({ outcome: 'restored', version: '3.12.1', verified: false, problem: 'its files differ', final: true, workMs: 1 }) } });
  await live(env, t, f, async (living) => {
    const { handle, vote } = living;
    await vote('grant', ['alice', 'carol']);
    await isStanding(living);
    await handle.executeUpdate(abortUpdate, { args: [{ by: 'bob', reason: 'patched otherwise' }] });
    const result = await handle.result();
    assert.equal(result.outcome, 'rollback-incomplete');
    assert.equal(result.exception!.ending, null);
  });
});

test('EE-01, EE-06: what the policy forbids is refused before anybody is asked', { timeout: 60_000 }, async (t) => {
  const f = fakes({ control: { exceptionTerms: async () => ({ refused: [{ what: 'hours', expected: 'at most 72', got: '100', wayOut: 'ask for fewer' }] }) } });
  await live(env, t, f, async ({ handle }) => {
    const result = await handle.result();
    assert.equal(result.outcome, 'refused');
    assert.equal(result.objections[0]!.got, '100');
    assert.equal(result.exception!.ending, null, 'it was never granted: none of the four endings');
  }, { hours: 100 });
  assert.ok(!f.entries.some(({ event }) => event === 'approval-asked'));
});

test('a compromised key found before the switch undoes the change', { timeout: 60_000 }, async (t) => {
  let asked = 0;
  const f = fakes({ control: { checkWarrant: async () => (++asked === 1 ? { refused: null, by: ['alice', 'carol'] } : { refused: [{ what: 'the vote of alice', expected: 'a key that is hers alone', got: 'one marked compromised', wayOut: 'ask again' }] }) } });
  await live(env, t, f, async ({ handle, vote }) => {
    await vote('grant', ['alice', 'carol']);
    const result = await handle.result();
    assert.equal(result.outcome, 'rolled-back');
    assert.match(result.message, /compromised/);
  });
  assert.ok(!f.calls.includes('switchLink') && f.calls.includes('undo'));
});

test('the end is not made permanent by a host that refuses: it goes back', { timeout: 60_000 }, async (t) => {
  const f = fakes({ host: { makePermanent: async () => { throw saysNo('HostRefused', 'the end has passed'); } } });
  await live(env, t, f, async (living) => {
    const { handle, vote, rootCause, evidence, review } = living;
    await vote('grant', ['alice', 'carol']);
    await isStanding(living);
    await rootCause();
    await evidence('technical-review', 'technical-review');
    await vote('technical-review', ['erin'], 'approve', review);
    await vote('cab', ['alice', 'dan'], 'approve', review);
    const result = await handle.result();
    assert.equal(result.outcome, 'expired');
    assert.equal(result.exception!.ending, 'reverted');
  });
  assert.ok(f.calls.includes('undo'));
});

test('EE-07: a root cause that the records could not keep is not taken, however few its characters', { timeout: 120_000 }, async (t) => {
  await live(env, t, fakes(), async (living) => {
    await living.vote('grant', ['alice', 'carol']);
    await isStanding(living);
    const answer = await living.handle.executeUpdate(rootCauseUpdate, { args: [{ text: 't', signature: 'erin', document: '検'.repeat(100_000) }] });
    assert.deepEqual(answer, { taken: false, message: 'the document: expected 1 to 200000 bytes, got 300000' });
    await living.handle.executeUpdate(abortUpdate, { args: [{ by: 'bob', reason: 'seen' }] });
    assert.equal((await living.handle.result()).outcome, 'rolled-back');
  });
});
