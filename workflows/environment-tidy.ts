/**
 * Tidying up: the environment stays what it is. `prune` removes the trees that nothing needs any more, `adopt` gives a `.venv`
 * that is still a directory its place in `.venvs` and a link before it.
 */
import { CancellationScope } from '@temporalio/workflow';
import { adoptionPlan } from '../policy/adoption.js';
import { counted } from '../policy/text.js';
import type { EnvironmentRef, HostLook, Plan, RunResult, Tuning } from '../policy/model.js';
import type { Adopted } from '../activities/host/contract.js';
import { arm, close } from './lib/change-steps.js';
import { failureText, failureType, isRefusal, objectionsOf, rethrowMistake } from './lib/failures.js';
import { callHost } from './lib/host.js';
import { takeLease } from './lib/lease.js';
import { Run, type StepFact } from './lib/run.js';
import { undoAndEnd } from './lib/undoing.js';

export interface TidyRequest {
  run: string;
  env: EnvironmentRef;
  mode: 'prune' | 'adopt';
  reason: string;
  requester: string;
  /** sha256 of the policy the requester saw. */
  policyDigest: string;
  tuning?: Tuning;
}

export async function environmentTidy(request: TidyRequest): Promise<RunResult> {
  const run = new Run(request, 'change', null);
  try {
    return await run.goForward(() => (request.mode === 'adopt' ? adopt(run, request) : prune(run)));
  } catch (error) {
    return await endAsItWas(run, error);
  }
}

/** What every change does when it closes, without one. */
async function prune(run: Run): Promise<RunResult> {
  await takeLease(run, 'forward');
  const { pruned, kept } = await CancellationScope.nonCancellable(() => close(run));
  const left = `${counted(kept.length, 'environment')} kept in .venvs`;
  return pruned.length > 0 ? run.end('done', `${pruned.join(', ')} removed; ${left}`) : run.end('not-needed', `nothing to prune; ${left}`);
}

async function adopt(run: Run, { policyDigest }: TidyRequest): Promise<RunResult> {
  const look = await run.step('plan', () => callHost(run, 'look at the host', (host) => host.look({ env: run.env, to: null, manifest: true, create: false })), lookFact);
  const { current, objections } = look;
  run.state.from = run.state.to = current?.version ?? null;
  if (objections.length > 0) return run.end('refused', objections.map((o) => `${o.what}: expected ${o.expected}, got ${o.got}`).join('; '), objections);
  const plan = adoptionPlan(look, policyDigest);
  if (plan === null) return run.end('not-needed', `nothing to adopt: ${run.env.link} is a link to .venvs/${current?.id} already`);
  run.planDigest = plan.digest;
  run.note('planned', { from: run.state.from, to: run.state.to, planDigest: plan.digest, undoTarget: plan.undoTarget, end: null });
  await takeLease(run, 'forward');
  try {
    await arm(run, plan, null);
    return await CancellationScope.nonCancellable(() => exchange(run, plan));
  } catch (error) {
    return await undoAndEnd(run, plan, error);
  }
}

/** One exchange, proven by the host or given back: an abort that comes now is answered by the end it finds. */
async function exchange(run: Run, plan: Plan): Promise<RunResult> {
  const order = run.order('adopt');
  const { tree, version } = await run.step('adopt', () => callHost(run, `adopt it as .venvs/${plan.undoTarget}`, (host, reissued) => host.adoptLink({ ...order, reissued })), adoptedFact);
  await close(run);
  return run.end('done', `${plan.env.link} is a link to .venvs/${tree} now, on ${version} as before`);
}

const adoptedFact = ({ tree, version, workMs }: Adopted): StepFact => ({ fact: `.venvs/${tree}, in one exchange; ${version} answers through the link, every file as it was`, workMs, data: { tree } });

function lookFact({ objections: [objection], linkState, current }: HostLook): StepFact {
  if (objection) return { ok: false, fact: `refused: ${objection.what}` };
  if (linkState !== 'directory') return { fact: `a link to .venvs/${current?.id}: nothing to adopt` };
  return { fact: `a directory, ${current!.version ?? 'which does not run'}, ${current!.files} files: to be .venvs/${current!.id}` };
}

/** Nothing was armed: whatever stands there is what stood there. */
async function endAsItWas(run: Run, error: unknown): Promise<RunResult> {
  rethrowMistake(error);
  const { aborting } = run.state;
  if (aborting) return run.end('rolled-back', `stopped by ${aborting.by}: ${aborting.reason}; the environment was not touched`);
  const message = `${failureText(error)}; the environment was not touched`;
  if (isRefusal(error)) return run.end('refused', message, objectionsOf(error));
  return run.end('rolled-back', `${failureType(error)}: ${message}`);
}
