/**
 * A thousand simulated agents that watch themselves: what their watching costs server, control worker and disk, beside the naive design (a
 * run for every check), and how soon and how often the silence of an agent comes on record. Linux only (it reads /proc).
 *   node dist/bench/watching-hosts.js [--count 1000] [--processes 4] [--naive-hosts 50] [--seconds 240] [--json]
 */
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { openRecordsReadOnly } from '../records/store.js';
import { enrolHost } from '../worker/enrol.js';
import { splitAddress } from '../worker/server/ports.js';
import { finish, readFlags, tell } from './lib.js';
import { memory } from './memory.js';
import { workFolder } from './project.js';
import { findPython, findUv, fullVersion } from './pythons.js';
import { startStack } from './stack.js';
import { startFleet, type Fleet } from './watching-hosts/fleet.js';
import { forAll, use, watchEvents, type Use } from './watching-hosts/measure.js';
import { startNaive } from './watching-hosts/naive.js';
import { reportOf, type Measured } from './watching-hosts/report.js';
import { HEARTBEAT_SECONDS, silences, type Victim } from './watching-hosts/silences.js';
import { layWire } from './watching-hosts/tcp-proxy.js';

/** How often hosts are checked. */
const CHECK_SECONDS = 300;
/** After work of its own a process collects its garbage, and the server writes its log into its database. */
const SETTLE_MS = 20_000;
/** What came with a thousand check-ins is done, and the server has put away what nobody asked for since. */
const ENROLLED_MS = 90_000;
/** A client that was cut off dials again with growing pauses. */
const BACK_SECONDS = 60;

const flags = readFlags(['count', 'processes', 'naive-hosts', 'seconds']);
const number = (name: string, otherwise: number): number => Number(flags.values[name] ?? otherwise);
const [count, processes, naiveHosts, seconds] = [number('count', 1000), number('processes', 4), number('naive-hosts', 50), number('seconds', 240)];

const work = workFolder('watching');
const stack = await startStack({ folder: work.folder, roots: [work.folder], primary: await fullVersion(await findPython('3.12')), fallback: await fullVersion(await findPython('3.11')), uv: await findUv() });
const { address, namespace } = stack.current;
const connection = await Connection.connect({ address });
const client = new Client({ connection, namespace });
const wire = await layWire(splitAddress(address).port);
const fleets: Fleet[] = [];

const start = async (hosts: string[], at = address): Promise<Fleet> => {
  const fleet = await startFleet({ address: at, namespace, hosts });
  fleets.push(fleet);
  return fleet;
};

/** Of the instance's own parts, `control` by another process id where it is another one. */
async function used(what: string, control = stack.now().children.control): Promise<Use> {
  await pause(SETTLE_MS);
  const found = await use({ server: stack.current.children.server!, control, temporalDb: path.join(stack.paths.serverDir, 'temporal.db'), recordsDb: stack.paths.recordsDb, seconds });
  tell(`  ${what}: server ${found.server.toFixed(2)} % of a core, control worker ${found.control.toFixed(2)} %, databases ${((found.temporal + found.records) / 1024).toFixed(1)} MiB an hour`);
  return found;
}

/** As many runs an hour as `count` hosts would have, by fewer hosts that are checked more often. */
async function naive(): Promise<Measured['naive']> {
  const everySeconds = (CHECK_SECONDS * naiveHosts) / count;
  const hosts = Array.from({ length: naiveHosts }, (_, at) => `naive-${at}`);
  const it = await startNaive(client, address, hosts, everySeconds);
  try {
    await pause(SETTLE_MS);
    const before = await it.runs();
    const [begun, found] = [performance.now(), await used('naive', it.control)];
    const runs = ((await it.runs()) - before) * (found.seconds / ((performance.now() - begun) / 1000));
    return { ...found, hosts: naiveHosts, everySeconds, runs, eventsPerRun: await it.eventsPerRun() };
  } finally {
    await it.stop();
  }
}

/** Hosts that have checked in. */
function checkedIn(): number {
  const records = openRecordsReadOnly(stack.paths.recordsDb);
  try {
    return new Set(records.entriesByEvent('check-in').map(({ entry }) => entry.host)).size;
  } finally {
    records.close();
  }
}

/** All agents: three alone in a process, one of them behind the wire, the others in a few. */
async function startAll(): Promise<{ crowd: Fleet[]; alone: Record<'killed' | 'stopped' | 'cut', Fleet> }> {
  const hosts = Array.from({ length: count - 3 }, (_, at) => `sim-${String(at).padStart(4, '0')}`);
  const each = Math.ceil(hosts.length / processes);
  const alone = { killed: await start(['sim-killed']), stopped: await start(['sim-stopped']), cut: await start(['sim-cut'], wire.address) };
  const crowd: Fleet[] = [];
  for (let from = 0; from < hosts.length; from += each) crowd.push(await start(hosts.slice(from, from + each)));
  return { crowd, alone };
}

async function enrolAll(): Promise<number> {
  const hosts = fleets.flatMap((fleet) => fleet.hosts);
  const [begun, before] = [performance.now(), checkedIn()];
  await forAll(hosts, (host) => enrolHost(client, host));
  while (checkedIn() < before + hosts.length) await pause(250);
  return (performance.now() - begun) / 1000;
}

/** Each way of falling silent by an agent alone, and one by all the agents of a process. */
function victims({ crowd, alone: { killed, stopped, cut } }: Awaited<ReturnType<typeof startAll>>): Victim[] {
  const anew = ({ hosts }: Fleet) => async (): Promise<void> => void (await start(hosts));
  const kill = (how: string, fleet: Fleet): Victim => ({ how, hosts: fleet.hosts, silence: () => fleet.signal('SIGKILL'), letBack: anew(fleet) });
  return [
    kill('killed', killed),
    { how: 'stopped', hosts: stopped.hosts, silence: () => stopped.signal('SIGSTOP'), letBack: async () => stopped.signal('SIGCONT') },
    { how: 'cut off', hosts: cut.hosts, silence: () => wire.cut(), letBack: async () => wire.mend() },
    kill('a process of many killed', crowd.at(-1)!),
  ];
}

async function measure(): Promise<Measured> {
  const idle = await used('idle');
  const byRuns = await naive();
  const before = memory(stack.now().children.control).now;
  const agents = await startAll();
  const polling = await used(`${count} there, not watched`);
  const enrolSeconds = await enrolAll();
  tell(`  ${count} enrolled, and checked in, after ${enrolSeconds.toFixed(0)} s`);
  await pause(ENROLLED_MS);
  const hosts = fleets.flatMap((fleet) => fleet.hosts);
  const [eventsBefore, begun] = [await watchEvents(client, hosts), performance.now()];
  const watching = await used(`${count} watched`);
  const events = ((await watchEvents(client, hosts)) - eventsBefore) / ((performance.now() - begun) / 3_600_000);
  const after = memory(stack.now().children.control).now;
  const told = await silences(stack.paths.recordsDb, victims(agents), BACK_SECONDS);
  return { count, processes, heartbeatSeconds: HEARTBEAT_SECONDS, idle, polling, watching, watchEvents: events, naive: byRuns, memory: { before, after }, enrolSeconds, silences: told };
}

try {
  finish(reportOf(await measure()), flags);
} finally {
  for (const fleet of fleets) await fleet.stop();
  await wire.close();
  await connection.close();
  await stack.stop();
  work.remove();
}
