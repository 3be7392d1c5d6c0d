/** `runtime_health_YYYYMMDD.log` in the agent's folder: a line for each check of each environment (HM-02), kept for so many days (DEF-16). */
import { closeSync, constants, fstatSync, ftruncateSync, mkdirSync, openSync, readSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { oneLine } from '../../policy/text.js';
import type { HostContext } from './context.js';
import { dayText, stampText } from './health-hours.js';

/** A line is cut at so many characters. */
const LONGEST_LINE = 2_000;
/** How far back the end of the last whole line is looked for: more than any line of ours. */
const TAIL_BYTES = 64 * 1024;
const LOG = /^(?:runtime_health_(\d{8})|preflight_check_(\d{8})_\d{6})\.log$/;

/** What this process wrote last: day and interval of its start line, and what went wrong. */
const memories = new WeakMap<HostContext, { started: string; problem: string }>();

/** Folder of the logs. */
export const healthFolder = (ctx: HostContext): string => join(ctx.stateDir, 'health');

/**
 * Appends messages, each a line `YYYY-MM-DD HH:MM:SS - message` in local time. A day's file begins with a line that tells the
 * interval, and so does what a new process or another interval adds. Never throws: checks go on with a full disk, which is told to `warn` once.
 */
export function logHealth(ctx: HostContext, everySeconds: number, messages: string[]): void {
  const memory = memories.get(ctx) ?? { started: '', problem: '' };
  memories.set(ctx, memory);
  const now = ctx.now();
  const started = `${dayText(now)} ${everySeconds}`;
  const isStart = memory.started !== started;
  try {
    if (isStart) prune(ctx, now);
    appendLines(ctx, `runtime_health_${dayText(now)}.log`, [...(isStart ? [`Runtime health monitoring (interval: ${everySeconds} s), agent ${ctx.agentVersion}`] : []), ...messages].map((message) => `${stampText(now)} - ${oneLine(message, LONGEST_LINE)}`));
    memory.started = started;
    memory.problem = '';
  } catch (error) {
    const problem = (error as Error).message;
    if (memory.problem !== problem) ctx.warn?.(`health log: ${problem}; checks go on without it`);
    memory.problem = problem;
  }
}

/** Whole lines or none: what a kill or a full disk cut off is taken away again. Throws what the file system says. */
export function appendLines(ctx: HostContext, name: string, lines: string[]): void {
  mkdirSync(healthFolder(ctx), { recursive: true, mode: 0o700 });
  const file = openSync(join(healthFolder(ctx), name), constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  try {
    const whole = wholeLength(file);
    if (whole < fstatSync(file).size) ftruncateSync(file, whole);
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    // One call: a process that is killed in it leaves at most a piece, which the next one takes away.
    try {
      const written = writeSync(file, bytes);
      if (written < bytes.length) throw new Error(`${name}: expected to write ${bytes.length} bytes, got ${written}: is the disk full?`);
    } catch (error) {
      ftruncateSync(file, whole);
      throw error;
    }
  } finally {
    closeSync(file);
  }
}

/** Bytes up to the end of the last whole line. */
function wholeLength(file: number): number {
  const { size } = fstatSync(file);
  const from = Math.max(0, size - TAIL_BYTES);
  const tail = Buffer.alloc(size - from);
  readSync(file, tail, 0, tail.length, from);
  return tail.length === 0 ? 0 : from + tail.lastIndexOf(0x0a) + 1;
}

/** Logs of more than `health.retentionDays` days ago go; what is no log of ours stays. */
function prune(ctx: HostContext, now: Date): void {
  mkdirSync(healthFolder(ctx), { recursive: true, mode: 0o700 });
  const oldest = dayText(new Date(now.getFullYear(), now.getMonth(), now.getDate() - ctx.agentFile.health.retentionDays + 1));
  for (const name of readdirSync(healthFolder(ctx))) {
    const [, health, preflight] = LOG.exec(name) ?? [];
    const day = health ?? preflight;
    if (day !== undefined && day < oldest) rmSync(join(healthFolder(ctx), name), { force: true });
  }
}
