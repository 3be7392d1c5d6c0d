/** An approval as the records tell it: what was signed, for which environments, and which steps were approved (AP-13). */
import type { ApprovalOnRecord } from './constraints.js';
import type { ApprovalFacts } from './model-approval.js';
import type { AuditEntry } from './records.js';
import type { RunView } from './run-view.js';

type Facts = Pick<ApprovalFacts, 'from' | 'to' | 'env' | 'environments'>;

/**
 * What was signed last is what counts, not what the run says of itself; a step of other versions than that is no step of it.
 * Without any decision: nothing was approved.
 */
export function approvalOnRecord(view: RunView, entries: readonly AuditEntry[]): ApprovalOnRecord {
  const asked = new Map(entries.filter(({ event }) => event === 'approval-asked').map(({ data }) => [data['request'], data['facts'] as Facts]));
  const approved = entries.filter(({ event, data }) => event === 'decided' && data['outcome'] === 'approved' && asked.has(data['request']));
  const last = approved.length > 0 ? asked.get(approved.at(-1)!.data['request'])! : null;
  const same = approved.filter(({ data }) => JSON.stringify(scopeOf(asked.get(data['request'])!)) === JSON.stringify(last && scopeOf(last)));
  return {
    run: view.run,
    kind: view.kind,
    outcome: view.outcome,
    from: last?.from ?? null,
    to: last?.to ?? 'nothing',
    environments: last ? scopeOf(last).environments : [],
    approvedSteps: same.map(({ data }) => String(data['purpose'])),
  };
}

const scopeOf = ({ from, to, env, environments }: Facts): { from: string | null; to: string; environments: string[] } => ({ from, to, environments: [...new Set([`${env.host}:${env.link}`, ...environments])].sort() });
