/** What the parts of an instance use over a time: processor, and room in their databases. Linux only (it reads /proc). */
import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import Database from 'libsql';
import { hostWatchId } from '../../policy/ids.js';
import { cpuSeconds } from '../memory.js';

/** Processors in percent of a core; growth of the databases in KiB an hour. */
export interface Use {
  seconds: number;
  server: number;
  control: number;
  temporal: number;
  records: number;
}

/** KiB of the pages of a database that hold something, those still in its write-ahead log among them. */
export function usedKiB(file: string): number {
  const db = new Database(file, { readonly: true });
  try {
    const read = (name: string): number => Number((db.prepare(`PRAGMA ${name}`).get() as Record<string, unknown>)[name]);
    return ((read('page_count') - read('freelist_count')) * read('page_size')) / 1024;
  } finally {
    db.close();
  }
}

export interface UseInput {
  server: number;
  control: number;
  temporalDb: string;
  recordsDb: string;
  seconds: number;
}

/** Waits for so many seconds and says what was used meanwhile. */
export async function use({ server, control, temporalDb, recordsDb, seconds }: UseInput): Promise<Use> {
  const look = () => ({ at: performance.now(), server: cpuSeconds(server), control: cpuSeconds(control), temporal: usedKiB(temporalDb), records: usedKiB(recordsDb) });
  const before = look();
  await pause(seconds * 1000);
  const after = look();
  const elapsed = (after.at - before.at) / 1000;
  const share = (part: 'server' | 'control'): number => ((after[part] - before[part]) / elapsed) * 100;
  const hourly = (database: 'temporal' | 'records'): number => ((after[database] - before[database]) / elapsed) * 3600;
  return { seconds: elapsed, server: share('server'), control: share('control'), temporal: hourly('temporal'), records: hourly('records') };
}

/** Asked at a time. */
const AT_ONCE = 16;

/** Does it for all, some at a time. */
export async function forAll<T>(all: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
  const left = [...all];
  const some = async (): Promise<void> => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await act(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, some));
}

/** Events in the histories of the runs that watch these hosts, taken together. */
export async function watchEvents(client: Client, hosts: readonly string[]): Promise<number> {
  let events = 0;
  await forAll(hosts, async (host) => {
    const { historyLength } = await client.workflow.getHandle(hostWatchId(host)).describe();
    events += historyLength;
  });
  return events;
}
