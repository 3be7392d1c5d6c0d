/** The way back of an environment's last change, asked for after its run ended; or the end of what a run left behind. */
import { CancellationScope } from '@temporalio/workflow';
import type { RunResult, UndoRequest } from '../policy/model.js';
import { failureText, isRefusal, objectionsOf, rethrowMistake } from './lib/failures.js';
import { callHost } from './lib/host.js';
import { takeLease } from './lib/lease.js';
import { close } from './lib/change-steps.js';
import { Run } from './lib/run.js';
import { more, undoStep } from './lib/undoing.js';

export async function environmentUndo(request: UndoRequest): Promise<RunResult> {
  const run = new Run(request, 'rollback', null);
  run.undoing = true;
  // An undo is not stopped half-way: abort is answered, and changes nothing (design: expiry > undo > all others). A native cancel is an abort by Temporal.
  CancellationScope.current().cancelRequested.catch(() => run.abort({ by: 'temporal', reason: 'cancelled' }));
  return CancellationScope.nonCancellable(() => carryOut(run, request));
}

async function carryOut(run: Run, request: UndoRequest): Promise<RunResult> {
  try {
    await takeLease(run, 'undo');
    return request.mode === 'keep' ? await keep(run) : await undo(run);
  } catch (error) {
    rethrowMistake(error);
    if (isRefusal(error)) return run.end('refused', failureText(error), objectionsOf(error));
    return run.end('rollback-incomplete', `${failureText(error)}. runbook undo ${run.env.link} --local --reason … works without a server`);
  }
}

async function undo(run: Run): Promise<RunResult> {
  const undone = await undoStep(run, null);
  run.state.from = undone.from ?? null;
  run.state.to = undone.version;
  if (undone.outcome === 'superseded') {
    await close(run);
    return run.end('superseded', undone.problem);
  }
  if (undone.outcome === 'nothing-to-undo') {
    await close(run);
    return run.end('not-needed', undone.problem || 'nothing to undo: no change of this product stands here');
  }
  if (!undone.verified) return run.end('rollback-incomplete', undone.problem);
  await close(run);
  return run.end('rolled-back', `${run.env.link} answers from ${undone.version ?? 'nothing: it did not exist before'}, verified${more(undone)}`);
}

async function keep(run: Run): Promise<RunResult> {
  const order = run.order('keep');
  const kept = await run.step('keep', () => callHost(run, 'keep what stands', (host, reissued) => host.keep({ ...order, reissued })), (k) => ({ ok: k.ok, fact: k.ok ? `${k.version} in .venvs/${k.tree}, verified` : k.problem, workMs: k.workMs }));
  if (!kept.ok) return run.end('rollback-incomplete', `${kept.problem}: runbook settle --undo goes back`);
  run.state.to = kept.version;
  await close(run);
  return run.end('done', `${run.env.link} stays on ${kept.version}`);
}
