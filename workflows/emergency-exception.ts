/**
 * The emergency exception: declared on one of three grounds, granted by the CAB for at most 72 hours, changed to, and ended without
 * anybody remembering anything: by the final review, or by the way back. The change itself is `environmentChange`.
 */
import { CancellationScope } from '@temporalio/workflow';
import type { ExceptionTerms } from '../policy/model-approval.js';
import type { ChangeRequest, RunResult } from '../policy/model.js';
import { changeAsChild } from './lib/child-change.js';
import { countdown } from './lib/countdown.js';
import { decide, OUTCOME_OF } from './lib/deciding.js';
import { ExceptionLife, type Ended } from './lib/exception-life.js';
import { endingOf, makePermanent, refuseAborts, revert, tellAndDocument, withdrawnBy } from './lib/exception-end.js';
import { failureText, failureType, isRefusal, objectionsOf, rethrowMistake } from './lib/failures.js';
import { control } from './lib/host.js';
import { admit } from './lib/permitting.js';
import { planChangeOn, digestObjection, type Planned } from './lib/planning.js';
import { planFact } from './lib/change-steps.js';
import { reviewWhenHandedIn } from './lib/final-review.js';
import { Run } from './lib/run.js';
import { now } from './lib/time.js';

export async function emergencyException(request: ChangeRequest): Promise<RunResult> {
  const run = new Run(request, 'exception', null);
  const life = new ExceptionLife(run, request);
  const ended = await run.goForward(() => live(run, life, request)).catch((error: unknown) => stopped(run, life, error));
  return CancellationScope.nonCancellable(async () => {
    const verdict = await settle(run, life, ended);
    life.clock.ending = endingOf(run, life, verdict);
    await tellAndDocument(run, life, verdict);
    return run.end(verdict.outcome, verdict.message, verdict.objections);
  });
}

/** Until it is to end: what it returns says how. */
async function live(run: Run, life: ExceptionLife, request: ChangeRequest): Promise<Ended> {
  const declared = await declare(run, life, request);
  if ('outcome' in declared) return declared;
  const granted = await grant(run, life, request, declared.terms, declared.planned);
  if (granted) return granted;
  const result = await activate(run, life, request);
  if (result.outcome !== 'done') return { outcome: result.outcome, message: `granted, and not carried out: ${result.message}`, objections: result.objections };
  return countdown(run, life, reviewWhenHandedIn(run, life, request));
}

/** EE-01 to EE-03: on which ground, by whom, for how long; and what would be done. Nothing is touched. */
async function declare(run: Run, life: ExceptionLife, request: ChangeRequest): Promise<Ended | { terms: ExceptionTerms; planned: Planned }> {
  const terms = await run.step('declare', () => admitDeclared(run, request), ({ refused }) => ({ ok: refused === null, fact: refused ? `refused: ${refused[0]!.what}` : `${request.ground}, for ${request.hours} h, declared by ${request.requester}`, data: { ground: request.ground ?? null, hours: request.hours ?? null } }));
  if (terms.refused) return refused('this exception may not be declared', terms.refused);
  life.declared(terms.terms);
  const planned = await run.step('plan', () => planChangeOn(run, request), (p) => (p.refused ? { ok: false, fact: `refused: ${p.refused[0]!.what}` } : planFact(p.plan)));
  if (planned.refused) return refused('the host or the policy forbids it', planned.refused);
  run.state.from = planned.plan.present?.version ?? null;
  run.state.to = planned.plan.interpreter.version;
  run.planDigest = planned.plan.digest;
  run.note('planned', { from: run.state.from, to: run.state.to, planDigest: planned.plan.digest });
  if (request.planDigest !== null && request.planDigest !== planned.plan.digest) return refused('the plan changed since it was agreed to; nothing was started', [digestObjection(request.planDigest, planned.plan)]);
  return { terms: terms.terms, planned };
}

async function admitDeclared(run: Run, request: ChangeRequest): ReturnType<typeof control.exceptionTerms> {
  const terms = await control.exceptionTerms({ request, t: now() });
  if (terms.refused) return terms;
  const objections = await admit(run, request, terms.terms.declaredBy);
  return objections.length > 0 ? { refused: objections } : terms;
}

/** EE-04 to EE-06: the CAB convenes and grants. Its time runs from the deciding vote. */
async function grant(run: Run, life: ExceptionLife, request: ChangeRequest, terms: ExceptionTerms, { plan, lines }: Planned): Promise<Ended | null> {
  const { hours, rules, decideHours, useWithinHours, reminderHours, escalateTo } = terms;
  const { result, warrant } = await run.step('grant', () => decide(run, {
    purpose: 'grant', from: run.state.from, to: plan.interpreter.version, hours, planDigest: plan.digest, policyDigest: request.policyDigest, evidence: [], environments: [],
    needs: { rules, decideHours, useWithinHours, reminderHours, escalateTo }, asked: request.asked ?? null, lines, convene: { role: terms.conveneRole, by: life.clock.conveneBy },
  }), ({ result }) => ({ ok: result.outcome === 'approved', fact: result.message }));
  if (result.outcome !== 'approved') return { outcome: OUTCOME_OF[result.outcome], message: `${result.message}; nothing was changed`, objections: [] };
  // Another one may have been granted meanwhile: grants of one environment never add up to more (EE-06).
  const again = await control.exceptionTerms({ request, t: result.decidedAt });
  if (again.refused) return refused('it may not be granted any more', again.refused);
  await life.granted(result, warrant);
  return null;
}

async function activate(run: Run, life: ExceptionLife, request: ChangeRequest): Promise<RunResult> {
  const { warrant, end } = life.grant!;
  const result = await changeAsChild(run, { ...request, planDigest: run.planDigest, granted: { warrant, end } });
  life.changed(result);
  return result;
}

/** What comes after the end of the forward part: back, or for good. Nothing stops it half-way. */
async function settle(run: Run, life: ExceptionLife, ended: Ended): Promise<Ended> {
  if (!life.isStanding) {
    refuseAborts(run, `it ends: ${ended.outcome}`);
    return ended;
  }
  return ended.outcome === 'done' ? makePermanent(run, life) : revert(run, life, ended);
}

const refused = (message: string, objections: Ended['objections']): Ended => ({ outcome: 'refused', message: `${message}; nothing was changed`, objections });

function stopped(run: Run, life: ExceptionLife, error: unknown): Ended {
  rethrowMistake(error);
  const { aborting } = run.state;
  if (aborting) return { outcome: 'rolled-back', message: `${withdrawnBy(aborting)}${life.isStanding ? '' : '; nothing had been changed'}`, objections: [] };
  if (isRefusal(error)) return refused(failureText(error), objectionsOf(error));
  return { outcome: 'rolled-back', message: `${failureType(error)}: ${failureText(error)}`, objections: [] };
}
