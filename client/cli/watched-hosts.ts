/** Hosts that are, or were, watched: by the runs that wait for their agents' news, and what these put on record. */
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import type { ForeignInterpreter } from '../../policy/checks/results.js';
import type { HostKey } from '../../policy/host-keys.js';
import { hostQueue } from '../../policy/names.js';
import { knownKey } from './host-keys.js';
import type { Instance } from './instance.js';
import { recordsOf } from './known-runs.js';

export interface WatchedHost {
  host: string;
  /** Agents that ask for its orders now. */
  agents: number;
  key: HostKey;
  /** Anything but `running`: nobody hears of this host any more. */
  watch: 'running' | 'failed' | 'terminated' | 'canceled' | 'timed out' | 'completed';
  /** Since when it is watched; of a watch that ended, since when it is not. */
  since: string;
  /** Why the watch ended, where that is known. */
  problem: string | null;
  /** PV-35: interpreters in use that the policy does not approve, and when that was put on record; null: never told. */
  foreign: { at: string; interpreters: ForeignInterpreter[] } | null;
}

/** Null: there are none here. */
type Records = ReturnType<typeof recordsOf>;

/** Each continued run is one more execution of its host's watch: only the end of the last one is an end. */
const WATCHES = `WorkflowType='hostWatch' AND ExecutionStatus!='ContinuedAsNew'`;

/** By name. Watches that ended are listed for as long as the server keeps them. */
export async function listHosts(client: Client, instance: Instance): Promise<WatchedHost[]> {
  const newest = new Map<string, WorkflowExecutionInfo>();
  for await (const run of client.workflow.list({ query: WATCHES })) {
    const known = newest.get(run.workflowId);
    if (!known || known.startTime < run.startTime) newest.set(run.workflowId, run);
  }
  const records = recordsOf(instance);
  try {
    const hosts = await Promise.all([...newest.values()].map((run) => hostOf(client, instance, records, run)));
    return hosts.sort((a, b) => a.host.localeCompare(b.host));
  } finally {
    records?.close();
  }
}

async function hostOf(client: Client, instance: Instance, records: Records, run: WorkflowExecutionInfo): Promise<WatchedHost> {
  const host = run.workflowId.replace(/^watch\//, '');
  const { pollers } = await client.workflowService.describeTaskQueue({ namespace: instance.namespace, taskQueue: { name: hostQueue(host) }, taskQueueType: 2 });
  const watch = run.status.name.toLowerCase().replace('_', ' ') as WatchedHost['watch'];
  const problem = watch === 'running' ? null : await endOf(client, run);
  return { host, agents: pollers?.length ?? 0, key: knownKey(instance, host), watch, since: (run.closeTime ?? run.startTime).toISOString(), problem, foreign: foreignOn(records, host) };
}

/** In the words of the innermost cause. */
async function endOf(client: Client, { workflowId, runId }: WorkflowExecutionInfo): Promise<string | null> {
  try {
    await client.workflow.getHandle(workflowId, runId, { followRuns: false }).result();
    return null;
  } catch (error) {
    let cause = error as Error;
    while (cause.cause instanceof Error) cause = cause.cause;
    return cause.message;
  }
}

function foreignOn(records: Records, host: string): WatchedHost['foreign'] {
  const found = records?.newestOfHost('foreign-interpreter', host)?.entry;
  return found ? { at: found.at, interpreters: found.data['foreign'] as ForeignInterpreter[] } : null;
}
