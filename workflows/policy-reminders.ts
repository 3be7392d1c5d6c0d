/** Dates of the policy that come near (PV-07 to PV-10, PV-31): each is told once, by the daily schedule. */
import { workflowInfo } from '@temporalio/workflow';
import type { AuditEntry } from '../policy/records.js';
import { control } from './lib/host.js';
import { Pager } from './lib/paging.js';

/** What is about no host stands under this name. */
const POLICY = { host: 'policy', link: '/policy' };

export async function policyReminders(): Promise<void> {
  const { items } = await control.dueNow();
  const { workflowId, runId, firstExecutionRunId: chain } = workflowInfo();
  const pager = new Pager({ run: 'policy', kind: 'interpreter-change', env: POLICY, requester: 'policy', reason: 'dates of the policy' });
  for (const { id, what, on, overdue } of items) {
    await pager.page({ event: 'due', subject: what, severity: overdue ? 'warning' : 'info', lines: [what, `on ${on}`], command: 'runbook due', deadline: null, to: ['project-owner'], otherwise: ['operations'] });
    const entry: AuditEntry = { key: `${runId}/${id}`, run: '', kind: 'watch', event: 'reminder', at: new Date().toISOString(), workflowId, runId, chain, actor: 'policy', host: POLICY.host, link: '', justification: 'dates of the policy', data: { id, what, on } };
    await control.appendRecords({ entries: [entry] });
  }
}
