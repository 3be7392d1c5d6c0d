/** Everything the control worker's process is made of, put together in one place. */
import path from 'node:path';
import { Client } from '@temporalio/client';
import { Runtime } from '@temporalio/worker';
import { createControlActivities } from '../activities/control/index.js';
import { openPolicyStore } from '../activities/control/policy-store.js';
import { SEARCH_ATTRIBUTES } from '../policy/names.js';
import { openRecords } from '../records/store.js';
import type { ChildControl } from './child-process.js';
import { connectNative } from './connect.js';
import { runControlWorker } from './control.js';
import { installRuntime } from './log.js';
import { ensureReminders } from './reminders.js';
import { ensureSearchAttributes } from './server/namespace.js';

/** Configuration of the process, as JSON. */
export interface ControlProcessConfig {
  address: string;
  namespace: string;
  recordsDb: string;
  policyFile: string;
  policiesDir: string;
  stickyMs?: number;
  connectMs?: number;
}

/** The file `bundle-workflows` makes, in the output folder this code runs from. */
export const workflowBundle = path.resolve(import.meta.dirname, '../workflow-bundle.js');

/** Connects, opens records, runs until told to stop. */
export async function controlProcess(config: ControlProcessConfig, { signal, ready }: ChildControl): Promise<void> {
  installRuntime('control');
  const { address, namespace, recordsDb, policyFile, policiesDir, stickyMs, connectMs = 30_000 } = config;
  const connection = await connectNative(address, connectMs, signal);
  // Without them every run's first workflow task would fail and be tried again for ever.
  await ensureSearchAttributes(connection, namespace, SEARCH_ATTRIBUTES);
  // Over the native connection: the JavaScript one receives 4 MiB at most, less than a long history.
  const client = new Client({ connection, namespace });
  const records = openRecords(recordsDb);
  try {
    const activities = createControlActivities({ records, policies: openPolicyStore(policyFile, policiesDir), client, namespace });
    await ensureReminders(client, (problem) => Runtime.instance().logger.warn(problem));
    await runControlWorker({ connection, namespace, activities, bundlePath: workflowBundle, signal, onReady: () => ready({}), ...(stickyMs === undefined ? {} : { stickyMs }) });
  } finally {
    records.close();
    await connection.close();
  }
}
