/** Killing and stopping one process of an instance, and knowing that Temporal has noticed. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { readFileSync, readlinkSync, readdirSync } from 'node:fs';
import { processStat, type ProcessStat } from '../../activities/host/proc.js';
import { parseWorkflowId, workflowIdOf } from '../../policy/ids.js';
import type { Started } from '../../client/cli/runs.js';
import { poll, QUICK, type TestInstance } from '../support/instance.js';
import { childrenAt } from './held.js';
import type { Case, Point } from './matrix.js';

/** How often Temporal is asked while it is waited for, in milliseconds. */
const ASK_MS = 200;

/** The process that will be struck, and what a struck one must show at the end. */
export interface Target {
  pids: number[];
  /** Signals go to the whole group: uv and what it started. */
  isGroup: boolean;
  /** The `watch` that follows the run, where that is the victim. */
  watch: Watcher | null;
}

interface Watcher {
  pid: number;
  /** How it ended, and what it said. */
  ended: Promise<{ code: number | null; signal: string | null; stdout: string }>;
}

/** Finds the victim; a command that follows is started here, and connected when this returns. */
export async function targetOf(it: TestInstance, { victim, point }: Case, { run }: Started): Promise<Target> {
  if (victim === 'cli') {
    const watch = await follow(it, run);
    return { pids: [watch.pid], isGroup: false, watch };
  }
  if (victim === 'child') return { pids: childrenAt(it, point.child!).map(({ pid }) => pid), isGroup: true, watch: null };
  return { pids: [it.handle.pids()[victim]!], isGroup: false, watch: null };
}

/** Requests after which a command is past connecting and asks the run again and again. */
const ASKED_OFTEN = 6;

async function follow(it: TestInstance, run: string): Promise<Watcher> {
  const process = it.spawnCli('watch', run);
  let stdout = '';
  process.stdout!.on('data', (text: Buffer) => (stdout += text.toString()));
  const ended = once(process, 'close').then(([code, signal]: unknown[]) => ({ code: code as number | null, signal: signal as string | null, stdout }));
  const pid = process.pid!;
  const port = Number(it.handle.address.split(':').at(-1));
  await poll(() => process.exitCode !== null || isConnected(pid, port));
  // One that is stopped while it connects could not tell (exit 69): here it follows.
  for (let asked = 0, written = ''; asked < ASKED_OFTEN && process.exitCode === null; await sleep(ASK_MS)) {
    const now = writtenBy(pid);
    if (now !== written) [asked, written] = [asked + 1, now];
  }
  return { pid, ended };
}

/** Bytes it has written in all its life, as `/proc` has them; to a server, once it prints nothing. */
function writtenBy(pid: number): string {
  try {
    return /^wchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'latin1'))![1]!;
  } catch {
    return '';
  }
}

/** Whether a process holds an established connection to a port of this machine. */
function isConnected(pid: number, port: number): boolean {
  const remote = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = readFileSync('/proc/net/tcp', 'latin1').split('\n').map((line) => line.trim().split(/\s+/));
  const inodes = new Set(lines.filter((fields) => fields[2]?.endsWith(remote) && fields[3] === '01').map((fields) => `socket:[${fields[9]}]`));
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => inodes.has(readlinkSync(`/proc/${pid}/fd/${fd}`)));
  } catch {
    // Between two looks a descriptor was closed.
    return false;
  }
}

/** What stands still now because of this process, as signals name it. */
const standing = new Set<number>();

/** Lets everything go on that was stopped here: a process that stays stopped outlives whoever would end it. */
export function wakeAll(): void {
  for (const pid of standing) strike({ pids: [Math.abs(pid)], isGroup: pid < 0, watch: null }, 'SIGCONT');
}

/** Sends it; who is gone already is no error. */
export function strike({ pids, isGroup }: Target, signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
  for (const pid of pids) {
    if (signal === 'SIGSTOP') standing.add(isGroup ? -pid : pid);
    else standing.delete(isGroup ? -pid : pid);
    try {
      process.kill(isGroup ? -pid : pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** Children of orders that the agent beats for by itself. */
const BEATEN_FOR: ReadonlySet<NonNullable<Point['child']>> = new Set(['question', 'attempt', 'restart', 'restart back']);

/** Returns when the victim, stopped since `stat`, has been stopped past the heartbeat, by Temporal's own account where it can tell. */
export async function noticed(it: TestInstance, { victim, point }: Case, started: Started): Promise<void> {
  const since = Date.now();
  const isNoticed = {
    // It missed its heartbeat: another attempt is due.
    agent: () => hasLateActivity(it, started),
    control: () => hasLateTask(it, started, since),
    // A stopped server notices nothing; when it goes on, everybody is late.
    server: () => Date.now() - since > QUICK.heartbeatMs + 1_000,
    // Nobody waits for the command: the run ends without it.
    cli: () => started.handle.describe().then(({ status }) => status.name !== 'RUNNING'),
    // What the agent itself reports is only late: for longer than a heartbeat may be.
    child: () => (BEATEN_FOR.has(point.child!) ? hasBeaten(it, started, since + QUICK.heartbeatMs) : hasLateActivity(it, started)),
  }[victim];
  while (!(await isNoticed())) await sleep(ASK_MS);
}

/** The fallback, and the change it started as a run of its own. */
function handlesOf(it: TestInstance, { handle, workflowId }: Started): Started['handle'][] {
  const { env, ulid } = parseWorkflowId(workflowId)!;
  return [handle, it.client.workflow.getHandle(workflowIdOf('change', env, ulid))];
}

async function pending(it: TestInstance, started: Started) {
  const all = await Promise.all(handlesOf(it, started).map((handle) => handle.describe().catch(() => null)));
  return all.flatMap((one) => one?.raw.pendingActivities ?? []);
}

const hasLateActivity = async (it: TestInstance, started: Started): Promise<boolean> => (await pending(it, started)).some(({ attempt }) => (attempt ?? 1) > 1);

async function hasBeaten(it: TestInstance, started: Started, after: number): Promise<boolean> {
  return (await pending(it, started)).some(({ lastHeartbeatTime }) => Number(lastHeartbeatTime?.seconds ?? 0) * 1000 > after);
}

async function hasLateTask(it: TestInstance, started: Started, since: number): Promise<boolean> {
  const histories = await Promise.all(handlesOf(it, started).map((handle) => handle.fetchHistory().catch(() => null)));
  return histories.some((history) => history?.events?.some((event) => event.workflowTaskTimedOutEventAttributes && Number(event.eventTime?.seconds) * 1000 >= since - 1_000));
}

/** Whether a stopped process is stopped, which a signal may take a moment to bring about. */
export const isStopped = ({ pids }: Target): boolean => pids.every((pid) => ['T', undefined].includes((processStat(pid) as ProcessStat | null)?.state));
