/** A change ordered by another runbook: its own run, shown and ended with the run that ordered it. */
import { CancellationScope, ChildWorkflowFailure, ParentClosePolicy, setHandler, startChild, workflowInfo } from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import { parseWorkflowId, workflowIdOf } from '../../policy/ids.js';
import { summaryLine } from '../../policy/describe.js';
import type { ChangeRequest, RunResult } from '../../policy/model.js';
import type { environmentChange } from '../environment-change.js';
import { abortSignal, progressSignal } from '../messages.js';
import { failureText } from './failures.js';
import type { Run } from './run.js';

const KIND = defineSearchAttributeKey('RunbookKind', 'KEYWORD');
const HOST = defineSearchAttributeKey('RunbookHost', 'KEYWORD');
const ENVIRONMENT = defineSearchAttributeKey('RunbookEnvironment', 'KEYWORD');

/**
 * Starts the change and waits for its end. An abort of this run is passed on as one, so that the change undoes itself;
 * a terminated change is reported as not finished, because only its host knows how far it came.
 */
export async function changeAsChild(run: Run, request: ChangeRequest): Promise<RunResult> {
  const ordered = run.state.steps.length;
  setHandler(progressSignal, (progress) => run.showChild(ordered, progress));
  const aborted = CancellationScope.current().cancelRequested;
  return CancellationScope.nonCancellable(async () => {
    const child = await startChild<typeof environmentChange>('environmentChange', {
      args: [request],
      workflowId: workflowIdOf('change', run.env, ulidOf()),
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: summaryLine('change', run.state.where, request.reason, request.requester),
      typedSearchAttributes: [{ key: KIND, value: 'change' }, { key: HOST, value: run.env.host }, { key: ENVIRONMENT, value: run.env.link }],
    });
    aborted.catch(() => CancellationScope.nonCancellable(() => child.signal(abortSignal, run.state.aborting ?? { by: 'temporal', reason: 'cancelled' })).catch(() => undefined));
    const result = await child.result().catch((error: unknown) => endedBadly(run, error));
    run.showChild(ordered, { steps: result.steps, step: null, waitsFor: null });
    return result;
  });
}

/** The short ids of both runs end alike: people know them as one. */
function ulidOf(): string {
  return parseWorkflowId(workflowInfo().workflowId)?.ulid ?? workflowInfo().runId;
}

function endedBadly(run: Run, error: unknown): RunResult {
  if (!(error instanceof ChildWorkflowFailure)) throw error;
  const { state, env } = run;
  return {
    run: state.run, kind: 'fallback', env, outcome: 'rollback-incomplete', from: state.from, to: state.to, planDigest: run.planDigest, steps: [], objections: [],
    message: `the change was ended from outside (${failureText(error)}): runbook settle ${state.run} --undo, or --keep`,
  };
}
