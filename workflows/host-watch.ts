/** One long run per host: its only pending step is the agent's next news (decision 12). */
import { ActivityFailure, continueAsNew, proxyActivities, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import { expiredEntry } from '../policy/exception-view.js';
import { hostEventsQueue } from '../policy/names.js';
import type { AuditEntry } from '../policy/records.js';
import { markdownText } from '../policy/text.js';
import type { HostActivities, HostEvent, LeaseView } from '../activities/host/contract.js';
import { endedEntry } from './lib/ended.js';
import { failureText } from './lib/failures.js';
import { control, DEFAULT_TUNING, hostActivities } from './lib/host.js';

export interface HostWatchInput {
  host: string;
  cursor: number;
}

/** Events per execution; continue-as-new keeps the history of a host small. */
const EVENTS_PER_EXECUTION = 500;

export async function hostWatch({ host, cursor }: HostWatchInput): Promise<void> {
  for (let count = 0; count < EVENTS_PER_EXECUTION; count++) {
    const event = await nextNews(host, cursor, count);
    if (!event) continue;
    cursor = event.cursor;
    const news = entryOf(host, `event/${cursor}`, event.kind === 'changed' || event.drift ? 'changed' : 'check-in', { ...event });
    await control.appendRecords({ entries: [news, ...(event.expired ?? []).map((one) => expiredEntry(news, one))] });
    setCurrentDetails(details(host, event));
    for (const lease of event.quiet) await askAfter(host, lease);
  }
  await continueAsNew<typeof hostWatch>({ host, cursor });
}

/** The agent completes this when there is news; an hour without any is news too. Silence for 60 s: unreachable, as a fact. */
async function nextNews(host: string, cursor: number, count: number): Promise<HostEvent | null> {
  const { nextEvent } = proxyActivities<Pick<HostActivities, 'nextEvent'>>({
    taskQueue: hostEventsQueue(host),
    startToCloseTimeout: '2 hours',
    heartbeatTimeout: '60 seconds',
    retry: { maximumAttempts: 1 },
    summary: `news of ${host}`,
  });
  try {
    return await nextEvent({ cursor });
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    await control.appendRecords({ entries: [entryOf(host, `silent/${count}`, 'host-unreachable', { problem: failureText(error) })] });
    setCurrentDetails(`### ${host} does not answer\n${failureText(error)}`);
    return null;
  }
}

/** A lease whose holder orders nothing: is its run still open? If not, the agent is told, and settles or frees it. */
async function askAfter(host: string, lease: LeaseView): Promise<void> {
  const { holder, env } = lease;
  if (!holder || !(await control.isChainClosed(holder))) return;
  const { result } = await hostActivities(host, DEFAULT_TUNING, `${holder.run} has ended`).holderEnded({ env, chain: holder.chain });
  if (result === 'not-holder') return;
  const entry = entryOf(host, `ended/${holder.chain}`, 'check-in', {});
  await control.appendRecords({ entries: [endedEntry(entry, holder, env, result)] });
}

function entryOf(host: string, key: string, event: AuditEntry['event'], data: AuditEntry['data']): AuditEntry {
  const { workflowId, runId, firstExecutionRunId: chain } = workflowInfo();
  return { key: `${runId}/${key}`, run: `watch-${host}`, kind: 'watch', event, at: new Date().toISOString(), workflowId, runId, chain, actor: `agent@${host}`, host, link: '', justification: 'host watch', data };
}

function details(host: string, event: HostEvent): string {
  const rows = event.environments.map((e) => `| ${e.link} | ${e.version ?? '—'} | ${e.tree} | ${e.state} |`);
  return [`### ${host} · ${event.kind} ${event.at}`, `agent ${event.agentVersion}`, '', '| environment | version | tree | state |', '| --- | --- | --- | --- |', ...rows, ...(event.drift ?? []).map((d) => `- **${markdownText(d.link)}**: ${markdownText(d.what)}`)].join('\n');
}
