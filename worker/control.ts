/** The control worker: workflows and the activities beside them, on one queue. */
import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import { CONTROL_QUEUE } from '../policy/names.js';

/** What a control worker runs with. */
export interface ControlWorkerConfig {
  connection: NativeConnection;
  namespace: string;
  /** File made by `bundle-workflows`. */
  bundlePath: string;
  /** Control activities by name. */
  activities: object;
  taskQueue?: string;
  /** Milliseconds the server waits for this very process before it gives a run to another; default 10 s, Temporal's own. A single machine sets it low, for it is what a restart after a crash costs. */
  stickyMs?: number;
  /** Runs kept in memory; one waiting run takes 364 kB, a decision with its plan some 600 kB. */
  maxCachedWorkflows?: number;
  /** Milliseconds activities in flight are given at stop before they are cancelled. */
  graceMs?: number;
  /** Called once it polls. */
  onReady?: () => void;
  /** Stops it. */
  signal: AbortSignal;
}

/** Options of the worker, apart from the process around it; tests add their own. */
export function controlWorkerOptions(config: Omit<ControlWorkerConfig, 'signal' | 'onReady'>): WorkerOptions {
  const options: WorkerOptions = {
    connection: config.connection,
    namespace: config.namespace,
    taskQueue: config.taskQueue ?? CONTROL_QUEUE,
    workflowBundle: { codePath: config.bundlePath },
    activities: config.activities,
    stickyQueueScheduleToStartTimeout: config.stickyMs ?? 10_000,
    maxCachedWorkflows: config.maxCachedWorkflows ?? 500,
    shutdownGraceTime: config.graceMs ?? 2_000,
    shutdownForceTime: (config.graceMs ?? 2_000) + 8_000,
  };
  // Not in the SDK's types. With its default of 5 s an activation that is slow under load aborts the whole Node process.
  return { ...options, isolateExecutionTimeout: '60s' } as WorkerOptions;
}

/** Runs until `signal` aborts, then ends what it has in hand and returns. Throws on a fatal error: end the process then. */
export async function runControlWorker(config: ControlWorkerConfig): Promise<void> {
  const worker = await Worker.create(controlWorkerOptions(config));
  await runUntilAborted([worker], config.signal, config.onReady);
}

/** Runs workers together until `signal` aborts or one of them fails. */
export async function runUntilAborted(workers: Worker[], signal: AbortSignal, onReady?: () => void): Promise<void> {
  const stop = (): void => workers.filter((w) => w.getState() === 'RUNNING').forEach((w) => w.shutdown());
  const runs = workers.map((worker) => worker.run());
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  else onReady?.();
  const results = await Promise.allSettled(runs.map((run) => run.catch((error: unknown) => { stop(); throw error; })));
  signal.removeEventListener('abort', stop);
  const failure = results.find((result) => result.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}
