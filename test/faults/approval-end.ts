/** What must be the same after a case of the approval matrix: the end, the effects, and every entry of the trail, once and in its order. */
import assert from 'node:assert/strict';
import path from 'node:path';
import Database from 'libsql';
import type { Started } from '../../client/cli/runs.js';
import { parseWorkflowId, shortId } from '../../policy/ids.js';
import type { RunResult } from '../../policy/model.js';
import type { AuditEntry } from '../../policy/records.js';
import { poll, type TestInstance } from '../support/instance.js';
import { footprintOf, type Counts, type Footprint } from './same-end.js';

export interface ApprovalFootprint extends Omit<Footprint, 'events'> {
  ending: string | null;
  /** By who wrote them: the run, its change, each decision by its purpose, the final review; and who was told of what. */
  trail: Record<string, string[]>;
}

/** Waits until nobody is being told of anything any more, and looks at everything the run left. */
export async function approvalFootprint(it: TestInstance, { workflowId }: Started, result: RunResult, before: Counts): Promise<ApprovalFootprint> {
  const isTelling = async (): Promise<boolean> => {
    for await (const _ of it.client.workflow.list({ query: "WorkflowType = 'notifyRoles' AND ExecutionStatus = 'Running'" })) return true;
    return false;
  };
  await poll(async () => !(await isTelling().catch(() => true)));
  const { events: _, ...footprint } = footprintOf(it, result, before);
  return { ...footprint, ending: result.exception?.ending ?? null, trail: trailOf(it, workflowId) };
}

function trailOf(it: TestInstance, workflowId: string): Record<string, string[]> {
  const { kind, ulid } = parseWorkflowId(workflowId)!;
  const runs = [shortId(kind, ulid), ...(kind === 'exception' ? [shortId('interpreter-change', ulid)] : [])];
  const entries = entriesOf(it, runs);
  assert.equal(new Set(entries.map(({ key }) => key)).size, entries.length, 'an entry stands twice on record');
  const purposes = new Map(entries.flatMap(({ event, workflowId: id, run, data }) => (event === 'approval-asked' ? [[id, `${run.slice(0, 2)} decides ${String(data['purpose'])}`] as const] : [])));
  const trail: Record<string, string[]> = {};
  for (const entry of entries) (trail[writerOf(entry, purposes)] ??= []).push(wordOf(entry));
  // Told side by side, in any order.
  trail['told']?.sort();
  return trail;
}

/** Waiting is told too, and a run that was disturbed may have waited; who went back at an end, run or host, is a race both may win. */
function entriesOf({ home }: TestInstance, runs: string[]): AuditEntry[] {
  const db = new Database(path.join(home, 'state/records.db'), { readonly: true });
  try {
    const bodies = db.prepare('SELECT body FROM entries ORDER BY seq').all() as { body: string }[];
    return bodies.map(({ body }) => JSON.parse(body) as AuditEntry).filter(({ run, event, workflowId }) => runs.includes(run) && event !== 'phase' && !workflowId.startsWith('watch/'));
  } finally {
    db.close();
  }
}

function writerOf({ workflowId }: AuditEntry, purposes: Map<string, string>): string {
  return workflowId.startsWith('notify/') ? 'told' : (purposes.get(workflowId) ?? parseWorkflowId(workflowId)?.kind ?? workflowId);
}

function wordOf({ event, data, actor, workflowId }: AuditEntry): string {
  if (workflowId.startsWith('notify/')) return `${event} ${String(data['event'])}`;
  if (event === 'vote' || event === 'evidence') return `${event} ${actor}`;
  return data['step'] === undefined ? event : `${event} ${String(data['step'])}`;
}
