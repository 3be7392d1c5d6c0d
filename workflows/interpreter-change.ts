/**
 * The interpreter change: technical review, CI validation, integration, security review, document update, CAB, in this order,
 * none skipped, each with its evidence by digest (AP-04 to AP-10). It touches no host: what it approves is an exact version for
 * named environments (AP-13).
 */
import { condition, setHandler, workflowInfo } from '@temporalio/workflow';
import { sha256Hex } from '../policy/canonical.js';
import { parseWorkflowId } from '../policy/ids.js';
import type { ReviewState, ReviewStep, Warrant } from '../policy/model-approval.js';
import type { ReviewRequest, RunResult } from '../policy/model.js';
import type { ControlActivities } from '../activities/control/contract.js';
import { decide, OUTCOME_OF } from './lib/deciding.js';
import { documentProblem } from './lib/documents.js';
import type { Ended } from './lib/exception-life.js';
import { failureText, failureType, isRefusal, objectionsOf, rethrowMistake } from './lib/failures.js';
import { control } from './lib/host.js';
import { admit } from './lib/permitting.js';
import { Run } from './lib/run.js';
import { HOUR_MS, iso } from './lib/time.js';
import { refuseUnfit } from './lib/messages-fit.js';
import { evidenceUpdate, type EvidenceInput } from './messages.js';

export interface ReviewResult extends RunResult {
  /** Of the CAB's decision, where it approved. */
  warrant: Warrant | null;
}

type Terms = Extract<Awaited<ReturnType<ControlActivities['reviewTerms']>>, { refused: null }>;

export async function interpreterChange(request: ReviewRequest): Promise<ReviewResult> {
  const run = new Run(request, 'interpreter-change', null);
  run.state.from = request.from;
  run.state.to = request.to;
  const review = new Review(run, request);
  const ended = await run.goForward(() => review.carryOut()).catch((error: unknown) => stopped(run, error));
  const result = await run.end(ended.outcome, ended.message, ended.objections);
  return { ...result, warrant: ended.outcome === 'done' ? review.warrant : null };
}

class Review {
  warrant: Warrant | null = null;
  private readonly state: ReviewState = { steps: [], open: null, missing: [] };
  /** Steps that want the policy raised. */
  private raised = new Set<string>();

  constructor(private readonly run: Run, private readonly request: ReviewRequest) {
    run.state.review = this.state;
    setHandler(evidenceUpdate, (input) => this.takeEvidence(input), { validator: refuseUnfit });
  }

  async carryOut(): Promise<Ended> {
    const { run, request } = this;
    const terms = await control.reviewTerms({ request });
    if (terms.refused) return { outcome: 'refused', message: 'the policy has no review for this', objections: terms.refused };
    // The final review of an exception is ordered by the exception, whose requester was admitted.
    const objections = isFinalReview(request) ? [] : await admit(run, request, []);
    if (objections.length > 0) return { outcome: 'refused', message: 'nobody asked for it with a signature of their own', objections };
    this.state.steps = terms.steps.map(({ name }) => ({ name, outcome: null, by: [], evidence: [] }));
    this.raised = new Set(terms.steps.filter(({ policyRevision }) => policyRevision).map(({ name }) => name));
    for (const step of terms.steps) {
      const ended = await this.stepOf(terms, step);
      if (ended) return ended;
    }
    return { outcome: 'done', message: `${request.to} is approved for ${request.environments.join(', ')}`, objections: [] };
  }

  /** One step: its evidence, then whoever decides on it. null: go on. */
  private async stepOf(terms: Terms, step: Terms['steps'][number]): Promise<Ended | null> {
    const { run } = this;
    this.state.open = step.name;
    const opened = Date.now();
    const limitMs = terms.decideHours * HOUR_MS;
    const decided = await run.step(step.name, async () => {
      if (!(await this.evidenceFor(step, limitMs))) return { outcome: 'expired' as const, message: `no ${this.state.missing.join(', ')} within ${terms.decideHours} h` };
      return this.ask(terms, step, limitMs - (Date.now() - opened));
    }, ({ outcome, message }) => ({ ok: outcome === 'approved', fact: message, data: { evidence: this.evidenceOf(step.name) } }));
    this.state.open = null;
    this.stateOf(step.name).outcome = decided.outcome;
    if (decided.outcome === 'approved') return null;
    return { outcome: OUTCOME_OF[decided.outcome], message: `${step.name}: ${decided.message}`, objections: [] };
  }

