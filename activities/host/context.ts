/** What every host activity is given, and the envelope in which it changes a host. Types only. */
import type { AgentFile } from '../../policy/files/agent-file.js';
import type { AgentStore } from './store.js';

/** The execution an activity runs in: Temporal's, or a plain one for `runbook undo --local`. */
export interface StepScope {
  attempt: number;
  signal: AbortSignal;
  heartbeat(detail?: unknown): void;
}

export interface HostContext {
  host: string;
  agentVersion: string;
  agentFile: AgentFile;
  /** The agent's own folder: store, tools, manifests, output of runs. */
  stateDir: string;
  store: AgentStore;
  now(): Date;
  /** A named point at which tests stop the process; does nothing otherwise. */
  barrier(point: string): Promise<void>;
  /** A line in the agent's log that the host's administrator should see; absent: nobody reads one. */
  warn?(message: string): void;
}

/** The way one step changes a host: intent, effect, receipt. */
export interface Effect<T> {
  /** What is about to be done; written and synced before it. */
  intent: unknown;
  /** Whether the disk still agrees with an earlier receipt; then that receipt is the answer. */
  holds(receipt: T): boolean | Promise<boolean>;
  act(guard: Guard): Promise<T>;
  /** After the end of a change: `taken` for the way back, `taken-when-undone` for closing; absent: refused (`refuseEnded`). */
  afterEnd?: 'taken' | 'taken-when-undone';
  /** Rows of the store that become true together with the receipt: runs in its transaction, synchronously. */
  finish?(receipt: T): void;
}

/** Handed to the effect: the last comparison of the fencing token, right before each visible change. */
export interface Guard {
  /** Operation id: chain, seq and step. */
  op: string;
  attempt: number;
  /** Runs a synchronous visible change under the environment's lock, after the token was compared again. */
  commit<R>(change: () => R): R;
  /** Remembers a process group of this order, so that a later order can end it. */
  groupStarted(pgid: number): void;
  groupEnded(pgid: number): void;
}
