/**
 * A thousand decisions that wait: what they cost server, control worker and disk meanwhile, how long `runbook inbox` takes, what one
 * vote costs, and how soon a change begins after the deciding one. Linux only (it reads /proc).
 *   node dist/bench/waiting-decisions.js [--count 1000] [--seconds 120] [--runs 3] [--json]
 */
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import type { DecisionRequest } from '../policy/model-approval.js';
import { controlWorkerOptions } from '../worker/control.js';
import { changeAsked, changeUnasked, planned, type ChangeInput } from './asked-change.js';
import { makeBoard, requestOf, startDecisions, voteOn } from './board.js';
import { finish, readFlags, showMs, tell } from './lib.js';
import { cpuSeconds, databaseKiB, memory } from './memory.js';
import { makeProject, workFolder } from './project.js';
import { findPython, findUv, fullVersion } from './pythons.js';
import { startStack } from './stack.js';
import { reportOf, type Changes, type Measured, type Rest } from './waiting-report.js';

/** After work of its own a process collects its garbage, and the server writes its log into its database. */
const SETTLE_MS = 15_000;
/** The server's language collects its garbage every two minutes: a shorter look would see it or not. */
const SECONDS = 120;
/** Decisions voted on in memory, and as many that are not. */
const VOTES = 20;

const flags = readFlags(['count', 'seconds']);
const count = Number(flags.values['count'] ?? 1000);
const seconds = Number(flags.values['seconds'] ?? SECONDS);
const cache = controlWorkerOptions({ connection: null as never, namespace: '', bundlePath: '', activities: {} }).maxCachedWorkflows!;

const uv = await findUv();
const primary = await findPython('3.12');
const fallback = await fullVersion(await findPython('3.11'));
const work = workFolder('waiting');
const project = path.join(work.folder, 'projects/ours');
await makeProject(project, primary, uv);
const board = await makeBoard(path.join(work.folder, 'keys'));
const stack = await startStack({ folder: work.folder, roots: [path.dirname(project)], primary: await fullVersion(primary), fallback, uv, policy: board.policy });
const connection = await Connection.connect({ address: stack.current.address });
const client = new Client({ connection, namespace: stack.current.namespace });
const input: ChangeInput = { stack, client, board, project, to: fallback };

const controlPid = (): number => stack.now().children.control;
const databases = () => ({ temporal: databaseKiB(path.join(stack.paths.serverDir, 'temporal.db')), records: databaseKiB(stack.paths.recordsDb) });
const grown = (before: ReturnType<typeof databases>) => ({ temporal: databases().temporal - before.temporal, records: databases().records - before.records });

/** What is used while nothing is done. */
async function atRest(what: string): Promise<Rest> {
  const [server, control, stored, begun] = [stack.current.children.server!, controlPid(), databases(), performance.now()];
  const before = [cpuSeconds(server), cpuSeconds(control)] as const;
  await pause(seconds * 1000);
  const share = (used: number): number => (used / ((performance.now() - begun) / 1000)) * 100;
  const rest = { server: share(cpuSeconds(server) - before[0]), control: share(cpuSeconds(control) - before[1]), ...grown(stored) };
  tell(`  ${what}: server ${rest.server.toFixed(2)} % of a core, control worker ${rest.control.toFixed(2)} %`);
  return rest;
}

/** Of a control worker that was ended and started again by its supervisor. */
async function memoryAnew(): Promise<number> {
  const old = controlPid();
  process.kill(old, 'SIGKILL');
  while (controlPid() === old) await pause(100);
  await pause(SETTLE_MS);
  return memory(controlPid()).now;
}

/** Wall times of the command; one before them is not counted. */
async function inbox(): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round <= flags.runs; round++) times.push((await stack.cli(['inbox', '--key', board.keyFile('alice')])).ms);
  return times.slice(1);
}

/** Changes that ask nobody and changes that ask, in turns. */
async function changes(): Promise<Changes> {
  const { unasked, asked }: Changes = { unasked: { lease: [], arm: [] }, asked: { lease: [], arm: [], answered: [] } };
  for (let round = 0; round < flags.runs; round++) {
    const free = await changeUnasked(input);
    unasked.lease.push(free.lease - free.planned);
    unasked.arm.push(free.arm - free.planned);
    const { accepted, answered, lease, arm } = await changeAsked(input);
    asked.lease.push(lease - accepted);
    asked.arm.push(arm - accepted);
    asked.answered.push(lease - answered);
    tell(`  round ${round + 1} of ${flags.runs}: lease ${showMs(lease - accepted)} after the vote; where nobody is asked, ${showMs(free.lease - free.planned)} after the plan`);
  }
  return { unasked, asked };
}

/** Starts them in three strides: a hundred, as many as the worker keeps in memory, all. */
async function startAll(requests: DecisionRequest[]): Promise<Pick<Measured, 'levels' | 'stored'>> {
  await pause(SETTLE_MS);
  const before = databases();
  const levels = [{ waiting: 0, ...memory(controlPid()) }];
  for (const level of [...[100, cache].filter((one) => one < count), count]) {
    await startDecisions(client, requests.slice(levels.at(-1)!.waiting, level));
    await pause(SETTLE_MS);
    levels.push({ waiting: level, ...memory(controlPid()) });
    tell(`  ${level} wait: control worker ${levels.at(-1)!.now.toFixed(0)} MiB`);
  }
  return { levels, stored: grown(before) };
}

/** One in memory (started last), one that has left it (started first), and so on. */
async function votes(requests: DecisionRequest[]): Promise<Measured['votes']> {
  const costs: Measured['votes'] = { warm: [], cold: [] };
  for (let at = 0; at < Math.min(VOTES, Math.floor(count / 2)); at++) {
    costs.cold.push(await voteOn(client, board, requests[at]!));
    costs.warm.push(await voteOn(client, board, requests[count - 1 - at]!));
  }
  return costs;
}

async function measure(): Promise<Measured> {
  await pause(SETTLE_MS);
  const fresh = memory(controlPid()).now;
  const idle = await atRest('nothing waits');
  const empty = await inbox();
  const alone = await changes();
  const made = await planned(input);
  const requests = Array.from({ length: count }, (_, number) => requestOf(number, { plan: made.plan!, lines: made.lines }, stack.current.namespace));
  const { levels, stored } = await startAll(requests);
  const waiting = await atRest(`${count} wait`);
  const full = await inbox();
  const cast = await votes(requests);
  const beside = await changes();
  return { count, seconds, cache, idle, waiting, levels, fresh, stored, alone, beside, inbox: { empty, full }, votes: cast, anew: await memoryAnew() };
}

try {
  finish(reportOf(await measure()), flags);
} finally {
  await connection.close();
  await stack.stop();
  work.remove();
}
