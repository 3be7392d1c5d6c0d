/** The Temporal client, loaded only by commands that need it. */
import type { Client } from '@temporalio/client';
import { hostQueue } from '../../policy/names.js';
import type { Instance } from './instance.js';
import { couldNotTell } from './io.js';

const CONNECT_MS = 3_000;

/** Connects, gives the client to `use`, and closes the connection. No server within 3 s: could not tell (69). */
export async function withClient<T>(instance: Instance, use: (client: Client) => Promise<T>): Promise<T> {
  const { Client, Connection } = await import('@temporalio/client');
  if (instance.address === null) throw noServer('none configured and none running');
  const { address } = instance;
  const connect = () => Connection.connect({
    address,
    connectTimeout: CONNECT_MS,
    // Without the prefix the SDK's own option is ignored, and a long history would not fit into 4 MiB.
    channelArgs: { 'grpc.max_receive_message_length': 128 << 20 },
  });
  const began = Date.now();
  const connection = await connect().catch((error: unknown) => {
    // Only a process that was stopped meanwhile (^Z, a suspended laptop) waits so long: it asks again.
    if (Date.now() - began > 1.5 * CONNECT_MS) return connect();
    throw error;
  }).catch((error: unknown) => {
    throw noServer(`no answer at ${instance.address}: ${(error as Error).message}`);
  });
  try {
    return await use(new Client({ connection, namespace: instance.namespace }));
  } finally {
    await connection.close();
  }
}

function noServer(got: string): Error {
  return couldNotTell('the Temporal server', 'one that answers', got, 'runbook up starts one here; TEMPORAL_ADDRESS names another');
}

/** Refuses a host whose agent does not poll its queue: an unknown host would only wait. */
export async function requireAgent(client: Client, namespace: string, host: string): Promise<void> {
  const { pollers } = await client.withDeadline(Date.now() + 5_000, () =>
    client.workflowService.describeTaskQueue({ namespace, taskQueue: { name: hostQueue(host) }, taskQueueType: 2 }),
  );
  if (pollers && pollers.length > 0) return;
  throw couldNotTell(`host ${host}`, 'an agent that answers for it', 'none', `runbook host list; on ${host}: runbook agent`);
}

/** Refuses a server without a control worker: every run would only wait. */
export async function requireControlWorker(client: Client, namespace: string, queue: string): Promise<void> {
  const { pollers } = await client.withDeadline(Date.now() + 5_000, () =>
    client.workflowService.describeTaskQueue({ namespace, taskQueue: { name: queue }, taskQueueType: 1 }),
  );
  if (pollers && pollers.length > 0) return;
  throw couldNotTell('the control worker', `one that polls ${queue}`, 'none', 'runbook up, or runbook worker beside an existing server');
}
