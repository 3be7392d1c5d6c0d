/** A process of ours under the supervisor: how it is configured, says that it is ready, and is told to stop. */

/** What a child tells its supervisor. */
export type ChildMessage = { type: 'ready'; facts: Record<string, string> } | { type: 'failed'; reason: string } | { type: 'busy'; with: Busy };

/** Not ready yet, and at work all the same: taking back what has ended, or waiting for the server while it keeps watch over ends. */
export type Busy = 'ends' | 'server';

/** Variable that carries a child's configuration as JSON. */
export const CONFIG_VARIABLE = 'RUNBOOK_PROCESS_CONFIG';

/** Handed to the body of a child. */
export interface ChildControl {
  /** Aborts when the process is to stop. */
  signal: AbortSignal;
  /** Says that it works, with facts the supervisor needs. */
  ready(facts: Record<string, string>): void;
  /** Says that it is not ready yet, and why it must not be ended for that; again and again. */
  busy(with_: Busy): void;
}

/** Stops on SIGTERM and when the supervisor is gone; on SIGINT only without a supervisor, which otherwise stops things in order. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  const supervised = process.connected === true;
  process.on('SIGTERM', () => stop.abort());
  process.on('SIGINT', () => supervised || stop.abort());
  process.on('disconnect', () => stop.abort());
  return stop.signal;
}

function tell(message: ChildMessage): Promise<void> {
  return new Promise((resolve) => (process.connected === true ? void process.send!(message, undefined, undefined, () => resolve()) : resolve()));
}

/**
 * Body of a process entry: reads the configuration, runs `main`, and ends the process with it (0, or 1 after an error
 * that was told and logged).
 */
export async function runAsChild<C>(main: (config: C, control: ChildControl) => Promise<void>): Promise<never> {
  const signal = stopSignal();
  try {
    const text = process.env[CONFIG_VARIABLE] ?? process.argv[2];
    if (text === undefined) throw new Error(`expected a configuration as JSON in ${CONFIG_VARIABLE} or as the first argument, got none; \`runbook up\` starts this process with one`);
    await main(JSON.parse(text) as C, { signal, ready: (facts) => void tell({ type: 'ready', facts }), busy: (what) => void tell({ type: 'busy', with: what }) });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), level: 'ERROR', message: reason, stack: (error as Error).stack })}\n`);
    await tell({ type: 'failed', reason });
    process.exit(1);
  }
  // Handles of the native runtime would keep it alive.
  process.exit(0);
}
