/** Watching a host: the one long run that waits for its agent's news. */
import type { Client } from '@temporalio/client';
import { hostWatchId } from '../policy/ids.js';
import { CONTROL_QUEUE } from '../policy/names.js';
import type { hostWatch } from '../workflows/host-watch.js';

/** Starts it, or finds it running. `heartbeatMs`: silence after which the host is unreachable; default 60 s. */
export async function enrolHost(client: Client, host: string, options: { heartbeatMs?: number } = {}): Promise<void> {
  await client.workflow.start<typeof hostWatch>('hostWatch', {
    workflowId: hostWatchId(host),
    taskQueue: CONTROL_QUEUE,
    args: [{ host, cursor: 0, rules: null, ...options }],
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: `news of ${host}`,
  });
}
