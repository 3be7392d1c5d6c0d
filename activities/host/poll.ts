/** Waiting for a fact of the host. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { StepScope } from './context.js';

/** Asks until `isSo` says yes or the time is over; at least once. Ends with the step when that is cancelled. */
export async function waitUntil(isSo: () => boolean | Promise<boolean>, limitMs: number, step: StepScope): Promise<boolean> {
  const end = performance.now() + limitMs;
  for (let pause = 25; ; pause = Math.min(pause * 2, 500)) {
    step.signal.throwIfAborted();
    if (await isSo()) return true;
    const rest = end - performance.now();
    if (rest <= 0) return false;
    await sleep(Math.min(pause, rest), undefined, { signal: step.signal });
  }
}
