/** A hostile member of the namespace votes: Updates to a decision, straight from Temporal's client (decisions 1, 2, 4 and 5; invariant 6). */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MAX_REFUSALS } from '../../policy/approval.js';
import type { SignatureNamespace, VoteInput } from '../../policy/model-approval.js';
import { approvalText } from '../../policy/signed-texts.js';
import { poll } from '../support/instance.js';
import { NEEDS_ROOT, startGuarded, wordsOf, type Asked, type Guarded, type Name } from './guarded.js';

const APPROVAL = 'runbook.approval';

describe('votes of a hostile member of the namespace', { skip: NEEDS_ROOT }, () => {
  let at: Guarded;
  let asked: Asked;
  before(async () => {
    at = await startGuarded();
    asked = await at.ask();
  }, { timeout: 240_000 });
  after(() => at?.stop());

  const approve = (): string => approvalText(asked.state.request.facts, 'approve');
  const vote = async (by: Name, text = approve(), namespace: SignatureNamespace = APPROVAL): Promise<VoteInput> => ({ ...(await at.sign(by, namespace, text)), carrier: 'mallory' });

  /** It reached the decision, did not count, and stands on record with its reason and without its text. */
  async function notCounted(input: VoteInput, reason: RegExp): Promise<void> {
    const before = await at.decision(asked.decisionId);
    const answer = await at.cast(asked.decisionId, input);
    assert.ok('counted' in answer && !answer.counted, JSON.stringify(answer));
    assert.match(answer.message, reason);
    const now = await at.decision(asked.decisionId);
    assert.deepEqual([now.counted, now.refused.length, now.outcome], [before.counted, before.refused.length + 1, null]);
    const entry = at.entries(asked.started.run, 'vote-refused').at(-1)!;
    assert.match(String(entry.data['message']), reason);
    assert.ok(input.signature.length < 100 || !JSON.stringify(entry.data).includes(input.signature.slice(40, 80)));
  }

  /** The decision did not even take it: answered, nothing on record. */
  async function untaken(input: VoteInput, reason: RegExp): Promise<void> {
    const recorded = at.entries(asked.started.run, 'vote-refused').length;
    const answer = await at.cast(asked.decisionId, input);
    assert.ok('untaken' in answer, JSON.stringify(answer));
    assert.match(answer.untaken, reason);
    assert.equal(at.entries(asked.started.run, 'vote-refused').length, recorded);
  }

  const people: [string, Name, RegExp][] = [
    ['the requester', 'bob', /bob asked for this run/],
    ['a stranger', 'mallory', /nobody here has the key SHA256:/],
    ['somebody without the role', 'gina', /gina has none of the roles asked: cab/],
    ['a key that has expired', 'erin', /erin's key SHA256:\S+ expired at/],
    ['a key that is not valid yet', 'frank', /frank's key SHA256:\S+ is not valid before/],
    ['a key that was revoked', 'hal', /hal's key SHA256:\S+ was revoked at/],
    ['a key that is marked compromised', 'ida', /ida's key SHA256:\S+ is marked compromised/],
  ];
  for (const [title, name, reason] of people) {
    test(`invariant 6, decision 4: the signature of ${title} does not count, and stands on record with its reason`, { timeout: 60_000 }, async () => notCounted(await vote(name), reason));
  }

  test('invariant 6: a person who was removed since it was asked votes no more', { timeout: 60_000 }, async () => {
    at.policy({ roles: { cab: ['alice', 'carol'], security: ['bob'] } });
    try {
      await notCounted(await vote('dan'), /dan has none of the roles asked: cab/);
    } finally {
      at.policy({ roles: { cab: ['alice', 'carol', 'dan', 'erin', 'frank', 'hal', 'ida'], security: ['bob'], engineering: ['gina'] } });
    }
  });

  test('decision 5: a text for another plan, run, host or Temporal namespace, with this request\'s line in it', { timeout: 60_000 }, async () => {
    for (const [from, to] of [[/plan sha256:\w{8}/, 'plan sha256:00000000'], [/I approve ch-\w+/, 'I approve ch-0000'], [/on testhost:/, 'on web-02:'], [/to 3\.\S+/, 'to 3.9.1']] as const) {
      await notCounted(await vote('alice', approve().replace(from, to)), /^not counted: line \d+ of its text is/);
    }
    await untaken(await vote('alice', approve().replace(/in namespace \S+/, 'in namespace staging')), /the text is about another request/);
    await untaken(await vote('alice', approve().replace(/^request \S+/m, 'request 00000000-0000-4000-8000-000000000000')), /the text is about another request/);
  });

  test('decision 4: carriage returns, a signature for another purpose, one over another text, one that is none', { timeout: 60_000 }, async () => {
    await notCounted(await vote('alice', approve().replaceAll('\n', '\r\n')), /carriage returns/);
    await notCounted(await vote('alice', approve(), 'runbook.request'), /signed for another purpose: expected namespace runbook\.approval, got runbook\.request/);
    const [good, other] = [await vote('alice'), await vote('alice', 'something else\n')];
    await notCounted({ ...good, signature: other.signature }, /the signature does not match the text/);
    await notCounted({ ...good, signature: 'yes' }, /signature/);
    await notCounted({ ...good, text: `${good.text}and everything else\n` }, /the signature does not match the text/);
  });

  test('decision 2: 17 KiB, and what has another shape, are not even taken', { timeout: 60_000 }, async () => {
    await untaken({ ...(await vote('alice')), carrier: 'x'.repeat(17 * 1024) }, /a vote has at most 16384 bytes, got 1\d{4}/);
    await untaken({ ...(await vote('alice')), person: 'carol' } as never, /expected a vote: text, signature and carrier, nothing else/);
    await untaken({ text: approve(), signature: ['alice'], carrier: 'x' } as never, /expected a vote/);
    await untaken(null as never, /expected a vote/);
  });

  test('invariant 6: one person is one vote: the same signature again, and another key of theirs', { timeout: 60_000 }, async () => {
    const first = await vote('alice');
    assert.deepEqual(await at.cast(asked.decisionId, first), { counted: true, message: 'counted: 1 of 2 of cab', outcome: null });
    await notCounted(first, /alice has voted already \(approve, as cab\)/);
    await notCounted(await vote('alice-2'), /alice has voted already \(approve, as cab\)/);
    await notCounted(await vote('alice-2', approvalText(asked.state.request.facts, 'reject')), /alice has voted already \(approve, as cab\)/);
  });

  test('decision 2: of many at once no more than five are being verified, and none of them counts twice', { timeout: 60_000 }, async () => {
    const again = await vote('alice-2');
    // One workflow task takes them all in: nobody is quicker than the sixth.
    const answers = await Promise.all(Array.from({ length: 12 }, () => at.cast(asked.decisionId, again)));
    const told = answers.map((answer) => ('untaken' in answer ? answer.untaken : answer.message));
    for (const words of told) assert.match(words, /^not counted: alice has voted already|^5 votes are being verified; send it again in a moment$/);
    const { counted, inFlight, outcome } = await at.decision(asked.decisionId);
    assert.deepEqual([counted.map(({ person }) => person), inFlight, outcome], [['alice'], [], null]);
  });

  test('decision 2: after a hundred refusals it is closed, who decides is told, and the run can be ended and asked for again', { timeout: 180_000 }, async () => {
    const junk = await vote('mallory');
    for (let closed = false; !closed; ) {
      const answers = await Promise.all(Array.from({ length: 5 }, () => at.cast(asked.decisionId, junk)));
      closed = answers.some((answer) => 'untaken' in answer && answer.untaken.startsWith('closed after'));
    }
    assert.equal((await at.decision(asked.decisionId)).refused.length >= MAX_REFUSALS, true);
    assert.deepEqual(await at.cast(asked.decisionId, await vote('carol')), { untaken: `closed after ${MAX_REFUSALS} refused votes` });
    await poll(async () => {
      for await (const { workflowId } of at.it.client.workflow.list({ query: 'WorkflowType="notifyRoles"' })) if (workflowId.endsWith('-escalated')) return true;
      return false;
    });
    await at.it.client.workflow.getHandle(asked.started.workflowId).cancel();
    const ended = await at.it.result(asked.started);
    assert.equal(ended.outcome, 'rolled-back', wordsOf(ended));
    asked = await at.ask(asked.request.to!);
    await at.approve(asked, 'alice', 'carol');
    assert.equal((await at.it.result(asked.started)).outcome, 'done');
    assert.equal(at.it.version(), asked.request.to);
  });
});
