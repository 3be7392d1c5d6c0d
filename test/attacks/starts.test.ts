/** A hostile member of the namespace starts the product's own workflows with requests of their making (decision 8). */
import assert from 'node:assert/strict';
import { after as atEnd, before, describe, test } from 'node:test';
import { ulid } from 'ulid';
import { workflowIdOf } from '../../policy/ids.js';
import { SIGNATURE_NAMESPACE, type DecisionRequest, type Warrant } from '../../policy/model-approval.js';
import type { ChangeRequest, RunResult } from '../../policy/model.js';
import { approvalText } from '../../policy/signed-texts.js';
import { statusQuery } from '../../workflows/messages.js';
import { NEEDS_ROOT, startGuarded, wordsOf, type Asked, type Guarded } from './guarded.js';

describe('started by a hostile member of the namespace', { skip: NEEDS_ROOT }, () => {
  let at: Guarded;
  /** One change that people did approve; everybody could read its history. */
  let approved: Asked;
  let stolen: Warrant;

  before(async () => {
    at = await startGuarded();
    approved = await at.ask();
    await at.approve(approved, 'alice', 'carol');
    const done = await at.it.result(approved.started);
    assert.equal(done.outcome, 'done', wordsOf(done));
    stolen = (await at.seen(approved.started, 'prepare'))[2] as Warrant;
    // Taken back: what was approved fits what stands once more, to the byte.
    assert.equal((await at.it.undo('test')).outcome, 'rolled-back');
  }, { timeout: 240_000 });
  atEnd(() => at?.stop());

  /** The run is refused in these words, on record, and the environment is what it was. */
  async function refused(workflow: string, workflowId: string, request: ChangeRequest, reason: RegExp): Promise<RunResult> {
    const stood = at.standing();
    const result = await at.it.result(await at.start(workflow, workflowId, request));
    assert.equal(result.outcome, 'refused', wordsOf(result));
    assert.match(wordsOf(result), reason);
    const end = at.entries(request.run, 'outcome').filter(({ workflowId: id }) => id === workflowId).at(-1);
    assert.equal(end?.data['outcome'], 'refused', 'on record');
    assert.equal(at.standing(), stood);
    return result;
  }

  test('invariant 6: what people approved was carried out by a host that checks it itself, and taken back without asking them', () => {
    assert.equal(stolen.votes.length, 2);
    assert.notEqual(at.it.version(), approved.request.to);
  });

  test('decision 8: a request that nobody signed, or somebody else than it names, starts nothing', { timeout: 120_000 }, async () => {
    const { request, workflowId } = await at.request();
    const { asked: _, ...unsigned } = request;
    await refused('environmentChange', workflowId, unsigned, /expected a request signed by bob, got no signature/);
    const byStranger = await at.request({ signer: 'mallory' });
    await refused('environmentChange', byStranger.workflowId, byStranger.request, /expected a signature of bob that counts, got nobody here has the key SHA256:/);
    const byAlice = await at.request({ signer: 'alice' });
    await refused('environmentChange', byAlice.workflowId, byAlice.request, /expected signed by bob, who asks, got signed by alice/);
    const widened = await at.request();
    await refused('environmentChange', widened.workflowId, { ...widened.request, reason: 'something harmless' }, /expected because something harmless, got because CVE-2026-12345/);
  });

  test('decision 10: a signed request is good for one run: not again under its workflow id, not under another', { timeout: 120_000 }, async () => {
    const { request, started } = approved;
    await refused('environmentChange', started.workflowId, request, /replayed request: .* began with it at/);
    await refused('environmentChange', workflowIdOf('change', at.it.env, ulid()), request, /expected a run that is called ch-.*ask again/s);
    const sameEnd = ulid().slice(0, -4) + started.workflowId.slice(-4);
    await refused('environmentChange', workflowIdOf('change', at.it.env, sameEnd), request, /the signed request|starts no other/);
  });

  const forged: [string, (warrant: Warrant) => Warrant, RegExp][] = [
    ['hours and rules of its own, over the votes of another run', (warrant) => exceptionOf(warrant), /text of vote 1: expected exactly what approves these facts/],
    ['no votes, and rules that ask for none', (warrant) => ({ ...exceptionOf(warrant), votes: [], rules: { stages: [], inOrder: false, veto: [] } }), /quorum: expected 2 of cab, got 0 of 2 of cab/],
    ['a policy of its own, signed by nobody', (warrant) => ({ ...exceptionOf(warrant), votes: [], policy: { content: '{}', revision: '9.9.9', signatures: [] } }), /policy/],
    ['half of a warrant', ({ facts, grantedAt }) => ({ facts: { ...facts, hours: HOURS }, grantedAt }) as Warrant, /warrant: expected facts, votes/],
  ];
  for (const [title, forge, reason] of forged) {
    test(`invariant 6: a grant forged with ${title} is refused before anything is armed`, { timeout: 120_000 }, async () => {
      const warrant = forge(stolen);
      const { request, workflowId } = await at.request({ fields: { ...EXCEPTION, granted: { warrant, end: after(warrant.grantedAt, HOURS) } } });
      const { steps } = await refused('environmentChange', workflowId, request, reason);
      assert.ok(!steps.some(({ step, ok }) => ok && ['arm', 'prepare', 'switch'].includes(step)), JSON.stringify(steps));
    });
  }

  test('invariant 7: a grant lasts no longer than its hours, whatever the order says; a change has none', { timeout: 120_000 }, async () => {
    for (const [fields, warrant, hours] of [[{}, stolen, 1], [EXCEPTION, exceptionOf(stolen), HOURS + 0.01]] as const) {
      const { request, workflowId } = await at.request({ fields: { ...fields, granted: { warrant, end: after(warrant.grantedAt, hours) } } });
      await refused('environmentChange', workflowId, request, /its end is later than what was granted/);
    }
  });

  test('design, "a warrant\'s request": the whole real warrant of a change that was taken back, given to a new run, is refused by the host', { timeout: 120_000 }, async () => {
    const { request, workflowId } = await at.request({ to: approved.request.to!, fields: { granted: { warrant: stolen, end: stolen.grantedAt } } });
    await refused('environmentChange', workflowId, request, /end of ch-\w+: expected an instant after/);
  });

  test('decision 8: a policy nobody knows, and one that was in force before and asked for less', { timeout: 120_000 }, async () => {
    const own = await at.request({ fields: { policyDigest: 'a'.repeat(64) } });
    await refused('environmentChange', own.workflowId, own.request, /the policy: expected a{12}, got/);
    const records = at.it.records();
    const [first] = records.listRuns({ kind: 'change', limit: 1_000 }).slice(-1);
    records.close();
    const before = String(at.entries(first!.run, 'run-started')[0]!.data['policyDigest']);
    assert.notEqual(before, approved.request.policyDigest);
    const lax = await at.request({ fields: { policyDigest: before } });
    await refused('environmentChange', lax.workflowId, lax.request, new RegExp(`the policy: expected ${before.slice(0, 12)}`));
    const granted = { warrant: { ...exceptionOf(stolen), votes: [] }, end: after(stolen.grantedAt, HOURS) };
    const pinned = await at.request({ fields: { ...EXCEPTION, policyDigest: before, granted } });
    await refused('environmentChange', pinned.workflowId, pinned.request, /quorum: expected 2 of cab/);
  });

  for (const kind of ['rollback', 'exception', 'interpreter-change'] as const) {
    test(`AP-01: a change that calls itself ${kind} needs no fewer people`, { timeout: 120_000 }, async () => {
      const { request, workflowId } = await at.request({ fields: kind === 'exception' ? EXCEPTION : { kind } });
      await refused('environmentChange', workflowId, request, /expected change or fallback, or an exception with its grant, got/);
    });
  }

  test('AP-01, DIS-19: a change that calls itself a fallback is none', { timeout: 120_000 }, async () => {
    const { version } = at.it.primary;
    const { request, workflowId } = await at.request({ kind: 'fallback', to: version });
    const { asked: _, ...unsigned } = request;
    for (const one of [request, unsigned]) await refused('environmentChange', workflowId, one, new RegExp(`the target of a fallback: expected ${at.it.fallback.version}, the policy's fallback, got ${version}`));
  });

  test('EE-03: an exception is declared by nobody in somebody else\'s name, and by nobody without the role', { timeout: 120_000 }, async () => {
    const words = { kind: 'exception' as const, hours: '12', ground: 'security-vulnerability' };
    const stranger = await at.request({ ...words, signer: 'mallory' });
    await refused('emergencyException', stranger.workflowId, stranger.request, /expected a signature of bob that counts, got nobody here has the key/);
    const colleague = await at.request({ ...words, signer: 'carol' });
    await refused('emergencyException', colleague.workflowId, colleague.request, /expected signed by bob, who asks, got signed by carol/);
    const engineer = await at.request({ ...words, by: 'gina' });
    await refused('emergencyException', engineer.workflowId, engineer.request, /expected somebody with the role security, got gina has engineering/);
  });

  test('invariant 6: a decision of one\'s own, with rules of one\'s own, decides nothing for the run it names', { timeout: 120_000 }, async () => {
    const asked = await at.ask();
    const { request } = asked.state;
    const own: DecisionRequest = { ...request, rules: { stages: [{ role: 'cab', quorum: 1, eligible: 1 }], inOrder: false, veto: [] } };
    const handle = await at.it.client.workflow.start('decision', { workflowId: `decision/${ulid()}`, taskQueue: 'runbooks', args: [own] });
    const vote = await at.sign('mallory', SIGNATURE_NAMESPACE.approval, approvalText(request.facts, 'approve'));
    assert.match(JSON.stringify(await at.cast(handle.workflowId, { ...vote, carrier: 'mallory' })), /not counted: nobody here has the key/);
    // Carried over from the real one: there it is one of two, here it would be enough.
    const seen = await at.sign('alice', SIGNATURE_NAMESPACE.approval, approvalText(request.facts, 'approve'));
    await at.cast(handle.workflowId, { ...seen, carrier: 'mallory' });
    assert.equal(((await handle.result()) as { outcome: string }).outcome, 'approved');
    const status = await at.it.client.workflow.getHandle(asked.started.workflowId).query(statusQuery);
    assert.deepEqual([status.outcome, status.waitsFor?.what], [null, 'approval: 2 of cab']);
    assert.deepEqual((await at.decision(asked.decisionId)).counted, []);
    assert.ok(at.entries(asked.started.run, 'step-done').every(({ data }) => data['step'] === 'plan'));
    await asked.started.handle.cancel();
    assert.equal((await at.it.result(asked.started)).outcome, 'rolled-back');
  });
});

const HOURS = 12;
const EXCEPTION = { kind: 'exception', hours: HOURS, ground: 'security-vulnerability' } as const;

const after = (instant: string, hours: number): string => new Date(Date.parse(instant) + hours * 3_600_000).toISOString();

/** The same signatures under facts that call it an exception. */
const exceptionOf = (warrant: Warrant): Warrant => ({ ...warrant, facts: { ...warrant.facts, kind: 'exception', purpose: 'grant', hours: HOURS } });
