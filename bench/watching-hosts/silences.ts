/** Agents that fall silent, and when that comes on record. */
import { setTimeout as pause } from 'node:timers/promises';
import type { AuditEvent } from '../../policy/records.js';
import { openRecordsReadOnly } from '../../records/store.js';

/** The heartbeat of a watch. */
export const HEARTBEAT_SECONDS = 60;
/** Looked at this often; what comes on record between two looks counts from the later one. */
const LOOK_MS = 250;

/** A host whose agent is made silent, and let back. */
export interface Victim {
  how: string;
  hosts: string[];
  silence(): void;
  letBack(): Promise<void>;
}

/** One way of falling silent: hosts of it, and seconds from the silence or the return to each record of it. */
export interface Told {
  how: string;
  hosts: number;
  silent: number[];
  back: number[];
  /** Hosts for which it did not stand on record exactly once. */
  wrong: string[];
}

/** By host, how often an event stands on record. */
function counts(recordsDb: string, event: AuditEvent): Map<string, number> {
  const records = openRecordsReadOnly(recordsDb);
  try {
    const found = new Map<string, number>();
    for (const { entry } of records.entriesByEvent(event)) found.set(entry.host, (found.get(entry.host) ?? 0) + 1);
    return found;
  } finally {
    records.close();
  }
}

/** Seconds after which each record of `event` about these hosts came, looked for until `seconds` are over. */
async function arrivals(recordsDb: string, event: AuditEvent, hosts: readonly string[], seconds: number): Promise<Map<string, number[]>> {
  const begun = performance.now();
  const before = counts(recordsDb, event);
  const seen = new Map<string, number[]>(hosts.map((host) => [host, []]));
  for (let elapsed = 0; elapsed < seconds; elapsed = (performance.now() - begun) / 1000) {
    await pause(LOOK_MS);
    const now = counts(recordsDb, event);
    for (const [host, times] of seen) while (times.length < (now.get(host) ?? 0) - (before.get(host) ?? 0)) times.push((performance.now() - begun) / 1000);
  }
  return seen;
}

/** Silences all at once, waits for two heartbeats and more, so that a second record of the same silence would be seen, and lets them back. */
export async function silences(recordsDb: string, victims: Victim[], backWithin: number): Promise<Told[]> {
  const hosts = victims.flatMap((victim) => victim.hosts);
  for (const { silence } of victims) silence();
  const silent = await arrivals(recordsDb, 'host-unreachable', hosts, HEARTBEAT_SECONDS * 2 + 15);
  const returned = arrivals(recordsDb, 'host-back', hosts, backWithin);
  await Promise.all(victims.map(({ letBack }) => letBack()));
  const back = await returned;
  return victims.map(({ how, hosts: own }) => ({
    how,
    hosts: own.length,
    silent: own.flatMap((host) => silent.get(host)!),
    back: own.flatMap((host) => back.get(host)!),
    wrong: own.filter((host) => silent.get(host)!.length !== 1 || back.get(host)!.length !== 1),
  }));
}
