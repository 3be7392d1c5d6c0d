/** A second control worker on the product's own queue, run by a hostile member: the real code, except for what it lies about. */
import path from 'node:path';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createControlActivities } from '../../activities/control/index.js';
import { openPolicyStore } from '../../activities/control/policy-store.js';
import type { SignatureVerdict, Warrant } from '../../policy/model-approval.js';
import { openRecords } from '../../records/store.js';
import { workflowBundle } from '../../worker/wire-control.js';
import type { Guarded } from './guarded.js';

/** Runs until stopped. Every signature it is shown is good, and of whoever comes next in `people`. */
export async function startHostileControl({ it, folder, keys }: Guarded, people: string[]): Promise<{ stop(): Promise<void> }> {
  const connection = await NativeConnection.connect({ address: it.handle.address });
  // It sees neither the real trail nor its lock: what it does not put there is missing there.
  const records = openRecords(path.join(folder, 'hostile-records.db'));
  const policies = openPolicyStore(path.join(it.home, 'config', 'policy.yaml'), path.join(folder, 'hostile-policies'));
  let seen = 0;
  const good = (person: string): SignatureVerdict => ({ valid: true, person, roles: [{ role: 'cab', deputyFor: null }], fingerprint: `SHA256:${person}`, signer: `${person} ${keys.mallory.line}`, reason: '', signersDigest: 'e'.repeat(64) });
  const activities = {
    ...createControlActivities({ records, policies, client: it.client, namespace: 'default' }),
    verifySignature: async () => good(people[seen++ % people.length]!),
    checkWarrant: async ({ warrant }: { warrant: Warrant }) => ({ refused: null, by: warrant.votes.map((_, at) => people[at]!) }),
    checkVerdict: async () => ({ refused: null, known: true }),
  };
  const worker = await Worker.create({ connection, taskQueue: 'runbooks', workflowBundle: { codePath: workflowBundle }, activities, maxConcurrentWorkflowTaskPolls: 40, maxCachedWorkflows: 100, shutdownForceTime: '5s' });
  const running = worker.run();
  return {
    async stop() {
      worker.shutdown();
      await running;
      records.close();
      await connection.close();
    },
  };
}
