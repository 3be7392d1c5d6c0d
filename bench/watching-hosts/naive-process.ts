/** Processes of the naive design: its control worker, and its hosts. Argument: a `NaiveConfig` as JSON. Ends with whoever started it. */
import path from 'node:path';
import { NativeConnection, Worker } from '@temporalio/worker';
import { bundleIfChanged } from '../../worker/bundle.js';
import { controlWorkerOptions } from '../../worker/control.js';
import { installRuntime } from '../../worker/log.js';
import { NAIVE_QUEUE, type NaiveConfig } from './naive.js';
import type { NaiveActivities } from './naive-workflows.js';

const { address, namespace, hosts } = JSON.parse(process.argv[2]!) as NaiveConfig;
process.once('disconnect', () => process.exit(0));
installRuntime('naive', 'ERROR', process.stderr);
const connection = await NativeConnection.connect({ address });

async function control(): Promise<Worker> {
  const workflowsPath = path.join(import.meta.dirname, 'naive-workflows.js');
  const bundlePath = path.join(import.meta.dirname, '../../.bundles/naive-workflows.js');
  await bundleIfChanged({ workflowsPath, inputs: [workflowsPath], outFile: bundlePath });
  return Worker.create(controlWorkerOptions({ connection, namespace, bundlePath, activities: {}, taskQueue: NAIVE_QUEUE }));
}

const activities: NaiveActivities = { lightCheck: async () => ({ state: 'GOOD', environments: 2 }) };
const host = (name: string): Promise<Worker> => Worker.create({ connection, namespace, taskQueue: `naive.${name}`, activities, activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 2 } });

const workers = hosts === null ? [await control()] : await Promise.all(hosts.map(host));
const runs = workers.map((worker) => worker.run());
process.send!('ready');
await Promise.all(runs);
