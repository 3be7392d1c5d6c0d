import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import { hostWatchId } from '../../../policy/ids.js';
import { CONTROL_QUEUE, hostQueue } from '../../../policy/names.js';
import { findInstance } from '../instance.js';
import { EXIT, refusal, table, type Io } from '../io.js';
import { withClient } from '../temporal.js';

/** `runbook host list|accept`. */
export function hostCommand(program: Command, io: Io): void {
  const host = program.command('host');
  host
    .command('list')
    .description('enrolled hosts, and whether their agents answer')
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean }) => {
      const instance = findInstance();
      const hosts = await withClient(instance, (client) => listHosts(client, instance.namespace));
      if (options.json) return io.out(JSON.stringify(hosts, null, 2));
      for (const line of table(['HOST', 'AGENT', 'WATCHED SINCE'], hosts.map((h) => [h.host, h.agents > 0 ? 'answers' : 'silent', h.since]))) io.out(line);
    });
  host
    .command('accept <name>')
    .description('enrol a host: its agent\'s news are watched from now on')
    .action(async (name: string) => {
      if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) throw refusal([{ what: `host ${JSON.stringify(name)}`, expected: 'a host name', got: name, wayOut: 'the agent prints its name when it starts' }]);
      const instance = findInstance();
      await withClient(instance, (client) => acceptHost(client, name));
      io.out(`${name} is watched`);
      process.exitCode = EXIT.yes;
    });
}

/** Starts the host's one long run, or finds it running. */
export async function acceptHost(client: Client, host: string): Promise<void> {
  await client.workflow.start('hostWatch', {
    workflowId: hostWatchId(host),
    taskQueue: CONTROL_QUEUE,
    args: [{ host, cursor: 0 }],
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: `news of ${host}`,
  });
}

async function listHosts(client: Client, namespace: string): Promise<{ host: string; agents: number; since: string }[]> {
  const hosts: { host: string; agents: number; since: string }[] = [];
  for await (const run of client.workflow.list({ query: `WorkflowType='hostWatch' AND ExecutionStatus='Running'` })) {
    const host = run.workflowId.replace(/^watch\//, '');
    const { pollers } = await client.workflowService.describeTaskQueue({ namespace, taskQueue: { name: hostQueue(host) }, taskQueueType: 2 });
    hosts.push({ host, agents: pollers?.length ?? 0, since: run.startTime.toISOString() });
  }
  return hosts.sort((a, b) => a.host.localeCompare(b.host));
}
