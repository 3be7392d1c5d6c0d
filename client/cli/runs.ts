/** Starting and finding runs. */
import type { Client, WorkflowHandle } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import { ulid } from 'ulid';
import { formatEnvironment, parseWorkflowId, shortId, shortIdOf, workflowIdOf } from '../../policy/ids.js';
import { summaryLine } from '../../policy/describe.js';
import { CONTROL_QUEUE } from '../../policy/names.js';
import type { ChangeRequest, EnvironmentRef, ReviewRequest, RunKind, UndoRequest } from '../../policy/model.js';
import type { TidyRequest } from '../../workflows/environment-tidy.js';
import type { Instance } from './instance.js';
import { EXIT, refusal } from './io.js';
import { openWorkflowIds, recordsOf } from './known-runs.js';

export interface Started {
  run: string;
  workflowId: string;
  handle: WorkflowHandle;
}

const WORKFLOW: Record<RunKind, string> = { change: 'environmentChange', fallback: 'wheelFallback', rollback: 'environmentUndo', exception: 'emergencyException', 'interpreter-change': 'interpreterChange' };

/** A new run's ids. The short one repeats the end of the long one. */
export function newRunIds(kind: RunKind, env: EnvironmentRef): { run: string; workflowId: string } {
  const id = ulid();
  return { run: shortId(kind, id), workflowId: workflowIdOf(kind, env, id) };
}

/** Starts a run with its summary and search attributes. `workflow`: where it is not the kind's own. */
export async function startRun(client: Client, kind: RunKind, workflowId: string, request: ChangeRequest | ReviewRequest | TidyRequest | UndoRequest, workflow = WORKFLOW[kind]): Promise<Started> {
  const { run, env, reason, requester } = request;
  const attribute = (name: string, value: string) => ({ key: defineSearchAttributeKey(name, 'KEYWORD'), value });
  const handle = await client.withDeadline(Date.now() + 10_000, () =>
    client.workflow.start(workflow, {
      workflowId,
      taskQueue: CONTROL_QUEUE,
      args: [request],
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      staticSummary: summaryLine(kind, formatEnvironment(env), reason, requester),
      typedSearchAttributes: [attribute('RunbookKind', kind), attribute('RunbookHost', env.host), attribute('RunbookEnvironment', env.link), attribute('RunbookRequester', requester)],
    }),
  );
  return { run, workflowId, handle };
}

/** Workflow id of a run by its short id: from the records, else from Temporal's open runs. */
export async function findWorkflowId(instance: Instance, client: Client | null, id: string): Promise<string> {
  const known = recordsOf(instance)?.run(id)?.workflowId;
  if (known) return known;
  if (parseWorkflowId(id)) return id;
  const open = client ? await openWorkflowIds(client) : [];
  const found = open.find((workflowId) => shortIdOf(workflowId) === id);
  if (found) return found;
  throw refusal([{ what: `run ${id}`, expected: 'a run on record, or one that is open', got: 'none of that name', wayOut: 'runbook list' }], EXIT.badInput);
}
