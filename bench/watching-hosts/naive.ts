/** The naive design, from outside: schedules that start a run for each check. */
import type { Client } from '@temporalio/client';
import { endProcess, startProcess } from './fleet.js';

export const NAIVE_QUEUE = 'naive';

export interface NaiveConfig {
  address: string;
  namespace: string;
  /** Hosts to answer for; null: the process is the control worker. */
  hosts: string[] | null;
}

export interface Naive {
  /** Process id of its control worker. */
  control: number;
  /** Runs so far. */
  runs(): Promise<number>;
  /** Events of one run's history. */
  eventsPerRun(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts it: every host is checked every `everySeconds`, a second of the period each. */
export async function startNaive(client: Client, address: string, hosts: string[], everySeconds: number): Promise<Naive> {
  const { namespace } = client.options;
  const processes = await Promise.all([startProcess('naive-process.js', { address, namespace, hosts: null }), startProcess('naive-process.js', { address, namespace, hosts })]);
  const schedules = await Promise.all(hosts.map((host, at) => client.schedule.create({
    scheduleId: `naive/${host}`,
    spec: { intervals: [{ every: everySeconds * 1000, offset: Math.floor((at * everySeconds) / hosts.length) * 1000 }] },
    action: { type: 'startWorkflow', workflowType: 'naiveCheck', workflowId: `naive/${host}`, taskQueue: NAIVE_QUEUE, args: [host] },
  })));
  return {
    control: processes[0].pid!,
    runs: async () => (await client.workflow.count(`WorkflowType = 'naiveCheck'`)).count,
    async eventsPerRun() {
      for await (const { historyLength } of client.workflow.list({ query: `WorkflowType = 'naiveCheck' AND ExecutionStatus = 'Completed'` })) if (historyLength) return historyLength;
      throw new Error('the naive design: expected a run that completed, got none');
    },
    async stop() {
      await Promise.all(schedules.map((schedule) => schedule.delete()));
      await Promise.all(processes.map(endProcess));
    },
  };
}
