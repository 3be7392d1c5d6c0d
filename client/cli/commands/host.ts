import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import type { HostKey } from '../../../policy/host-keys.js';
import { hostQueue } from '../../../policy/names.js';
import { enrolHost } from '../../../worker/enrol.js';
import { acceptKey, keyOnceTold, knownKey, type AcceptOptions } from '../host-keys.js';
import { findInstance, type Instance } from '../instance.js';
import { refusal, table, type Io } from '../io.js';
import { withClient } from '../temporal.js';
import { hostInterpretersCommand } from './host-interpreters.js';

/** `runbook host list|accept|interpreters`. */
export function hostCommand(program: Command, io: Io): void {
  const host = program.command('host');
  hostInterpretersCommand(host, io);
  host
    .command('list')
    .description('enrolled hosts, and whether their agents answer')
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean }) => {
      const instance = findInstance();
      const hosts = await withClient(instance, (client) => listHosts(client, instance));
      if (options.json) return io.out(JSON.stringify(hosts, null, 2));
      for (const line of table(['HOST', 'AGENT', 'KEY', 'WATCHED SINCE'], hosts.map((h) => [h.host, h.agents > 0 ? 'answers' : 'silent', KEY_WORDS[h.key.state], h.since]))) io.out(line);
    });
  host
    .command('accept <name>')
    .description('enrol a host: its agent\'s news are watched from now on, and what it signs with its key is believed')
    .option('--fingerprint <sha256>', 'the key\'s, as ssh-keygen -lf shows it on the host: accepts it without a question')
    .option('--reason <text>', 'why; it stands in the record')
    .addHelpText('after', '\nExample:\n  runbook host accept web-01 --fingerprint SHA256:tT6U…')
    .action(async (name: string, options: AcceptOptions) => {
      if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) throw refusal([{ what: `host ${JSON.stringify(name)}`, expected: 'a host name', got: name, wayOut: 'the agent prints its name when it starts' }]);
      const instance = findInstance();
      process.exitCode = await withClient(instance, async (client) => {
        await enrolHost(client, name);
        io.out(`${name} is watched`);
        return acceptKey(io, client, instance, name, await keyOnceTold(instance, name), options);
      });
    });
}

const KEY_WORDS: Record<HostKey['state'], string> = { accepted: 'accepted', 'not accepted': 'not accepted', changed: 'CHANGED', none: 'none told' };

interface ListedHost {
  host: string;
  agents: number;
  key: HostKey;
  since: string;
}

async function listHosts(client: Client, instance: Instance): Promise<ListedHost[]> {
  const hosts: ListedHost[] = [];
  for await (const run of client.workflow.list({ query: `WorkflowType='hostWatch' AND ExecutionStatus='Running'` })) {
    const host = run.workflowId.replace(/^watch\//, '');
    const { pollers } = await client.workflowService.describeTaskQueue({ namespace: instance.namespace, taskQueue: { name: hostQueue(host) }, taskQueueType: 2 });
    hosts.push({ host, agents: pollers?.length ?? 0, key: knownKey(instance, host), since: run.startTime.toISOString() });
  }
  return hosts.sort((a, b) => a.host.localeCompare(b.host));
}
