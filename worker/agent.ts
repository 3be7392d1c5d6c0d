/** A host's agent: an activity worker that acts only on its own machine and only connects outward. */
import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import { hostEventsQueue, hostQueue } from '../policy/names.js';
import { runUntilAborted } from './control.js';

/** What an agent runs with. */
export interface AgentConfig {
  connection: NativeConnection;
  namespace: string;
  host: string;
  /** Host activities by name. */
  activities: { nextEvent(...args: never[]): Promise<unknown> };
  /** Orders worked on at once. */
  slots?: number;
  /** Running as root is refused without it: a root agent can change every project on the machine. */
  allowRoot: boolean;
  /** Milliseconds activities in flight are given at stop before they are cancelled. */
  graceMs?: number;
  onReady?: () => void;
  signal: AbortSignal;
}

/** Refuses root unless it was allowed. Throws before anything is started. */
export function assertUserAllowed(allowRoot: boolean): void {
  if (process.geteuid?.() !== 0 || allowRoot) return;
  throw new Error('The agent: expected an ordinary user, got root; a root agent can change every project on this machine. Start it as the owner of the projects, or pass --allow-root.');
}

function shared(config: AgentConfig): WorkerOptions {
  return {
    connection: config.connection,
    namespace: config.namespace,
    taskQueue: hostQueue(config.host),
    identity: `agent@${config.host}`,
    // A cancellation reaches an activity only with a heartbeat that is sent; these bound how long that takes.
    defaultHeartbeatThrottleInterval: '1s',
    maxHeartbeatThrottleInterval: '5s',
    shutdownForceTime: (config.graceMs ?? 2_000) + 8_000,
  };
}

/** Options of the two workers: orders, and the one pending question for news. */
export function agentWorkerOptions(config: AgentConfig): [orders: WorkerOptions, events: WorkerOptions] {
  const { nextEvent, ...orders } = config.activities;
  return [
    { ...shared(config), activities: orders, maxConcurrentActivityTaskExecutions: config.slots ?? 4, activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 1 }, shutdownGraceTime: config.graceMs ?? 2_000 },
    // One question that waits for hours, its heartbeat timeout a minute: thousands of hosts need not say every 5 s that they are there.
    { ...shared(config), maxHeartbeatThrottleInterval: '20s', taskQueue: hostEventsQueue(config.host), activities: { nextEvent }, maxConcurrentActivityTaskExecutions: 1, activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 1 }, shutdownGraceTime: 0 },
  ];
}

/** Runs until `signal` aborts, then lets orders in flight end and returns. Throws on a fatal error: end the process then. */
export async function runAgent(config: AgentConfig): Promise<void> {
  assertUserAllowed(config.allowRoot);
  // What it writes is for the service's user to read: never the umask of whoever started it.
  process.umask(0o022);
  const workers = await Promise.all(agentWorkerOptions(config).map((options) => Worker.create(options)));
  await runUntilAborted(workers, config.signal, config.onReady);
}
