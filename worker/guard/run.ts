/** Runs one command in our place: its streams are ours, our signals are its own, and its end is ours. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { Started } from './command.js';
import { badInput, couldNotTell, type GuardRefusal } from './refusal.js';

/** Everything that is sent to a program on purpose. What can't be heard (KILL, STOP) ends or stops us alone. */
const PASSED = [
  'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU',
  'SIGALRM', 'SIGVTALRM', 'SIGABRT', 'SIGPIPE', 'SIGIO', 'SIGURG', 'SIGPWR', 'SIGXCPU',
] as const satisfies NodeJS.Signals[];
/** A terminal sends these to every process of the job in the foreground: the command has them already. */
const FROM_KEYS: NodeJS.Signals[] = ['SIGINT', 'SIGQUIT', 'SIGTSTP', 'SIGWINCH'];
/** And these to every process of one in the background, which may be in the foreground before they are heard. */
const FROM_USE: NodeJS.Signals[] = ['SIGTTIN', 'SIGTTOU'];
const STOPPING: NodeJS.Signals[] = ['SIGTSTP', 'SIGTTIN', 'SIGTTOU'];
/** By default they leave a file named `core`. */
const DUMPING: NodeJS.Signals[] = ['SIGQUIT', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV', 'SIGXCPU', 'SIGXFSZ', 'SIGSYS'];

type Listener = (signal: NodeJS.Signals) => void;

/** Starts it and waits for its end. The answer is its exit code; where a signal ended it, that signal ends us. Throws `GuardRefusal` where it can't be started. */
export async function runInPlace(started: Started, env: NodeJS.ProcessEnv): Promise<number> {
  let child: ChildProcess | null = null;
  const hear: Listener = (signal) => {
    if (child) pass(child, signal, hear);
  };
  // Heard from before it starts: none is lost between. What comes meanwhile is heard when it runs.
  for (const signal of PASSED) process.on(signal, hear);
  try {
    child = start(started, env);
    const { code, signal } = await endOf(child, started.file);
    for (const one of PASSED) process.off(one, hear);
    return signal === null ? code : endBy(signal);
  } catch (error) {
    for (const one of PASSED) process.off(one, hear);
    throw error;
  }
}

function start({ file, args }: Started, env: NodeJS.ProcessEnv): ChildProcess {
  try {
    return spawn(file, args, { env, stdio: 'inherit' });
  } catch (error) {
    throw notStarted(file, error);
  }
}

function notStarted(file: string, error: unknown): GuardRefusal {
  const { code, message } = error as NodeJS.ErrnoException;
  const words: Record<string, string> = { ENOENT: 'a file that is not there, or whose first line names an interpreter that is not', EACCES: 'one that this user may not start', ENOEXEC: 'a script without a first line like #!/usr/bin/env python3', E2BIG: 'words and variables that are too long together' };
  const isOurs = !['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE'].includes(code ?? '');
  return (isOurs ? badInput : couldNotTell)(file, 'a program that can be started', words[code ?? ''] ?? code ?? message, isOurs ? 'correct the command' : 'try again');
}

function endOf(child: ChildProcess, file: string): Promise<{ code: number; signal: null } | { code: null; signal: NodeJS.Signals }> {
  return new Promise((resolve, reject) => {
    // Also told when a signal could not be passed to what has become another user: that ends nothing.
    child.on('error', (error) => {
      if (child.pid === undefined) reject(notStarted(file, error));
    });
    child.once('exit', (code, signal) => resolve(signal === null ? { code: code!, signal } : { code: null, signal }));
  });
}

/** How often we were told to go on: a stop from before that is over. */
let continued = 0;

function pass(child: ChildProcess, signal: NodeJS.Signals, hear: Listener): void {
  if (signal === 'SIGCONT') continued += 1;
  if (!isFromTerminal(signal)) child.kill(signal);
  if (STOPPING.includes(signal)) void stopToo(child, signal, hear);
}

/** Told by where we stand, because nothing says who sent it: a job in the foreground gets its keys from the terminal, all of it. */
function isFromTerminal(signal: NodeJS.Signals): boolean {
  const isKey = FROM_KEYS.includes(signal);
  if (!isKey && !FROM_USE.includes(signal)) return false;
  const [, , group, , terminal, foreground] = statOf('self') ?? [];
  return terminal !== undefined && terminal !== '0' && (!isKey || group === foreground);
}

/** Fields of /proc/PID/stat from the state on; null where there is none. */
function statOf(pid: number | 'self'): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

const LOOK_EVERY_MS = 10;
const LOOKS = 100;

/** A shell sees that the job stopped when we do. What does not stop for it (an editor that takes the key for itself) is left to run. */
async function stopToo({ pid }: ChildProcess, signal: NodeJS.Signals, hear: Listener): Promise<void> {
  const before = continued;
  for (let look = 0; statOf(pid!)?.[0] !== 'T'; look += 1) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    if (look === LOOKS || continued !== before) return;
  }
  process.off(signal, hear);
  // We stand still in here until somebody continues us; that is then passed on.
  process.kill(process.pid, signal);
  process.on(signal, hear);
}

/** Ends us by the same signal, so that whoever started us sees what they would have seen. Where it does not end us: the code that shells give it. */
function endBy(signal: NodeJS.Signals): number {
  // Our own core file would take the place of the command's.
  if (!DUMPING.includes(signal) || !writesCores()) process.kill(process.pid, signal);
  return 128 + constants.signals[signal];
}

function writesCores(): boolean {
  try {
    const limit = /^Max core file size +(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return limit !== '0' && !readFileSync('/proc/sys/kernel/core_pattern', 'utf8').startsWith('|');
  } catch {
    return false;
  }
}
