/** The one way a child process is started: argument array, absolute executable, own group, time limit, bounded output. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { isAbsolute } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Owner } from '../../policy/model.js';
import { childEnvironment } from './command-env.js';
import { CommandOutput } from './command-output.js';
import type { Guard, StepScope } from './context.js';
import { endGroup, isStopped } from './process-group.js';

export interface CommandInput {
  /** Absolute: nothing is looked up on a path. */
  file: string;
  args: string[];
  cwd: string;
  /** The child runs as this user when the agent is root. */
  owner: Owner;
  /** Added to the allow-listed environment. */
  env?: Record<string, string>;
  timeoutMs: number;
  /** The full output of both streams is appended here (mode 0600). */
  outputPath?: string;
  /** Standard output alone goes here and not into memory: for output that may be long. */
  stdoutPath?: string;
  stdin?: string;
  nice?: number;
  guard?: Guard;
  scope?: StepScope;
}

/** How a command ended; one shape for success and failure. */
export interface CommandResult {
  /** The command as one line for people. */
  command: string;
  failed: boolean;
  exitCode: number | null;
  signal: string | null;
  timedOut: boolean;
  isCanceled: boolean;
  /** Why it could not be started. */
  spawnError: string | null;
  durationMs: number;
  /** Standard output, whole up to 4 MiB; empty with `stdoutPath`. */
  stdout: string;
  stdoutTruncated: boolean;
  /** Last 8 KiB of both streams. */
  tail: string;
  outputPath: string | null;
}

/** How often a running command is reported. */
const HEARTBEAT_MS = 2000;
/** How long output may still arrive after the whole group has gone (a process that left the group can hold the pipe). */
const DRAIN_MS = 500;

/** The command as a person would read it; long arguments (helper programs) are shortened. */
export function commandLine(file: string, args: readonly string[]): string {
  const word = (w: string): string => (w.length > 200 ? `<${w.length} characters>` : /^[\w@%+=:,./-]+$/.test(w) ? w : JSON.stringify(w));
  return [file, ...args].map(word).join(' ');
}

/**
 * Runs a command and waits until its whole process group has gone. Never throws for a command that fails, is ended
 * or can't be started: the result says so. Throws only for a caller's mistake (relative executable) or an output
 * file that can't be made.
 */
export async function runCommand(input: CommandInput): Promise<CommandResult> {
  if (!isAbsolute(input.file)) throw new TypeError(`executable of a command: expected an absolute path, got ${JSON.stringify(input.file)}`);
  const started = performance.now();
  const command = commandLine(input.file, input.args);
  const output = new CommandOutput(input);
  output.note(`$ ${command}`);
  const end = input.scope?.signal.aborted ? { ...NOT_STARTED, isCanceled: true } : await superviseChild(input, output).catch((error: unknown) => (output.close(), Promise.reject(error as Error)));
  const durationMs = performance.now() - started;
  const how = end.spawnError ?? (end.timedOut ? `time limit of ${input.timeoutMs} ms` : (end.signal ?? `exit ${end.exitCode}`));
  output.note(`[${end.isCanceled ? 'canceled' : how}, ${durationMs.toFixed(0)} ms]`);
  const failed = end.exitCode !== 0 || end.timedOut || end.isCanceled;
  return { command, failed, ...end, durationMs, ...output.close(), stdoutTruncated: output.truncated, outputPath: input.outputPath ?? null };
}

type End = Pick<CommandResult, 'exitCode' | 'signal' | 'timedOut' | 'isCanceled' | 'spawnError'>;
const NOT_STARTED: End = { exitCode: null, signal: null, timedOut: false, isCanceled: false, spawnError: null };

async function superviseChild(input: CommandInput, output: CommandOutput): Promise<End> {
  const child = startChild(input);
  if (child instanceof Error) return { ...NOT_STARTED, spawnError: child.message };
  child.on('error', () => {});
  const pgid = child.pid;
  if (pgid === undefined) {
    const [error] = (await once(child, 'error')) as [Error];
    return { ...NOT_STARTED, spawnError: error.message };
  }
  try {
    input.guard?.groupStarted(pgid);
  } catch (error) {
    await abandon(child, pgid);
    throw error;
  }
  feed(child, input, output);
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const closed = once(child, 'close');
  const watch = watchChild(pgid, input, output);
  const [exitCode, signal] = await exited;
  const stopped = watch.stop();
  // Whatever the command left running in its group ends with it.
  await endGroup(pgid);
  await Promise.race([closed, sleep(DRAIN_MS)]);
  child.stdout?.destroy();
  child.stderr?.destroy();
  input.guard?.groupEnded(pgid);
  return { exitCode, signal, ...stopped, spawnError: null };
}

/** A child that can't be remembered (a full disk) would be nobody's: no later order could end it. It ends here. */
async function abandon(child: ChildProcess, pgid: number): Promise<void> {
  await endGroup(pgid);
  for (const stream of child.stdio) stream?.destroy();
}

/** Starts the child with umask 022, the owner's identity and nothing inherited but its three streams. */
function startChild(input: CommandInput): ChildProcess | Error {
  const drop = process.getuid?.() === 0 && input.owner.uid !== 0 ? { uid: input.owner.uid, gid: input.owner.gid } : {};
  const umask = process.umask(0o022);
  try {
    const child = spawn(input.file, input.args, {
      cwd: input.cwd,
      env: childEnvironment(input.owner, input.env, input.guard?.op),
      detached: true,
      stdio: [input.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      ...drop,
    });
    if (child.pid !== undefined && input.nice) lowerPriority(child.pid, input.nice);
    return child;
  } catch (error) {
    return error as Error;
  } finally {
    process.umask(umask);
  }
}

function lowerPriority(pid: number, nice: number): void {
  try {
    setPriority(pid, nice);
  } catch {
    // Already ended: its exit is reported as any other.
  }
}

function feed(child: ChildProcess, input: CommandInput, output: CommandOutput): void {
  child.stdout?.on('data', (chunk: Buffer) => output.stdout(chunk));
  child.stderr?.on('data', (chunk: Buffer) => output.stderr(chunk));
  // A child that ends without reading its input breaks the pipe; its exit code tells what matters.
  child.stdin?.on('error', () => {});
  child.stdin?.end(input.stdin);
}

/** Ends the child at its time limit or when the step is canceled, and reports it while it is not stopped. */
function watchChild(pgid: number, input: CommandInput, output: CommandOutput): { stop(): Pick<End, 'timedOut' | 'isCanceled'> } {
  let timedOut = false;
  let isCanceled = false;
  const signal = input.scope?.signal;
  const onAbort = (): void => {
    isCanceled = true;
    void endGroup(pgid);
  };
  const limit = setTimeout(() => {
    timedOut = true;
    void endGroup(pgid);
  }, input.timeoutMs);
  const started = performance.now();
  const beat = setInterval(() => {
    // A stopped installer must miss its heartbeat: only that makes its attempt end.
    if (!isStopped(pgid)) input.scope?.heartbeat({ pid: pgid, seconds: Math.round((performance.now() - started) / 1000), outputBytes: output.bytes });
  }, HEARTBEAT_MS);
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
  return {
    stop() {
      clearTimeout(limit);
      clearInterval(beat);
      signal?.removeEventListener('abort', onAbort);
      return { timedOut, isCanceled };
    },
  };
}
