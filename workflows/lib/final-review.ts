/** EE-08: the final review of an exception is the whole interpreter change; it may outlive the exception. */
import { CancellationScope, condition, ParentClosePolicy, startChild, workflowInfo } from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import { summaryLine } from '../../policy/describe.js';
import { parseWorkflowId, shortId, workflowIdOf } from '../../policy/ids.js';
import type { Warrant } from '../../policy/model-approval.js';
import type { ChangeRequest } from '../../policy/model.js';
import type { interpreterChange } from '../interpreter-change.js';
import type { ExceptionLife } from './exception-life.js';
import { rethrowMistake } from './failures.js';
import type { Run } from './run.js';

const keyword = (name: string) => defineSearchAttributeKey(name, 'KEYWORD');

/** Begins when the root cause was handed in; answers what it approved, or null. */
export async function reviewWhenHandedIn(run: Run, life: ExceptionLife, request: ChangeRequest): Promise<Warrant | null> {
  await condition(() => life.clock.rootCause !== null);
  return CancellationScope.nonCancellable(() => review(run, life, request));
}

async function review(run: Run, life: ExceptionLife, request: ChangeRequest): Promise<Warrant | null> {
  const { env, requester, reason, policyDigest, tuning } = request;
  const ulid = parseWorkflowId(workflowInfo().workflowId)?.ulid ?? '';
  const id = shortId('interpreter-change', ulid);
  const workflowId = workflowIdOf('interpreter-change', env, ulid);
  const args = {
    run: id, kind: 'interpreter-change' as const, env, environments: [`${env.host}:${env.link}`], from: run.state.from, to: run.state.to!, reason, requester, policyDigest,
    exception: { run: request.run, end: life.clock.expiresAt! }, ...(tuning ? { tuning } : {}),
  };
  life.clock.review = { run: id, workflowId, outcome: null };
  try {
    const child = await startChild<typeof interpreterChange>('interpreterChange', {
      args: [args], workflowId, parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: summaryLine('interpreter-change', run.state.where, reason, requester),
      typedSearchAttributes: [{ key: keyword('RunbookKind'), value: 'interpreter-change' }, { key: keyword('RunbookHost'), value: env.host }, { key: keyword('RunbookEnvironment'), value: env.link }, { key: keyword('RunbookRequester'), value: requester }],
    });
    const result = await child.result();
    life.clock.review.outcome = result.outcome;
    return result.outcome === 'done' ? result.warrant : null;
  } catch (error) {
    rethrowMistake(error);
    life.clock.review.outcome = 'ended from outside';
    return null;
  }
}
