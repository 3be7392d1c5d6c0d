/** A change ordered by another runbook: its own run, shown and ended with the run that ordered it. */
import { CancellationScope, ChildWorkflowFailure, ParentClosePolicy, setHandler, startChild, workflowInfo, type ChildWorkflowHandle } from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import { parseWorkflowId, workflowIdOf } from '../../policy/ids.js';
import { summaryLine } from '../../policy/describe.js';
import type { ChangeRequest, EnvironmentRef, RunResult } from '../../policy/model.js';
import type { environmentChange } from '../environment-change.js';
import { abortSignal, progressSignal } from '../messages.js';
import { failureText } from './failures.js';
import { callHost } from './host.js';
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
    const result = await child.result().catch((error: unknown) => endedBadly(run, request.env, child, error));
    run.showChild(ordered, { steps: result.steps, step: null, waitsFor: null });
    return result;
  });
}

/** The short ids of both runs end alike: people know them as one. */
function ulidOf(): string {
  return parseWorkflowId(workflowInfo().workflowId)?.ulid ?? workflowInfo().runId;
}

/** Only its host knows how far a change came that somebody ended; told that it is over, the host clears up what was not switched to. */
async function endedBadly(run: Run, env: EnvironmentRef, { workflowId, firstExecutionRunId: chain }: Pick<ChildWorkflowHandle<typeof environmentChange>, 'workflowId' | 'firstExecutionRunId'>, error: unknown): Promise<RunResult> {
  if (!(error instanceof ChildWorkflowFailure)) throw error;
  const { state } = run;
  const { result } = await callHost(run, 'the change has ended', (host) => host.holderEnded({ env, chain }));
  if (result !== 'not-holder') await run.tellEnded({ workflowId, chain, run: state.run }, result);
  const why = `the change was ended from outside (${failureText(error)})`;
  const told = { run: state.run, chain, kind: run.kind, env: run.env, from: state.from, to: state.to, planDigest: run.planDigest, steps: [], objections: [] };
  if (result === 'freed') return { ...told, outcome: 'rolled-back', message: `${why} before its switch; its attempt was removed, nothing else was changed` };
  return { ...told, outcome: 'rollback-incomplete', message: `${why}: runbook settle ${state.run} --undo, or --keep` };
}
