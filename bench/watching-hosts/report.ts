/** What `watching-hosts` measured, as its report. Pure. */
import { figures, type Report } from '../lib.js';
import type { Use } from './measure.js';
import type { Told } from './silences.js';

/** A server notices a missed heartbeat by a timer of its own, and the record is looked for four times a second. */
const GRANULARITY_SECONDS = 5;

export interface Measured {
  /** Simulated agents, and the processes they are in. */
  count: number;
  processes: number;
  heartbeatSeconds: number;
  /** With nothing but the instance's own agent. */
  idle: Use;
  /** With all agents there, and nobody watching them: they wait for orders. */
  polling: Use;
  watching: Use;
  /** Events an hour in the histories of all that watch. */
  watchEvents: number;
  /** Hosts of the naive design, how often each is checked, and what that took. */
  naive: Use & { hosts: number; everySeconds: number; runs: number; eventsPerRun: number };
  /** Of the control worker, MiB: before, and with all watched. */
  memory: { before: number; after: number };
  /** From the first enrolment to the last check-in on record. */
  enrolSeconds: number;
  silences: Told[];
}

const percent = (value: number): string => `${value.toFixed(2)} %`;
const mib = (kib: number): string => `${(kib / 1024).toFixed(1)} MiB`;
const seconds = (values: number[]): string => (values.length === 0 ? 'never' : `${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)} s`);
const grown = ({ temporal, records }: Use): number => temporal + records;

/** What watching takes above agents that are there anyway, to take orders. */
const watchingTakes = ({ watching, polling }: Measured): number => watching.server + watching.control - polling.server - polling.control;
/** The naive design has a control worker of its own, all of which is its. */
const naiveTakes = ({ naive, idle }: Measured): number => naive.server + naive.control - idle.server;

export function reportOf(measured: Measured): Report {
  const { count, watching } = measured;
  return { title: `${count} hosts watched, over ${watching.seconds.toFixed(0)} s`, series: [], ratios: ratiosOf(measured), verdicts: verdictsOf(measured), notes: notesOf(measured) };
}

function ratiosOf(measured: Measured): Report['ratios'] {
  const { count, naive, watching, watchEvents } = measured;
  return [
    { name: `what it takes of server and control worker, naive / ${count} watched`, ratio: naiveTakes(measured) / watchingTakes(measured) },
    { name: `growth of the databases, naive / ${count} watched`, ratio: grown(naive) / grown(watching) },
    { name: `events of histories, naive / ${count} watched`, ratio: (naive.runs * 3600 * naive.eventsPerRun) / naive.seconds / watchEvents },
  ];
}

function verdictsOf(measured: Measured): Report['verdicts'] {
  const { count, watching, polling, naive, heartbeatSeconds, silences } = measured;
  const limit = heartbeatSeconds + GRANULARITY_SECONDS;
  return [
    { figure: `processor that watching ${count} hosts takes`, target: `less than the naive design (${percent(naiveTakes(measured))} of a core)`, got: `${percent(watchingTakes(measured))}: server ${percent(watching.server)}, control worker ${percent(watching.control)} (agents there and not watched: ${percent(polling.server)} and ${percent(polling.control)})`, met: watchingTakes(measured) < naiveTakes(measured) },
    { figure: `growth an hour, ${count} watched`, target: `less than a tenth of the naive design (${mib(grown(naive))})`, got: `${mib(watching.temporal)} of the server's database, ${mib(watching.records)} of the records`, met: grown(watching) < grown(naive) / 10 },
    ...silences.flatMap(({ how, hosts, silent, back, wrong }) => [
      { figure: `${how}, ${hosts} host${hosts === 1 ? '' : 's'}: on record`, target: `within ${limit} s`, got: seconds(silent), met: silent.length > 0 && Math.max(...silent) <= limit },
      { figure: `${how}: unreachable and back, once each`, target: 'every host', got: wrong.length === 0 ? `all; back after ${seconds(back)}` : `not ${wrong.slice(0, 5).join(', ')}${wrong.length > 5 ? ` and ${wrong.length - 5} more` : ''}; ${silent.length} silences and ${back.length} returns on record`, met: wrong.length === 0 },
    ]),
  ];
}

function notesOf({ count, processes, naive, watching, watchEvents, memory, enrolSeconds, silences, idle }: Measured): string[] {
  const naiveHour = (naive.runs / naive.seconds) * 3600;
  const all = silences.flatMap(({ silent }) => silent);
  return [
    `${count} agents in ${processes} processes; all were enrolled and had checked in after ${enrolSeconds.toFixed(0)} s; control worker ${memory.before.toFixed(0)} MiB before, ${memory.after.toFixed(0)} MiB then`,
    `watched: ${watchEvents.toFixed(0)} events an hour in all their histories; databases grew by ${mib(grown(watching))} an hour (nothing there: ${mib(grown(idle))}; server ${percent(idle.server)}, control worker ${percent(idle.control)})`,
    `naive: ${naive.hosts} hosts every ${naive.everySeconds} s are ${naiveHour.toFixed(0)} runs an hour (${count} hosts every 5 minutes: ${count * 12}), ${naive.eventsPerRun} events each; databases grew by ${mib(grown(naive))} an hour. Server ${percent(naive.server)}, its own control worker ${percent(naive.control)}; the polls of ${count} hosts are not in it`,
    ...(all.length > 0 ? [`silences in all: ${all.length} on record, median after ${figures(all).median.toFixed(1)} s`] : []),
  ];
}
