/** What `waiting-decisions` measured, as its report. Pure. */
import { figures, showMs, type Report, type Series } from './lib.js';

/** Of a core, above what they use with nothing waiting. */
const CPU_MARGIN = 0.5;
/** Resident memory of the same Node process differs by a tenth from one time to the next; a thousand runs held would be three times as much. */
const MEMORY_MARGIN = 1.2;
/** A person waits for it. */
const INBOX_MS = 2_000;

/** Processors in percent of a core; what the databases grew by in KiB. */
export interface Rest {
  server: number;
  control: number;
  temporal: number;
  records: number;
}

/** One vote that was counted: to its answer, of it the worker's judging of the signature, and what it added to the history. */
export interface VoteCost {
  ms: number;
  verifyMs: number;
  events: number;
  bytes: number;
}

/** Milliseconds from when a change was entitled to begin to its lease, and to its first proof. */
export interface Changes {
  /** It asks nobody: from its plan. */
  unasked: Record<'lease' | 'arm', number[]>;
  /** It waits for a vote: from the vote's acceptance, and (to the lease) from its answer. */
  asked: Record<'lease' | 'arm' | 'answered', number[]>;
}

export interface Measured {
  count: number;
  seconds: number;
  /** Runs the control worker keeps in memory. */
  cache: number;
  /** With nothing waiting, and with all. */
  idle: Rest;
  waiting: Rest;
  /** Of the control worker, MiB, by how many wait. */
  levels: { waiting: number; now: number; peak: number }[];
  /** Of a control worker just started, MiB: with nothing waiting, and with all. */
  fresh: number;
  anew: number;
  /** What all of them together took, KiB. */
  stored: { temporal: number; records: number };
  /** With nothing waiting, and with all. */
  alone: Changes;
  beside: Changes;
  inbox: Record<'empty' | 'full', number[]>;
  /** Votes on decisions that are in the worker's memory, and on such that it reads again. */
  votes: Record<'warm' | 'cold', VoteCost[]>;
}

const median = (values: number[]): number => figures(values).median;
const mib = (value: number): string => `${value.toFixed(0)} MiB`;
const percent = (value: number): string => `${value.toFixed(2)} %`;

export function reportOf(measured: Measured): Report {
  const { count, seconds } = measured;
  return { title: `${count} decisions waiting, over ${seconds} s`, series: seriesOf(measured), ratios: ratiosOf(measured), verdicts: verdictsOf(measured), notes: notesOf(measured) };
}

function seriesOf({ count, alone, beside, inbox, votes }: Measured): Series[] {
  const changes = ({ unasked, asked }: Changes, suffix: string): Series[] => [
    { name: `nobody asked: plan to lease${suffix}`, values: unasked.lease },
    { name: `nobody asked: plan to first proof${suffix}`, values: unasked.arm },
    { name: `deciding vote accepted to lease${suffix}`, values: asked.lease },
    { name: `deciding vote accepted to first proof${suffix}`, values: asked.arm },
    { name: `deciding vote answered to lease${suffix}`, values: asked.answered },
  ];
  return [
    ...changes(alone, ''),
    ...changes(beside, `, ${count} waiting`),
    { name: 'runbook inbox', values: inbox.empty },
    { name: `runbook inbox, ${count} waiting`, values: inbox.full },
    { name: 'a vote, decision in memory', values: votes.warm.map(({ ms }) => ms) },
    { name: 'a vote, decision read again', values: votes.cold.map(({ ms }) => ms) },
    { name: 'of it judging the signature', values: [...votes.warm, ...votes.cold].map(({ verifyMs }) => verifyMs) },
  ];
}

function ratiosOf({ count, idle, waiting, levels, fresh, anew, alone, beside, inbox, votes }: Measured): Report['ratios'] {
  const ratio = (name: string, above: number, below: number): Report['ratios'][number] => ({ name, ratio: above / below });
  const all = levels.at(-1)!.now;
  const growth = levels.filter(({ waiting: at }) => at > 0 && at < count).map(({ waiting: at, now }) => ratio(`control worker's memory, ${count} waiting / ${at}`, all, now));
  const begins = ({ unasked, asked }: Changes, suffix: string): Report['ratios'] => [
    ratio(`to the lease, from the deciding vote / from the plan where nobody is asked${suffix}`, median(asked.lease), median(unasked.lease)),
    ratio(`to the first proof, from the deciding vote / from the plan where nobody is asked${suffix}`, median(asked.arm), median(unasked.arm)),
  ];
  return [
    ratio(`server's processor, ${count} waiting / none`, waiting.server, idle.server),
    ratio(`control worker's processor, ${count} waiting / none`, waiting.control, idle.control),
    ...growth,
    ratio(`control worker's memory, started anew, ${count} waiting / none`, anew, fresh),
    ...begins(alone, ''),
    ...begins(beside, `, ${count} waiting`),
    ratio(`runbook inbox, ${count} waiting / none`, median(inbox.full), median(inbox.empty)),
    ratio('a vote, decision read again / in memory', median(votes.cold.map(({ ms }) => ms)), median(votes.warm.map(({ ms }) => ms))),
  ];
}

function verdictsOf({ count, cache, idle, waiting, levels, fresh, anew, inbox }: Measured): Report['verdicts'] {
  const processor = (what: string, name: 'server' | 'control'): Report['verdicts'][number] =>
    ({ figure: `${what}'s processor, ${count} waiting`, target: `within ${CPU_MARGIN} % of a core of none waiting`, got: `${percent(waiting[name])} against ${percent(idle[name])}`, met: waiting[name] - idle[name] < CPU_MARGIN });
  const full = levels.find(({ waiting: at }) => at === cache);
  return [
    processor('server', 'server'),
    processor('control worker', 'control'),
    ...(full && count > cache ? [{ figure: `control worker's memory, ${count} waiting`, target: `under ${MEMORY_MARGIN} times that with ${cache}, all it keeps`, got: `${mib(levels.at(-1)!.now)} against ${mib(full.now)}`, met: levels.at(-1)!.now < full.now * MEMORY_MARGIN }] : []),
    { figure: `control worker's memory, started anew, ${count} waiting`, target: `under ${MEMORY_MARGIN} times that with none`, got: `${mib(anew)} against ${mib(fresh)}`, met: anew < fresh * MEMORY_MARGIN },
    { figure: `runbook inbox, ${count} waiting`, target: `under ${showMs(INBOX_MS)}`, got: showMs(median(inbox.full)), met: median(inbox.full) < INBOX_MS },
  ];
}

function notesOf({ count, seconds, cache, levels, stored, idle, waiting, votes }: Measured): string[] {
  const each = (kib: number): string => `${(kib / count).toFixed(1)} KiB`;
  const grew = ({ temporal, records }: Rest): string => `${temporal.toFixed(0)} and ${records.toFixed(0)} KiB`;
  const [vote] = votes.cold;
  return [
    `control worker: ${levels.map((level) => `${level.waiting} waiting ${mib(level.now)} (highest ${mib(level.peak)})`).join(', ')}; it keeps at most ${cache} runs`,
    `a waiting decision takes ${each(stored.temporal)} of the server's database and ${each(stored.records)} of the records; both grew in ${seconds} s by ${grew(waiting)} (none waiting: ${grew(idle)})`,
    ...(vote ? [`a vote adds ${vote.events} events, ${(vote.bytes / 1024).toFixed(1)} KiB, to the history of its decision`] : []),
  ];
}
