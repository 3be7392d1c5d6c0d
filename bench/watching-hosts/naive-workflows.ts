/** What it would be without `hostWatch`: a run for every check of every host, as small as one can be. */
import { proxyActivities } from '@temporalio/workflow';

export interface NaiveActivities {
  lightCheck(): Promise<{ state: string; environments: number }>;
}

/** Asks the host once; nothing is put on record. */
export async function naiveCheck(host: string): Promise<string> {
  const { lightCheck } = proxyActivities<NaiveActivities>({ taskQueue: `naive.${host}`, startToCloseTimeout: '30 seconds' });
  return (await lightCheck()).state;
}
