import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { ApplicationFailure } from '@temporalio/common';
import type { Order } from '../../../activities/host/contract.js';
import { requireReviewWarrant } from '../../../activities/host/warrant-review.js';
import type { ApprovalFacts, Warrant } from '../../../policy/model-approval.js';
import type { Plan } from '../../../policy/model.js';
import { board, type Board, type WarrantWish } from '../../support/board.js';
import { someInterpreter, testHost, testScope, type TestHost, type TestProject } from '../../support/host.js';

const NEEDS_ROOT = process.getuid?.() === 0 ? false : 'the signers file must be another user\'s';

describe('EE-08: an exception becomes permanent', { skip: NEEDS_ROOT }, () => {
  let host: TestHost;
  let people: Board;
  let project: TestProject;
  let plan: Plan;
  let order: (step: string) => Order;
  before(async () => {
    host = testHost({ trust: 'signatures' });
    people = await board(join(host.folder, 'etc'));
    host.ctx.agentFile.signers = people.file;
    project = host.project('lasting', { 'requirements.txt': '' });
    plan = { ...host.plan(project, await someInterpreter(host.ctx, '3.12'), []), kind: 'interpreter-change' };
    order = await host.orders(project, 'ex-last');
  });
  after(() => host.close());
  beforeEach(() => people.write());

  const review = (facts: Partial<ApprovalFacts> = {}, wish: WarrantWish = {}): Promise<Warrant> =>
    people.warrant(plan, 'ic-7k2m', { ...wish, facts: { purpose: 'cab', planDigest: null, ...facts } });
  const ask = (warrant: unknown, version: string | null = plan.interpreter.version, on = order('make permanent')) => requireReviewWarrant(host.ctx, testScope(), on, { version, warrant });
  async function refuse(reason: RegExp, ...args: Parameters<typeof ask>): Promise<void> {
    const error = await ask(...args).then(() => assert.fail('expected a refusal'), (e: unknown) => e as ApplicationFailure);
    assert.deepEqual([error.type, error.nonRetryable], ['NotApproved', true], error.message);
    assert.match(error.message, reason);
    const last = host.ctx.store.journal.entries(project.env.link).at(-1)!;
    assert.deepEqual([last.kind, (last.body as { taken: boolean }).taken], ['observation', false]);
  }

  test('EE-08, invariant 6: by the last decision of its final review, for exactly this environment and version, once', async () => {
    const warrant = await review({ environments: [`${project.env.host}:${project.env.link}`, 'web-02:/srv/x/.venv'], env: { host: 'web-02', link: '/srv/x/.venv' } });
    const first = order('make permanent');
    await ask(warrant, undefined, first);
    await ask(warrant, undefined, first);
    assert.equal(host.ctx.store.warrants.get(warrant.facts.request)!.run, 'ex-last');
    await refuse(/expected one that was not used before/, warrant, undefined, { ...order('make permanent'), chain: 'another' });
  });

  test('invariant 6: none, another step, kind, environment, version or namespace, too late, too few, the requester: refused', async () => {
    await refuse(/expected the signatures of its last step.*got none/, null);
    await refuse(/warrant: expected facts, votes/, {});
    await refuse(/final review, purpose: expected cab, got security-review/, await review({ purpose: 'security-review' }));
    await refuse(/final review, kind: expected interpreter-change, got change/, await review({ kind: 'change' }));
    await refuse(/final review, environments: expected test-host:.*lasting\/\.venv, got web-02:/, await review({ env: { host: 'web-02', link: project.env.link } }));
    await refuse(/final review, version: expected 3\.11\.7, got 3\.12/, await review(), '3.11.7');
    await refuse(/final review, version: expected one that runs, got 3\.12/, await review(), null);
    await refuse(/final review, namespace: expected default, got staging/, await review({ namespace: 'staging' }));
    await refuse(/final review, time: expected begun before/, await review({ useBy: new Date(Date.now() - 1000).toISOString() }));
    await refuse(/quorum: expected 2 of cab, got 1 of 2 of cab/, await review({}, { voters: ['bob'] }));
    await refuse(/alice asked for this run/, await review({ requester: 'alice' }));
    await refuse(/the signature does not match the text|exactly what approves|line \d+ of its text/, { ...(await review()), facts: { ...(await review()).facts, to: plan.interpreter.version } });
  });

  test('invariant 6: a list that somebody else may write to approves nothing', async () => {
    const warrant = await review();
    people.write({ exception: [] });
    await refuse(/exception/, warrant);
  });
});

test('trust: server: nothing is demanded for it', async (t) => {
  const host = testHost();
  t.after(() => host.close());
  const project = host.project('open', { 'requirements.txt': '' });
  const order = await host.orders(project, 'ex-open');
  await requireReviewWarrant(host.ctx, testScope(), order('make permanent'), { version: '3.12.1', warrant: null });
});
