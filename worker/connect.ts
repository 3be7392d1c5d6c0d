/** Connects a worker process to Temporal, waiting for a server that is still starting. */
import { NativeConnection } from '@temporalio/worker';
import { accepts, splitAddress } from './server/ports.js';

/** Connects within `withinMs`. Throws with the address and the last reason when the time is over or `signal` aborts. */
export async function connectNative(address: string, withinMs: number, signal: AbortSignal): Promise<NativeConnection> {
  const deadline = Date.now() + withinMs;
  const { host, port } = splitAddress(address);
  let reason: unknown = 'nothing listens there';
  while (!signal.aborted && Date.now() < deadline) {
    try {
      // The native client's own attempts are seconds apart; this look costs nothing.
      if (await accepts(host, port)) return await NativeConnection.connect({ address });
    } catch (error) {
      reason = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  throw new Error(`Temporal at ${address}: expected an answer within ${withinMs / 1000} s, got: ${reason instanceof Error ? reason.message : String(reason)}`);
}
