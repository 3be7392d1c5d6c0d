/**
 * The wheel fallback: the lock can't be installed on the primary interpreter. Assess, decide, change to the fallback,
 * document. The change itself is `environmentChange`.
 */
import { CancellationScope, sleep } from '@temporalio/workflow';
import type { ChangeRequest, HostLook, LockVerdict, Objection, Outcome, RunResult } from '../policy/model.js';
import type { FallbackDecision } from '../activities/control/contract.js';
import { failureText, failureType, isRefusal, objectionsOf, rethrowMistake } from './lib/failures.js';
import { callHost, control } from './lib/host.js';
import { changeAsChild } from './lib/child-change.js';
import { chooseOn, fallbackPlace, judge, lookAt } from './lib/planning.js';
import { Run } from './lib/run.js';

/** How it stands before it is said: documents are written first, for failures too (WF-53). */
interface Verdict {
  outcome: Outcome;
  message: string;
  objections: Objection[];
}

/** What was found out on the way, for the documents. */
interface Findings {
  look: HostLook | null;
  verdicts: LockVerdict[];
  decision: FallbackDecision | null;
  frozen: string[];
}

/** A question the index did not answer is asked three times in all, 5 s and 20 s apart; then a person is asked. */
const ASK_AGAIN_AFTER = ['5 seconds', '20 seconds'] as const;

export async function wheelFallback(request: ChangeRequest): Promise<RunResult> {
  const run = new Run(request, 'fallback', null);
  const findings: Findings = { look: null, verdicts: [], decision: null, frozen: [] };
  const verdict = await run.goForward(() => fallback(run, request, findings)).catch((error: unknown) => verdictOf(run, error));
  await CancellationScope.nonCancellable(() => document(run, request, verdict, findings));
  return run.end(verdict.outcome, verdict.message, verdict.objections);
}

async function fallback(run: Run, request: ChangeRequest, findings: Findings): Promise<Verdict> {
  const decision = await run.step('assess', () => assess(run, request, findings), (d) => ({ ok: d.decision === 'fallback' || d.decision === 'not-needed', fact: d.text, data: { decision: d.decision, affected: d.affected, causes: d.causes } }));
  if (!('to' in decision)) return refusal('the host or the policy forbids it', decision.objections);
  if (decision.decision === 'not-needed') return { outcome: 'not-needed', message: decision.text, objections: [] };
  if (decision.decision !== 'fallback') return refusal(decision.text, [escalation(decision, request)]);
  run.state.to = decision.to;
  run.note('fallback-activated', { from: run.state.from, to: decision.to, affected: decision.affected, causes: decision.causes });
  await run.record();
  const { outcome, message, objections, from, to, planDigest } = await changeAsChild(run, await fallbackPlace(run, { ...request, kind: 'fallback', to: decision.to }, decision.mode));
  Object.assign(run.state, { from, to });
  run.planDigest = planDigest;
  return { outcome, message, objections };
}

type Assessed = FallbackDecision | { decision: 'refused'; text: string; affected: string[]; causes: FallbackDecision['causes']; objections: Objection[] };

/** Steps 1 and 2 of the documents: versions, tools, imports, and every pin judged for both interpreters. */
async function assess(run: Run, request: ChangeRequest, findings: Findings): Promise<Assessed> {
  const look = await lookAt(run, request, false);
  findings.look = look;
  run.state.from = look.current?.version ?? null;
  const chosen = await chooseOn(request, look);
  if (chosen.refused) return { decision: 'refused', text: `refused: ${chosen.refused[0]!.what}`, affected: [], causes: {}, objections: chosen.refused };
  for (let asked = 0; ; asked++) {
    const decision = await decide(run, request, chosen.interpreters, findings);
    const pause = ASK_AGAIN_AFTER[asked];
    if (decision.decision !== 'could-not-tell' || !pause) return decision;
    await sleep(pause, { summary: 'ask the index again' });
  }
}

async function decide(run: Run, request: ChangeRequest, interpreters: Parameters<typeof judge>[1], findings: Findings): Promise<FallbackDecision> {
  const [verdicts, live] = await Promise.all([judge(run, interpreters), callHost(run, 'imports and tools of the live environment', (host) => host.probeLive({ env: run.env, modules: request.assessImports ?? [] }))]);
  findings.verdicts = verdicts;
  findings.frozen = live.frozen;
  run.note('assessed', { python: live.python, tools: live.tools, missing: Object.fromEntries(verdicts.map((v) => [v.version, v.missing])) });
  findings.decision = await control.decideFallback({ request, verdicts, imports: live.imports });
  return findings.decision;
}

/** Every log and report of the documents, from one record (DIS-16). What can't be written is on record, and no more. */
async function document(run: Run, request: ChangeRequest, verdict: Verdict, findings: Findings): Promise<void> {
  if (!findings.look || findings.look.objections.length > 0) return;
  const { state } = run;
  const { project } = findings.look;
  const record = {
    result: { run: state.run, kind: 'fallback' as const, env: run.env, from: state.from, to: state.to, planDigest: run.planDigest, steps: state.steps, ...verdict },
    reason: request.reason, requester: request.requester, verdicts: findings.verdicts, decision: findings.decision?.text ?? '', causes: findings.decision?.causes ?? {}, ...(findings.frozen.length > 0 ? { frozen: findings.frozen } : {}), at: new Date().toISOString(),
  };
  const write = async () => {
    const documents = await control.renderDocuments(record);
    return callHost(run, 'write logs and report', (host) => host.writeDocuments({ env: run.env, run: state.run, documents }), { scheduleToCloseTimeout: '10 minutes' });
  };
  run.report = `${project}/fallback_report.md`;
  await run.step('document', write, (done) => ({ fact: done.written.join(', ') || 'nothing to write' })).catch(() => (run.report = null));
}

const refusal = (message: string, objections: Objection[]): Verdict => ({ outcome: 'refused', message: `${message}; nothing was changed`, objections });

function escalation(decision: FallbackDecision, request: ChangeRequest): Objection {
  return { what: `the lock of ${request.env.link}`, expected: 'wheels for the fallback interpreter', got: decision.text, wayOut: 'ask the vendors of the packages named, or the owner of the lock; runbook show says which and why' };
}

function verdictOf(run: Run, error: unknown): Verdict {
  rethrowMistake(error);
  const { aborting } = run.state;
  if (aborting) return { outcome: 'rolled-back', message: `stopped by ${aborting.by}: ${aborting.reason}; nothing had been changed`, objections: [] };
  if (isRefusal(error)) return refusal(failureText(error), objectionsOf(error));
  return { outcome: 'rolled-back', message: `${failureType(error)}: ${failureText(error)}; nothing was changed`, objections: [] };
}
