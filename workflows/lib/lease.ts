/** Taking the right to change an environment, and saying for whom one waits (decision 13). */
import { patched } from '@temporalio/workflow';
import type { LeaseBusyDetails } from '../../activities/host/contract.js';
import { failureType, leaseBusy } from './failures.js';
import { callHost, control } from './host.js';
import type { Run } from './run.js';

/** First window of patience, in seconds; it doubles to an hour, so that a wait of days stays a few hundred events. */
const FIRST_WINDOW_SECONDS = 30;
const LONGEST_WINDOW_SECONDS = 3600;

/** Returns the lease's epoch. The first refusal comes at once, so that the run can say for whom it waits. */
export async function takeLease(run: Run, priority: 'forward' | 'undo' | 'expiry'): Promise<number> {
  let busy = await tryLease(run, priority, 0);
  for (let window = FIRST_WINDOW_SECONDS; typeof busy !== 'number'; window = Math.min(window * 2, LONGEST_WINDOW_SECONDS)) {
    const { holder, position } = busy;
    if (await control.isChainClosed(holder)) {
      const { result } = await callHost(run, `${holder.run} has ended`, (host) => host.holderEnded({ env: run.env, chain: holder.chain }));
      // The watch of the host will not: to it the lease is no longer quiet.
      if (result !== 'not-holder') await run.tellEnded(holder, result);
    }
    const what = `${holder.run} to finish with this environment (place ${position} in line)`;
    busy = await run.waitingFor({ what, until: null, command: `runbook show ${holder.run}` }, () => tryLease(run, priority, window));
  }
  run.epoch = busy;
  return busy;
}

/** Asks once (window 0) or again and again for `window` seconds. */
async function tryLease(run: Run, priority: 'forward' | 'undo' | 'expiry', window: number): Promise<number | LeaseBusyDetails> {
  const { workflowId, chain } = run.order('lease');
  const holder = { workflowId, chain, run: run.state.run };
  const options = window === 0 ? { retry: { maximumAttempts: 1 } } : { retry: { initialInterval: run.tuning.leaseRetryMs, backoffCoefficient: 1 }, scheduleToCloseTimeout: window * 1000 };
  try {
    const { epoch } = await callHost(run, 'take the lease', (host) => host.acquireLease({ env: run.env, holder, priority }), options);
    return epoch;
  } catch (error) {
    const busy = leaseBusy(error);
    if (busy) return busy;
    // Nobody said no: an answer that was lost on its way is asked for again, and the holder gets the same epoch.
    const isLost = failureType(error).startsWith('Timeout ') && patched('lease-asked-again');
    if (isLost) return tryLease(run, priority, Math.min(Math.max(window * 2, FIRST_WINDOW_SECONDS), LONGEST_WINDOW_SECONDS));
    throw error;
  }
}
