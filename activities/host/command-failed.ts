/** A failed command as the failure a workflow understands: its class decides whether trying again can help. */
import { ApplicationFailure } from '@temporalio/common';
import { classifyOutput, remedyOf } from '../../policy/failures.js';
import type { FailureClass } from '../../policy/model.js';
import { FAILURE } from '../../policy/names.js';
import type { CommandFailure } from '../../policy/names.js';
import type { CommandResult } from './command.js';
import type { StepScope } from './context.js';

type Tool = Parameters<typeof classifyOutput>[1];

/** Last bytes of output kept in history with a failure. */
const TAIL_KEPT = 4000;

/** Details of `CommandFailed` from our own judgement, where no output has to be read. Final. */
export function commandFailed(what: string, failure: Omit<CommandFailure, 'outputPath'> & { outputPath?: string | null }, retryable = false): ApplicationFailure {
  const details: CommandFailure = { ...failure, tail: failure.tail.slice(-TAIL_KEPT), outputPath: failure.outputPath ?? '' };
  return ApplicationFailure.create({ type: FAILURE.CommandFailed, message: `${what}: ${failure.class}; ${failure.remedy}`, nonRetryable: !retryable, details: [details] });
}

/**
 * Throws for a command that failed: the cancellation itself when the step was canceled, else `CommandFailed`, final
 * unless its class can be retried. Returns for one that did not fail.
 */
export function throwIfFailed(what: string, tool: Tool, result: CommandResult, step?: StepScope): void {
  if (!result.failed) return;
  if (result.isCanceled) throw step?.signal.reason ?? new Error(`${what}: canceled`);
  const { command, exitCode, timedOut, tail, outputPath } = result;
  const facts = { command, exitCode, timedOut, tail, outputPath };
  if (result.spawnError !== null) {
    const kind: FailureClass = /ENOENT|ENOEXEC/.test(result.spawnError) ? 'INTERPRETER_MISSING' : 'PERMISSION';
    throw commandFailed(what, { ...facts, tail: result.spawnError, class: kind, remedy: `the command could not be started: ${result.spawnError}` });
  }
  if (timedOut) throw commandFailed(what, { ...facts, class: 'KILLED', remedy: 'it took longer than the agent file allows under "limits"; look at its output, or raise the limit' }, true);
  const known = classifyOutput(tail, tool, signalAsCode(result));
  // Ended from outside, and its last words name no cause: that is the cause.
  if (result.signal !== null && known.class === 'UNKNOWN') throw commandFailed(what, { ...facts, class: 'KILLED', remedy: `it was ended by ${result.signal}; ${remedyOf('KILLED')}` }, true);
  throw commandFailed(what, { ...facts, class: known.class, remedy: known.remedy }, known.retryable);
}

/** Signals by which somebody else ends a process; one that crashes has others (SIGSEGV, SIGABRT, SIGBUS). */
const FROM_OUTSIDE: ReadonlySet<string> = new Set(['SIGHUP', 'SIGINT', 'SIGKILL', 'SIGTERM']);

/**
 * Throws `CommandFailed`, to be tried again, for a command that others ended (an operator, the out-of-memory killer): it
 * has not said no, it could not tell. Not for one that reached its time limit.
 */
export function throwIfEnded(what: string, { command, exitCode, signal, timedOut, isCanceled, tail, outputPath }: CommandResult): void {
  if (signal === null || timedOut || isCanceled || !FROM_OUTSIDE.has(signal)) return;
  throw commandFailed(what, { command, exitCode, timedOut, tail, outputPath, class: 'KILLED', remedy: `it was ended by ${signal}; ${remedyOf('KILLED')}` }, true);
}

/** An order has five attempts (`workflows/lib/host.ts`). */
const LAST_ATTEMPT = 5;

/** The same for a command whose failure is an answer: one that was ended each time it was given is taken for that answer at last. */
export function askAgainIfEnded(what: string, result: CommandResult, { attempt }: StepScope): void {
  if (attempt < LAST_ATTEMPT) throwIfEnded(what, result);
}

const SIGNALS: Record<string, number> = { SIGHUP: 1, SIGINT: 2, SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 };

/** Exit code as a shell would give it: 128 and the signal's number. */
export function signalAsCode({ exitCode, signal }: Pick<CommandResult, 'exitCode' | 'signal'>): number | null {
  return signal === null ? exitCode : 128 + (SIGNALS[signal] ?? 0);
}
