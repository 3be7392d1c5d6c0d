/** Keeps one process running: started again with growing pauses when it ends unasked. */
import { fork } from 'node:child_process';
import { closeSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CONFIG_VARIABLE, type ChildMessage } from './child-process.js';

/** A process that said it is ready. */
export interface Running {
  pid: number;
  facts: Record<string, string>;
  exited: Promise<string>;
  /** Ends it, by force after a grace; resolves when it is gone. */
  stop(): Promise<void>;
}

/** A process under supervision. */
export interface Supervised {
  /** The one that runs now, or the last one while a new one is being started. */
  current(): Running;
  stop(): Promise<void>;
}

const LOG_LIMIT = 20 << 20;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** A process that ran this long starts the pauses anew. */
const STEADY_MS = 30_000;

function openLog(file: string): number {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > LOG_LIMIT) renameSync(file, `${file}.1`);
  return openSync(file, 'a', 0o600);
}

/** A Node process of ours to start. */
export interface ChildSpec {
  /** For people: `the agent`. */
  name: string;
  /** Its module. */
  entry: string;
  /** Given to it as JSON. */
  config: object;
  logFile: string;
  /** Milliseconds until it must be ready, or have said what keeps it. */
  readyMs: number;
  /** It may wait for its server for as long as that is away. */
  mayWait?: boolean;
  /** Milliseconds between SIGTERM and SIGKILL at stop. */
  graceMs: number;
}

/** Starts a process and returns when it says it is ready. Throws with its own reason when it ends first, after `readyMs`, or when `signal` aborts. */
export async function startChild(input: ChildSpec, signal: AbortSignal): Promise<Running> {
  const { name, entry, config, logFile, readyMs, graceMs, mayWait = false } = input;
  const log = openLog(logFile);
  const child = fork(entry, [], { stdio: ['ignore', log, log, 'ipc'], execArgv: [], env: { ...process.env, [CONFIG_VARIABLE]: JSON.stringify(config) } });
  closeSync(log);
  const exited = new Promise<string>((resolve) => child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`)));
  const stop = async (): Promise<void> => {
    if (!child.kill('SIGTERM')) return void (await exited);
    const kill = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await exited;
    clearTimeout(kill);
  };
  let reason = `see ${logFile}`;
  let timer: NodeJS.Timeout | undefined;
  // An instance lives for weeks and its parts may start often: nothing may stay behind on its signal.
  const settled = new AbortController();
  try {
    const facts = await new Promise<Record<string, string>>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`${name} was not ready after ${readyMs / 1000} s; its log is ${logFile}`)), readyMs);
      child.on('message', (message: ChildMessage) => {
        if (message.type === 'ready') resolve(message.facts);
        else if (message.type === 'failed') reason = message.reason;
        else if (message.with === 'ends' || mayWait) timer?.refresh();
      });
      child.once('error', reject);
      signal.addEventListener('abort', () => reject(new Error(`${name} was stopped before it was ready`)), { once: true, signal: settled.signal });
      void exited.then((how) => reject(new Error(`${name} ended before it was ready (${how}): ${reason}`)));
    });
    return { pid: child.pid!, facts, exited, stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    settled.abort();
    clearTimeout(timer);
  }
}

/**
 * Starts a process by `start`, whose first failure is thrown, and starts it again whenever it ends, until `signal`
 * aborts (`isAgain`: not for the first time); `stop` then ends the last one. `onChange` is told of every end (`running` null) and every new start.
 */
export async function supervise(start: (signal: AbortSignal, isAgain: boolean) => Promise<Running>, signal: AbortSignal, onChange: (running: Running | null, why: string) => void): Promise<Supervised> {
  let running = await start(signal, false);
  const pause = (ms: number): Promise<void> => sleep(ms, undefined, { signal }).catch(() => undefined);
  const watch = async (): Promise<void> => {
    for (let wait = FIRST_PAUSE_MS; ; ) {
      const since = Date.now();
      let why = await running.exited;
      if (Date.now() - since > STEADY_MS) wait = FIRST_PAUSE_MS;
      for (let isUp = false; !isUp && !signal.aborted; wait = Math.min(wait * 2, LONGEST_PAUSE_MS)) {
        onChange(null, why);
        await pause(wait);
        if (signal.aborted) return;
        isUp = await start(signal, true).then((next) => ((running = next), true), (error: unknown) => ((why = (error as Error).message), false));
      }
      if (signal.aborted) return running.stop();
      onChange(running, why);
    }
  };
  const watched = watch();
  const stop = async (): Promise<void> => {
    if (!signal.aborted) throw new Error('supervise: expected the signal to be aborted before stop, or the process would be started again');
    await running.stop();
    await watched;
  };
  return { current: () => running, stop };
}