  private async ask(terms: Terms, { name, rules }: Terms['steps'][number], leftMs: number): Promise<{ outcome: 'approved' | 'denied' | 'expired' | 'withdrawn'; message: string }> {
    const { run, request } = this;
    const { useWithinHours, reminderHours, escalateTo } = terms;
    // Everything that was handed in so far: who decides last decides on all of it.
    const evidence = this.state.steps.flatMap((step) => step.evidence.map((one) => ({ name: one.name, sha256: one.sha256 })));
    const { result, warrant } = await decide(run, {
      purpose: name, from: request.from, to: request.to, hours: null, planDigest: null, policyDigest: request.policyDigest, evidence, environments: request.environments.slice(1),
      needs: { rules, decideHours: leftMs / HOUR_MS, useWithinHours, reminderHours, escalateTo }, asked: request.asked ?? null, lines: this.lines(),
    });
    this.stateOf(name).by = result.counted.filter(({ verdict }) => verdict === 'approve').map(({ person }) => person);
    if (result.outcome === 'approved') {
      this.warrant = warrant;
      run.allowedBy(result);
    }
    return result;
  }

  /** Waits until every document of the step is there; for AP-07 until the policy in force is the newer revision. */
  private async evidenceFor(step: ReviewStep, limitMs: number): Promise<boolean> {
    const missing = () => step.evidence.filter((name) => !this.evidenceOf(step.name).some((one) => one.name === name));
    this.state.missing = missing();
    if (this.state.missing.length === 0) return true;
    return this.run.waitingFor({ what: `${this.state.missing.join(', ')} of ${step.name}`, until: iso(Date.now() + limitMs), command: `runbook evidence ${this.request.run} ${step.name} FILE` }, async () => {
      const isThere = await condition(() => missing().length === 0, limitMs, { summary: `evidence for ${step.name}` });
      this.state.missing = missing();
      return isThere;
    });
  }

  /** By anybody: who decides on the step signs its digest. Once for each name. */
  private async takeEvidence({ step, name, document, by }: EvidenceInput): Promise<{ taken: boolean; message: string }> {
    const said = (message: string) => ({ taken: false, message });
    const problem = documentProblem(document) ?? this.notWanted(step, name) ?? (await this.revisionProblem(step)) ?? this.notWanted(step, name);
    if (problem !== null) return said(problem);
    const sha256 = sha256Hex(document);
    this.stateOf(step).evidence.push({ name, sha256, by });
    this.run.note('evidence', { step, name, sha256, by }, by, [document]);
    await this.run.recordOrGoOn();
    return { taken: true, message: `taken: ${name} sha256:${sha256}` };
  }

  /** Asked again after anything was awaited: somebody else may have handed it in meanwhile, or the step may have ended. */
  private notWanted(step: string, name: string): string | null {
    const known = this.state.steps.find((one) => one.name === step);
    if (!known) return `expected a step of ${this.state.steps.map((one) => one.name).join(', ')}, got ${step}`;
    if (this.state.open !== step) return known.outcome === null ? `${step} is not open yet: ${this.state.open ?? 'no step'} is` : `${step} is decided: ${known.outcome}`;
    if (known.evidence.some((one) => one.name === name)) return `${name} was handed in already`;
    return this.state.missing.includes(name) ? null : `expected ${this.state.missing.join(', ') || 'nothing more'}, got ${name}`;
  }

  /** AP-07: a policy that is not raised has not been updated. */
  private async revisionProblem(step: string): Promise<string | null> {
    if (!this.raised.has(step)) return null;
    const { policyDigest, to, env } = this.request;
    const { ok, problem } = await control.checkRevision({ policyDigest, to, host: env.host });
    return ok ? null : problem;
  }

  private lines(): string[] {
    const { from, to, environments } = this.request;
    return [`interpreter change ${from ?? 'nothing'} → ${to}`, ...environments.map((name) => `  for ${name}`), ...this.state.steps.flatMap(({ name, outcome, by, evidence }) => [`  ${name}: ${outcome ?? 'open'}${by.length > 0 ? `, by ${by.join(', ')}` : ''}`, ...evidence.map((one) => `    ${one.name} sha256:${one.sha256}, from ${one.by}`)])];
  }

  private stateOf(name: string): ReviewState['steps'][number] {
    return this.state.steps.find((step) => step.name === name)!;
  }

  private evidenceOf(name: string): ReviewState['steps'][number]['evidence'] {
    return this.stateOf(name).evidence;
  }
}

/** Ordered by the exception itself, with whose id this one's ends alike. */
function isFinalReview({ exception }: ReviewRequest): boolean {
  const { parent, workflowId } = workflowInfo();
  const ordering = parent ? parseWorkflowId(parent.workflowId) : null;
  return exception !== undefined && ordering?.kind === 'exception' && ordering.ulid === parseWorkflowId(workflowId)?.ulid;
}

function stopped(run: Run, error: unknown): Ended {
  rethrowMistake(error);
  const { aborting } = run.state;
  if (aborting) return { outcome: 'rolled-back', message: `stopped by ${aborting.by}: ${aborting.reason}`, objections: [] };
  return { outcome: 'refused', message: isRefusal(error) ? failureText(error) : `${failureType(error)}: ${failureText(error)}`, objections: objectionsOf(error) };
}
