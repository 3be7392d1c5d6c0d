/**
 * Process of simulated agents, each with the two workers a real one has: for orders, and for the one question for news.
 * Argument: a `FleetConfig` as JSON. Says `ready` over its channel once all of them poll, and ends with whoever started it.
 */
import { NativeConnection, Worker } from '@temporalio/worker';
import { agentWorkerOptions } from '../../worker/agent.js';
import { installRuntime } from '../../worker/log.js';
import type { FleetConfig } from './fleet.js';
import { SimulatedAgent } from './simulated-agent.js';

const { address, namespace, hosts } = JSON.parse(process.argv[2]!) as FleetConfig;
process.once('disconnect', () => process.exit(0));
installRuntime('fleet', 'ERROR', process.stderr);
const connection = await NativeConnection.connect({ address });
const { signal } = new AbortController();
const runs: Promise<void>[] = [];
for (const [at, host] of hosts.entries()) {
  const { nextEvent } = new SimulatedAgent(host, (at + 0.5) / hosts.length);
  const activities = { nextEvent, ping: async () => ({ agentVersion: 'simulated' }) };
  for (const options of agentWorkerOptions({ connection, namespace, host, activities, allowRoot: true, signal })) runs.push((await Worker.create(options)).run());
}
process.send!('ready');
await Promise.all(runs);
