/** What every measurement is given. */
import type { CheckRules } from '../../../policy/checks/model.js';
import { runCommand, type CommandResult } from '../command.js';
import type { Guard, HostContext, StepScope } from '../context.js';
import type { Owner } from '../../../policy/model.js';
import type { CheckPlace } from './place.js';

/** The agent's own; or one for a single check, by a user who can't use the agent's folder. */
export interface CheckContext extends HostContext {
  /** Its store is new and empty, and says nothing of what the agent did. */
  standsAlone?: boolean;
}

/** What is to be measured, by which rules, in which process environment. */
export interface Wanted {
  /** PF-15. */
  probe: boolean;
  /** VJ-15. */
  importTime: boolean;
  integrity: boolean;
  /** PF-20 to PF-26: also conflicts and wheels. */
  manual: boolean;
  rules: CheckRules;
  env: NodeJS.ProcessEnv;
  /** Ends everything that was started; absent: nobody will. */
  signal?: AbortSignal;
  /** Priority of what is started; absent: as the caller's. */
  nice?: number;
  /** Told of each process group, so that an order can end it; absent: nobody is. */
  guard?: Guard;
}

export interface Measuring {
  ctx: CheckContext;
  place: CheckPlace;
  wanted: Wanted;
  /** As whom things are started; absent: as the project's owner. */
  runner?: Owner;
}

/** An import that takes this long hangs: pandas takes 0.5 s from memory, some seconds from a cold disk. The agent file may say less. */
const LONGEST_IMPORT_SECONDS = 30;

/** Seconds after which a start or an import counts as hanging. */
export const limitSeconds = ({ ctx }: Pick<Measuring, 'ctx'>): number => Math.min(ctx.agentFile.limits.importSeconds, LONGEST_IMPORT_SECONDS);

const NEVER = new AbortController().signal;

/** The execution the measuring happens in. */
export const scopeOf = ({ wanted }: Pick<Measuring, 'wanted'>): StepScope => ({ attempt: 1, signal: wanted.signal ?? NEVER, heartbeat: () => undefined });

/** How its children are started and remembered. */
export const childrenOf = ({ wanted: { nice, guard } }: Pick<Measuring, 'wanted'>): { nice?: number; guard?: Guard } => ({ ...(nice === undefined ? {} : { nice }), ...(guard ? { guard } : {}) });

/** As whom things are started. */
export const starterOf = ({ place, runner }: Measuring): Owner => runner ?? place.owner;

/** Starts an interpreter with the rights that are left for it, isolated from the owner's own settings, leaving no bytecode behind. Throws only when canceled. */
export async function startPython(measuring: Measuring, file: string, args: string[], timeoutMs = limitSeconds(measuring) * 1000): Promise<CommandResult> {
  const scope = scopeOf(measuring);
  const result = await runCommand({ file, args: ['-I', '-B', ...args], cwd: '/', owner: starterOf(measuring), timeoutMs, scope, ...childrenOf(measuring) });
  if (result.isCanceled) throw scope.signal.reason ?? new Error('canceled');
  return result;
}

/** Why a start failed, in a sentence. */
export function whyFailed(file: string, { spawnError, timedOut, signal, exitCode, tail }: CommandResult): string {
  if (spawnError !== null) return `${file} can't be started: ${spawnError}`;
  if (timedOut) return `${file} gave no answer within the time limit`;
  if (signal !== null) return `${file} was ended by ${signal}`;
  if (exitCode === 0) return `${file} did not give the answer it was asked for`;
  return `${file} ended with code ${exitCode}: ${tail.trim().split('\n').at(-1)?.slice(0, 300) || 'no output'}`;
}

/** Signals by which somebody else ends a process; one that crashes has others. */
const FROM_OUTSIDE: ReadonlySet<string | null> = new Set(['SIGHUP', 'SIGINT', 'SIGKILL', 'SIGTERM']);

/** Throws for a program that an operator, another order or the out-of-memory killer ended. Not for one that reached its time limit. */
export function throwIfEnded(file: string, result: CommandResult): void {
  if (!result.timedOut && FROM_OUTSIDE.has(result.signal)) throw new Error(`${whyFailed(file, result)}: expected it to end by itself; check again`);
}

/** The last line that a program of ours printed, as JSON: what a `.pth` or `sitecustomize` prints comes before it. Null: it is none. */
export function lastJson<T>(result: CommandResult): T | null {
  try {
    return JSON.parse(result.stdout.trimEnd().split('\n').at(-1)!) as T;
  } catch {
    return null;
  }
}

/** A measurement by something that may throw: then its error is the problem. Being canceled is none. */
export async function measured<T>({ wanted }: Pick<Measuring, 'wanted'>, act: () => Promise<T> | T): Promise<{ ok: true; value: T } | { ok: false; problem: string }> {
  try {
    return { ok: true, value: await act() };
  } catch (error) {
    if (wanted.signal?.aborted) throw error;
    return { ok: false, problem: (error as Error).message };
  }
}
