/**
 * The change: this environment, this interpreter, this lock. Prove the way back, build beside, verify, switch by one
 * rename, take care of what runs on it, verify again. Every runbook that touches a host does it through this one.
 */
import { CancellationScope, workflowInfo } from '@temporalio/workflow';
import { configEdits } from '../policy/configuration.js';
import { plannedFacts } from '../policy/fallback-entries.js';
import type { ChangeRequest, Plan, RunResult } from '../policy/model.js';
import { failureText, failureType, isRefusal, objectionsOf, rethrowMistake } from './lib/failures.js';
import { takeLease } from './lib/lease.js';
import { planChangeOn, digestObjection } from './lib/planning.js';
import { refuseSlower } from './lib/measuring.js';
import { permitFor, recheck, type Permit } from './lib/permitting.js';
import { Run } from './lib/run.js';
import * as steps from './lib/change-steps.js';
import { undoAndEnd } from './lib/undoing.js';

export async function environmentChange(request: ChangeRequest): Promise<RunResult> {
  const run = new Run(request, request.kind, workflowInfo().parent?.workflowId ?? null);
  try {
    return await run.goForward(() => change(run, request));
  } catch (error) {
    return await endUnchanged(run, error);
  }
}

async function change(run: Run, request: ChangeRequest): Promise<RunResult> {
  const planned = await run.step('plan', () => planChangeOn(run, request), (p) => (p.refused ? { ok: false, fact: `refused: ${p.refused[0]!.what}` } : steps.planFact(p.plan)));
  if (planned.refused) return run.end('refused', planned.refused.map((o) => `${o.what}: expected ${o.expected}, got ${o.got}`).join('; '), planned.refused);
  const { plan } = planned;
  run.state.from = plan.present?.version ?? null;
  run.state.to = plan.interpreter.version;
  run.planDigest = plan.digest;
  run.note('planned', { from: run.state.from, to: run.state.to, planDigest: plan.digest, undoTarget: plan.undoTarget, end: request.granted?.end ?? plan.end, ...plannedFacts(plan) });
  if (request.planDigest !== null && request.planDigest !== plan.digest) {
    return run.end('refused', 'the plan changed since it was agreed to; nothing was started', [digestObjection(request.planDigest, plan)]);
  }
  if (planned.alreadyThere && !request.rebuild) return run.end('not-needed', `${plan.env.link} already is ${plan.interpreter.version} with this lock, as sealed`);
  const permit = await permitFor(run, request, planned);
  if (permit.ended) return run.end(permit.ended, permit.message, permit.objections);
  await takeLease(run, 'forward');
  try {
    return await carryOut(run, request, plan, permit);
  } catch (error) {
    return await undoAndEnd(run, plan, error);
  }
}

/** Under the lease, as it was permitted. What fails here is undone. */
async function carryOut(run: Run, request: ChangeRequest, plan: Plan, permit: Permit): Promise<RunResult> {
  await recheck(plan, permit);
  await steps.arm(run, plan, permit.end);
  const tree = (await steps.prepare(run, plan, permit.warrant)).id;
  run.trees = { from: plan.undoTarget, to: tree };
  const { manifestDigest } = await steps.verify(run, plan, tree);
  run.performance = await refuseSlower(run, plan, tree);
  await recheck(plan, permit);
  await steps.switchTo(run, plan, tree);
  await steps.configure(run, configEdits(plan, new Date(Date.now()).toISOString()));
  await steps.restart(run, plan, tree);
  await steps.verifyLink(run, plan, tree, manifestDigest);
  // From here the change stands: an abort that comes now is answered by the end it finds.
  return CancellationScope.nonCancellable(async () => {
    await steps.close(run);
    if (request.cleanProject) await steps.clean(run);
    return run.end('done', `${plan.env.link} answers from ${plan.interpreter.version}`);
  });
}

/** Nothing was armed yet: nothing to undo. */
async function endUnchanged(run: Run, error: unknown): Promise<RunResult> {
  rethrowMistake(error);
  const { aborting } = run.state;
  if (aborting) return run.end('rolled-back', `stopped by ${aborting.by}: ${aborting.reason}; nothing had been changed`);
  const message = `${failureText(error)}; nothing was changed`;
  if (isRefusal(error)) return run.end('refused', message, objectionsOf(error));
  return run.end('rolled-back', `${failureType(error)}: ${message}`);
}

