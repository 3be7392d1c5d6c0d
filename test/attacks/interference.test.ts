/**
 * A hostile member of the namespace interferes with runs that are under way: ends and resets them, signals lies, and completes
 * their activities, by hand with Temporal's own command line and as a poller of queues that are not theirs.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Order } from '../../activities/host/contract.js';
import type { SignedText } from '../../policy/model-approval.js';
import type { Plan, RunResult, Verification } from '../../policy/model.js';
import { hostQueue } from '../../policy/names.js';
import { approvalText, verdictText } from '../../policy/signed-texts.js';
import { statusQuery } from '../../workflows/messages.js';
import { reset, temporal, terminate } from '../faults/temporal.js';
import { poll } from '../support/instance.js';
import { startForeignPoller } from './foreign-poller.js';
import { startHostileControl } from './hostile-control.js';
import { NEEDS_ROOT, startGuarded, wordsOf, type Asked, type Guarded } from './guarded.js';

describe('interference of a hostile member of the namespace', { skip: NEEDS_ROOT }, () => {
  let at: Guarded;
  before(async () => (at = await startGuarded()), { timeout: 240_000 });
  after(() => at?.stop());

  const treesOf = (run: string): string[] => readdirSync(path.join(at.it.project, '.venvs')).filter((tree) => tree.startsWith(`${run}-`));
  const newest = (asked: Asked): Promise<RunResult> => at.it.client.workflow.getHandle(asked.started.workflowId).result() as Promise<RunResult>;
  const votes = (asked: Asked): Promise<unknown> => at.approve(asked, 'alice', 'carol');

  /** Nothing was switched, and nothing of the run is left. */
  async function cameToNothing(asked: Asked, result: RunResult, stood: string): Promise<void> {
    assert.notEqual(result.outcome, 'done', wordsOf(result));
    assert.equal(at.standing(), stood);
    await poll(() => treesOf(asked.started.run).length === 0);
  }

  test('invariant 5: signals with lies about votes and steps decide nothing', { timeout: 60_000 }, async () => {
    const stood = at.standing();
    const asked = await at.ask();
    const handle = at.it.client.workflow.getHandle(asked.started.workflowId);
    const { request } = asked.state.request.facts;
    await handle.signal('decision-progress', { request, progress: '2 of 2 of cab', convenedAt: new Date().toISOString() });
    await handle.signal('progress', { steps: [{ step: 'switch', ok: true, fact: 'renamed', workMs: 1, startedAt: '', endedAt: '' }], step: null, waitsFor: null, decision: { request, workflowId: asked.decisionId, purpose: 'change', outcome: 'approved', progress: '2 of 2 of cab' } });
    await at.it.client.workflow.getHandle(asked.decisionId).signal('decision-progress', { request, progress: '2 of 2', convenedAt: null });
    const { outcome, waitsFor } = await handle.query(statusQuery);
    assert.deepEqual([outcome, waitsFor?.what], [null, 'approval: 2 of cab']);
    const { counted, outcome: decided } = await at.decision(asked.decisionId);
    assert.deepEqual([counted, decided], [[], null]);
    await handle.cancel();
    await cameToNothing(asked, await newest(asked), stood);
  });

  test('invariant 5: a decision that is terminated approves nothing: its run ends, and says so', { timeout: 60_000 }, async () => {
    const stood = at.standing();
    const asked = await at.ask();
    await at.approve(asked, 'alice');
    await terminate(at.it, asked.decisionId);
    const result = await newest(asked);
    assert.match(wordsOf(result), /terminated/i);
    await cameToNothing(asked, result, stood);
  });

  test('invariant 5: a run that is terminated while it waits takes its decision with it; nothing is held', { timeout: 60_000 }, async () => {
    const stood = at.standing();
    const asked = await at.ask();
    await at.approve(asked, 'alice');
    await terminate(at.it, asked.started.workflowId);
    const decided = at.it.client.workflow.getHandle(asked.decisionId).result() as Promise<{ outcome: string }>;
    assert.equal((await decided).outcome, 'withdrawn');
    await at.approve(asked, 'carol').then(() => assert.fail('expected no answer'), () => undefined);
    assert.equal(at.standing(), stood);
    const lease = await at.order<{ state: string }>(hostQueue(at.it.handle.host), 'describeLease', { env: at.it.env });
    assert.equal(lease.state, 'free');
  });

  test('decision 5: reset to before its decision a run asks anew: votes for the old request count no more', { timeout: 90_000 }, async () => {
    const stood = at.standing();
    const asked = await at.ask();
    await at.approve(asked, 'alice');
    await reset(at.it, asked.started.workflowId, '--type', 'FirstWorkflowTask');
    const again = await at.waits(asked.started, asked.decisionId);
    assert.notEqual(again.state.request.facts.request, asked.state.request.facts.request);
    assert.deepEqual(again.state.counted, []);
    const old = await at.sign('carol', 'runbook.approval', approvalText(asked.state.request.facts, 'approve'));
    assert.match(JSON.stringify(await at.cast(again.decisionId, { ...old, carrier: 'mallory' })), /the text is about another request/);
    await at.it.client.workflow.getHandle(asked.started.workflowId).cancel();
    await cameToNothing(asked, await newest(asked), stood);
  });

  test('decision 5: reset to after its decision a finished run switches nothing twice', { timeout: 90_000 }, async () => {
    const asked = await at.ask();
    await votes(asked);
    assert.equal((await newest(asked)).outcome, 'done');
    const stood = at.standing();
    const events = (await asked.started.handle.fetchHistory()).events!;
    const decided = events.findIndex((event) => event.childWorkflowExecutionCompletedEventAttributes);
    const task = events.slice(decided).find((event) => event.workflowTaskCompletedEventAttributes)!;
    await reset(at.it, asked.started.workflowId, '--event-id', String(task.eventId));
    const result = await newest(asked);
    assert.notEqual(result.outcome, 'done', wordsOf(result));
    assert.equal(at.standing(), stood);
    assert.deepEqual(treesOf(asked.started.run).length, 1);
  });

  /** Answers a running activity as Temporal's command line lets anybody. */
  async function complete(asked: Asked, activity: string, answer: unknown): Promise<void> {
    const { workflowId } = asked.started;
    const { raw } = await at.it.client.workflow.getHandle(workflowId).describe();
    const { activityId } = raw.pendingActivities!.find((one) => one.activityType!.name === activity)!;
    await temporal(at.it, 'activity', 'complete', '--workflow-id', workflowId, '--activity-id', activityId!, '--result', JSON.stringify(answer));
  }

  /** A change that people approved, held on its host at a point. */
  async function heldAt(point: string): Promise<Asked> {
    at.it.barrier.arm(point);
    const asked = await at.ask();
    await votes(asked);
    await at.it.barrier.reached(point);
    return asked;
  }

  test('decision 9: a build that somebody else says is done is not switched to', { timeout: 90_000 }, async () => {
    const stood = at.standing();
    const asked = await heldAt('prepare:intent');
    await complete(asked, 'prepare', { id: path.basename(stood), path: stood, installer: 'uv', packages: 2, asUser: 'root', workMs: 1 });
    at.it.barrier.release('prepare:intent');
    await cameToNothing(asked, await newest(asked), stood);
  });

  const yes = ({ manifestDigest = 'a'.repeat(64), signed }: { manifestDigest?: string; signed?: SignedText }): Verification => ({
    ok: true, files: { ok: true, checked: 9, bad: [] }, lock: { ok: true, installed: 2, expected: 2, differences: [] }, interpreter: { ok: true, expected: '3.11.7', got: '3.11.7' },
    imports: { ok: true, passed: 2, total: 2, failures: [] }, tests: { ok: true, ran: true, summary: '2 passed', outputPath: '' }, manifestDigest, manifestFiles: 9, freezeHash: 'f'.repeat(64), durationMs: 1, ...(signed ? { signed } : {}),
  });

  for (const by of ['nobody', 'another key', 'its own key, over something else'] as const) {
    test(`decision 9: a verification by ${by} is not the host's word where its key was accepted`, { timeout: 90_000 }, async () => {
      const stood = at.standing();
      const asked = await heldAt('verify:intent');
      const [order, plan] = (await at.seen(asked.started, 'prepare')) as [Order, Plan];
      const [tree] = treesOf(asked.started.run);
      const text = verdictText(at.it.handle.host, order.chain, tree!, plan.digest, 'a'.repeat(64), true);
      const signed = by === 'nobody' ? undefined : by === 'another key' ? await at.sign('mallory', 'runbook.verdict', text) : { text: text.replace('yes', 'no'), signature: (await at.sign('mallory', 'runbook.verdict', text)).signature };
      await complete(asked, 'verifyTree', yes(signed ? { signed } : {}));
      at.it.barrier.release('verify:intent');
      const result = await newest(asked);
      assert.match(wordsOf(result), /did not say so itself: (an answer without a signature|a signature of the key SHA256:|a signature over something else than the answer)/);
      await cameToNothing(asked, result, stood);
    });
  }

  test('invariant 6: a hostile control worker calls forged votes good: its run is approved, and the host refuses it', { timeout: 180_000 }, async () => {
    const stood = at.standing();
    const hostile = await startHostileControl(at, ['alice', 'carol']);
    try {
      for (let isForged = false; !isForged; ) {
        const asked = await at.ask();
        const forged = { ...(await at.sign('mallory', 'runbook.approval', approvalText(asked.state.request.facts, 'approve'))), carrier: 'mallory' };
        const answers = [await at.cast(asked.decisionId, forged), await at.cast(asked.decisionId, forged)];
        // Now and then the run is the real control worker's, which counts none: then another one.
        isForged = answers.every((answer) => 'counted' in answer && answer.counted);
        if (!isForged) await at.it.client.workflow.getHandle(asked.started.workflowId).cancel();
        const result = await newest(asked);
        if (isForged) assert.match(wordsOf(result), /refused\n.*nobody here has the key SHA256:/);
        await cameToNothing(asked, result, stood);
      }
    } finally {
      await hostile.stop();
    }
  });

  test('decision 9: a foreign poller of the host\'s queue that answers every order changes nothing on the host, and is believed no verification', { timeout: 180_000 }, async () => {
    const stood = at.standing();
    const asked = await at.ask();
    const foreign = startForeignPoller(at.it.client, hostQueue(at.it.handle.host), {
      acquireLease: () => ({ epoch: 1 }), armUndo: (_: Order, { undoTarget }: Plan) => ({ undoTarget, files: 9, manifestDigest: 'a'.repeat(64), interpreterRuns: true, workMs: 1 }),
      prepare: ({ run }: Order) => ({ id: `${run}-1`, path: '/tmp', installer: 'uv', packages: 2, asUser: 'root', workMs: 1 }), verifyTree: () => yes({}),
      switchLink: (_: Order, { tree }: { tree: string }) => ({ from: null, to: tree, adopted: false, renameMs: 1, workMs: 1 }), settleRiders: () => ({ restarted: [], left: [], healthy: true, problem: '', workMs: 1 }),
      verifyLink: () => ({ ok: true, version: '3.11.7', problem: '', workMs: 1 }), undo: () => ({ outcome: 'nothing-to-undo', version: null, verified: true, problem: '', workMs: 1 }), closeChange: () => ({ pruned: [], kept: [], workMs: 1 }),
    });
    try {
      await votes(asked);
      const result = await newest(asked);
      assert.ok(foreign.told.length > 0);
      // Either an order of the real agent finds no lease of this run, or the verification is not the host's word.
      assert.notEqual(result.outcome, 'done', wordsOf(result));
      assert.equal(at.standing(), stood);
    } finally {
      await foreign.stop();
    }
    const lease = await at.order<{ holder: { chain: string } | null }>(hostQueue(at.it.handle.host), 'describeLease', { env: at.it.env });
    if (lease.holder) await at.order(hostQueue(at.it.handle.host), 'holderEnded', { env: at.it.env, chain: lease.holder.chain });
  });

  test('afterwards people still decide, and the host still does it; the trail is whole', { timeout: 90_000 }, async () => {
    const asked = await at.ask();
    await votes(asked);
    const result = await newest(asked);
    assert.equal(result.outcome, 'done', wordsOf(result));
    assert.equal(at.it.version(), asked.request.to);
    const records = at.it.records();
    const verdict = records.verify();
    records.close();
    assert.equal(verdict.ok, true, JSON.stringify(verdict));
  });
});
