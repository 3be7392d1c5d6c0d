/** The way back from any point after arming, and how a run that went wrong ends. */
import { CancellationScope, sleep } from '@temporalio/workflow';
import { FAILURE } from '../../policy/names.js';
import type { Plan, RunResult } from '../../policy/model.js';
import type { Undone } from '../../activities/host/contract.js';
import { failureText, failureType, isRefusal, objectionsOf, rethrowMistake } from './failures.js';
import { callHost } from './host.js';
import type { Run } from './run.js';
import * as steps from './change-steps.js';

/** The documents allow an hour for a rollback, restarts and health included. */
const ROLLBACK_LIMIT = '1 hour';

/** Undoes what a run changed, whatever stopped it, and ends it. Not cancellable. */
export function undoAndEnd(run: Run, plan: Plan, error: unknown): Promise<RunResult> {
  return CancellationScope.nonCancellable(async () => {
    rethrowMistake(error);
    run.noteCancel(error);
    const why = reasonOf(run, error);
    if (failureType(error) === FAILURE.Fenced) return run.end('superseded', `${why}; another run has this environment now`);
    run.undoing = true;
    await run.recordOrGoOn();
    const undone = await undoStep(run, run.chain).catch((undoError: unknown) => incomplete(undoError));
    if (undone.outcome === 'superseded') return run.end('superseded', `${why}; ${undone.problem}`);
    if (!undone.verified) return run.end('rollback-incomplete', `${why}; undo on ${plan.env.host} is not verified: ${undone.problem}. runbook undo ${plan.env.link} --local --reason … works without a server`);
    await steps.close(run);
    if (undone.outcome === 'nothing-to-undo' && isRefusal(error)) return run.end('refused', `${why}; nothing was changed`, objectionsOf(error));
    const back = undone.outcome === 'restored' ? `back on ${undone.version ?? 'no environment'}, verified` : 'nothing had been switched';
    return run.end('rolled-back', `${why}; ${back}${more(undone)}`);
  });
}

/** An undo that is done but not verified (a service that is not healthy yet) is given again, 2 s to 32 s apart; one that can't be, not. */
const VERIFY_AGAIN = 5;

/** Gives the undo order until it is verified. */
export async function undoStep(run: Run, chain: string | null): Promise<Undone> {
  for (let again = 1; ; again++) {
    const undone = await undoOnce(run, chain);
    if (undone.verified || undone.outcome !== 'restored' || undone.final || again > VERIFY_AGAIN) return undone;
    await sleep(1000 * 2 ** again, { summary: 'verify the undo again' });
  }
}

/** One undo order, retried for an hour at most while the host can't carry it out. */
async function undoOnce(run: Run, chain: string | null): Promise<Undone> {
  const order = run.order('undo');
  const patience = { retry: { initialInterval: '1 second', maximumInterval: '1 minute' }, scheduleToCloseTimeout: ROLLBACK_LIMIT } as const;
  const undone = await run.step('undo', () => callHost(run, 'undo', (host, reissued) => host.undo({ ...order, reissued }, { chain }), patience), (undone) => ({
    ok: undone.verified || undone.outcome !== 'restored',
    fact: undoneFact(undone),
    workMs: undone.workMs,
    data: { ...undone },
  }));
  if (undone.outcome === 'restored' && undone.verified) run.note('undo', { from: run.state.to ?? undone.from ?? null, to: undone.version, verified: true, of: chain });
  return undone;
}

/** A verified undo may have something to say all the same: a key of a configuration file that is somebody else's now. */
export const more = ({ outcome, verified, problem }: Undone): string => (outcome === 'restored' && verified && problem !== '' ? `; ${problem}` : '');

function undoneFact({ outcome, version, verified, problem }: Undone): string {
  if (outcome === 'restored') return `${version ?? 'no environment'} again, ${verified ? `verified${problem && `; ${problem}`}` : `not verified: ${problem}`}`;
  return outcome === 'superseded' ? problem : problem || 'nothing had been switched';
}

const incomplete = (error: unknown): Undone => ({ outcome: 'restored', version: null, verified: false, problem: failureText(error), workMs: 0 });

function reasonOf(run: Run, error: unknown): string {
  const { aborting } = run.state;
  return aborting ? `aborted by ${aborting.by}: ${aborting.reason}` : failureText(error);
}
