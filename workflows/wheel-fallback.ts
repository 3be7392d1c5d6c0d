/**
 * The wheel fallback: the lock can't be installed on the primary interpreter. Assess, diagnose, climb where even the
 * fallback lacks wheels, change to it, measure, document. The change itself is `environmentChange`.
 */
import { CancellationScope } from '@temporalio/workflow';
import { NO_PLAN_YET } from '../policy/names.js';
import type { ChangeRequest, Objection, RunResult } from '../policy/model.js';
import type { FallbackDecision } from '../activities/control/contract.js';
import { assess, diagnose } from './lib/assessing.js';
import { changeAsChild } from './lib/child-change.js';
import { failureText, failureType, isRefusal, objectionsOf, rethrowMistake } from './lib/failures.js';
import { document, noFindings, refusal, type Findings, type Verdict } from './lib/findings.js';
import { climb } from './lib/ladder.js';
import { measureSpeed } from './lib/measuring.js';
import { Pager } from './lib/paging.js';
import { fallbackPlace } from './lib/planning.js';
import { Run } from './lib/run.js';

export async function wheelFallback(request: ChangeRequest): Promise<RunResult> {
  const run = new Run(request, 'fallback', null);
  const findings = noFindings();
  const verdict = await run.goForward(() => fallback(run, request, findings)).catch((error: unknown) => verdictOf(run, error));
  await CancellationScope.nonCancellable(async () => {
    await document(run, request, verdict, findings);
    await tellEnd(run, request, verdict, findings.decision?.tell ?? []);
  });
  return run.end(verdict.outcome, verdict.message, verdict.objections);
}

async function fallback(run: Run, request: ChangeRequest, findings: Findings): Promise<Verdict> {
  const assessed = await assess(run, request, findings);
  if (!('look' in assessed)) return refusal('the host or the policy forbids it', assessed.objections);
  if (assessed.decision.decision === 'not-needed') return { outcome: 'not-needed', message: assessed.decision.text, objections: [] };
  await diagnose(run, assessed, findings);
  const decision = assessed.decision.decision === 'impossible' ? await climb(run, request, assessed, findings) : assessed.decision;
  if (decision.decision !== 'fallback') return refusal(decision.text, [escalation(decision, request, findings)]);
  if (request.planDigest === NO_PLAN_YET) return refusal('every wheel is there now, and a plan can be made', [askAgain(request)]);
  return activate(run, request, decision, findings);
}

async function activate(run: Run, request: ChangeRequest, decision: FallbackDecision, findings: Findings): Promise<Verdict> {
  run.state.to = decision.to;
  run.note('fallback-activated', { from: run.state.from, to: decision.to, affected: decision.affected, causes: decision.causes });
  await run.record();
  const result = await changeAsChild(run, await fallbackPlace(run, { ...request, kind: 'fallback', to: decision.to, ...(request.asked ? { askedTo: request.to } : {}) }, decision.mode));
  const { outcome, message, objections, from, to, planDigest } = result;
  Object.assign(run.state, { from, to });
  run.planDigest = planDigest;
  findings.performance = result.performance ?? (await measureSpeed(run, result, decision.probe ?? null));
  return { outcome, message, objections };
}

/** WF-52: whoever the policy names, with where the report stands. */
async function tellEnd({ env, state, report }: Run, { run, requester, reason }: ChangeRequest, { outcome, message }: Verdict, tell: string[]): Promise<void> {
  if (tell.length === 0) return;
  const lines = [`${state.from ?? 'nothing'} → ${state.to ?? 'no change'}`, message, ...(report === null ? [] : [`report: ${env.host}:${report}`])];
  await new Pager({ run, kind: 'fallback', env, requester, reason }).page({ event: 'report', subject: `${run}: fallback ${outcome}`, severity: outcome === 'done' || outcome === 'not-needed' ? 'info' : 'warning', lines, command: `runbook show ${run} --report md`, deadline: null, to: tell, otherwise: [] });
}

/** All rungs failed: who can do something, and what there is for them. */
function escalation(decision: FallbackDecision, request: ChangeRequest, { proposals, builds }: Findings): Objection {
  const proposed = proposals.filter(({ tried }) => tried.installed && tried.imports.passed === tried.imports.total);
  const wayOut = proposed.length > 0
    ? `a lock that deviates from the pins was tried and works (${proposed.map(({ rung }) => `proposed-${rung}.lock`).join(', ')}): have whoever approves locks approve it, commit it, run again`
    : `ask the vendors of the packages named${builds.length > 0 ? ' (vendor_support.md has what was tried)' : ''}, or the owner of the lock; runbook show says which and why`;
  return { what: `the lock of ${request.env.link}`, expected: 'wheels for the fallback interpreter', got: decision.text, wayOut };
}

/** What was agreed to was the build; the plan it made possible asks for itself. */
const askAgain = ({ env }: ChangeRequest): Objection => ({ what: 'the plan agreed to', expected: 'one with the wheels that were built, by hash', got: 'none yet', wayOut: `runbook run fallback ${env.link}` });

function verdictOf(run: Run, error: unknown): Verdict {
  rethrowMistake(error);
  const { aborting } = run.state;
  if (aborting) return { outcome: 'rolled-back', message: `stopped by ${aborting.by}: ${aborting.reason}; nothing had been changed`, objections: [] };
  if (isRefusal(error)) return refusal(failureText(error), objectionsOf(error));
  return { outcome: 'rolled-back', message: `${failureType(error)}: ${failureText(error)}; nothing was changed`, objections: [] };
}
