/** What a member of the namespace can write and run on a worker of their own: an order to any queue. */
import { proxyActivities } from '@temporalio/workflow';

export interface HostileOrder {
  queue: string;
  activity: string;
  args: unknown[];
}

/** Has an activity carried out by whoever polls a queue, once. */
export function giveOrder({ queue, activity, args }: HostileOrder): Promise<unknown> {
  const orders = proxyActivities<Record<string, (...args: unknown[]) => Promise<unknown>>>({ taskQueue: queue, startToCloseTimeout: '1 minute', heartbeatTimeout: '30 seconds', retry: { maximumAttempts: 1 } });
  return orders[activity]!(...args);
}
