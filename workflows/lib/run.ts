/** One run: what it knows of itself, what it tells, and what it puts on record. Every runbook is written with it. */
import { CancellationScope, condition, allHandlersFinished, patched, setHandler, workflowInfo } from '@temporalio/workflow';
import type { RunState } from '../../policy/describe.js';
import { formatEnvironment } from '../../policy/ids.js';
import type { DecisionResult } from '../../policy/model-approval.js';
import type { EnvironmentRef, Objection, Outcome, RunKind, RunResult, StepReport, Tuning } from '../../policy/model.js';
import type { AuditEntry, Head } from '../../policy/records.js';
import type { LeaseHolder, Order } from '../../activities/host/contract.js';
import { abortSignal, abortUpdate, statusQuery, type AbortInput, type Progress } from '../messages.js';
import { failureText, failureType, objectionsOf } from './failures.js';
import { DEFAULT_TUNING } from './host.js';
import { refuseUnfit, unfit } from './messages-fit.js';
import { RunDisplay } from './run-display.js';
import { RunRecords } from './run-records.js';

/** What every request has. */
export interface RunInput {
  run: string;
  env: EnvironmentRef;
  reason: string;
  requester: string;
  policyDigest?: string;
  tuning?: Tuning;
}

export interface StepFact {
  /** False: the step did its work, and its answer was no. Default: true. */
  ok?: boolean;
  fact: string;
  workMs?: number;
  data?: AuditEntry['data'];
  /** Texts that the data names by digest, kept with it. */
  evidence?: string[];
}

type Wait = NonNullable<RunState['waitsFor']>;

/** What is said of a run's approval until people decided. An undo needs nobody's leave: it was armed with the change. */
const APPROVAL: Record<RunKind, string> = { change: 'policy pre-approved', fallback: 'policy pre-approved', rollback: 'armed with the change', exception: 'not yet', 'interpreter-change': 'not yet' };

export class Run {
  readonly env: EnvironmentRef;
  readonly tuning: Tuning;
  readonly state: RunState;
  epoch = 0;
  planDigest: string | null = null;
  trees: RunResult['trees'];
  performance: RunResult['performance'];
  approval: RunResult['approval'];
  /** Path of the report on the host, where one was written. */
  report: string | null = null;
  /** Why an abort is not taken any more; null: it is. */
  pastAbort: string | null = null;
  private orders = 0;
  private readonly display: RunDisplay;
  /** From the undo on, nothing waits for the records (invariant 10). */
  undoing = false;
  private readonly forward = new CancellationScope();

  /** `parent`: workflow id of the run that ordered this change; its steps are told there, and it says start and end. `records`: where it keeps none. */
  constructor(private readonly input: RunInput, readonly kind: RunKind, private readonly parent: string | null, private readonly records = new RunRecords(input, kind)) {
    this.env = input.env;
    this.tuning = input.tuning ?? DEFAULT_TUNING;
    this.display = new RunDisplay(parent);
    this.state = {
      run: input.run, kind, where: formatEnvironment(input.env), requester: input.requester, reason: input.reason,
      from: null, to: null, step: null, steps: [], waitsFor: null, aborting: null, outcome: null, message: '',
    };
    // Before the handlers: an abort that came with the first task is taken as soon as there is one for it.
    if (!parent) this.note('run-started', { policyDigest: input.policyDigest ?? null, approval: APPROVAL[kind] });
    setHandler(statusQuery, () => this.state);
    setHandler(abortUpdate, (abort) => this.abort(abort), { validator: refuseUnfit });
    setHandler(abortSignal, (abort) => void (unfit(abort) ?? this.abort(abort)));
    this.show();
  }

  /** The first abort is taken; later ones are answered with it. */
  abort(abort: AbortInput): { taken: boolean; message: string } {
    const { aborting, outcome } = this.state;
    if (outcome) return { taken: false, message: `it has ended: ${outcome}` };
    if (aborting) return { taken: false, message: `already asked by ${aborting.by}: ${aborting.reason}` };
    if (this.pastAbort) return { taken: false, message: this.pastAbort };
    this.takeAbort(abort);
    this.forward.cancel();
    this.show();
    return { taken: true, message: this.kind === 'rollback' ? 'noted; an undo is not stopped half-way' : 'stops and undoes' };
  }

  /** Runs the forward part: an abort cancels it, and what comes after it is not cancelled. */
  async goForward<T>(act: () => Promise<T>): Promise<T> {
    // A native cancel names nobody: it counts as an abort by Temporal (decision 19).
    return this.forward.run(act).catch((error: unknown) => {
      this.noteCancel(error);
      throw error;
    });
  }

  /** Gives a cancellation its author. */
  noteCancel(error: unknown): void {
    if (failureType(error) === 'Cancelled' && !this.state.aborting) this.takeAbort({ by: 'temporal', reason: 'cancelled' });
  }

  private takeAbort(abort: AbortInput): void {
    this.state.aborting = abort;
    this.note('aborted', { reason: abort.reason }, abort.by);
  }

  /** First execution run id: unchanged by reset and continue-as-new. */
  get chain(): string {
    return workflowInfo().firstExecutionRunId;
  }

  /** The right to act on the host as the next step of this run. */
  order(step: string): Order {
    return { env: this.env, run: this.input.run, workflowId: workflowInfo().workflowId, chain: this.chain, epoch: this.epoch, seq: ++this.orders, step, reissued: 0 };
  }

  /**
   * Runs one step as the operator thinks of it: shown while it runs, and on record before the next begins. `isAside`: nothing that
   * follows depends on it, nor waits for its record.
   */
  async step<T>(name: string, act: () => Promise<T>, tell: (result: T) => StepFact, isAside = false): Promise<T> {
    const startedAt = new Date().toISOString();
    this.state.step = name;
    this.show();
    let isTold = false;
    try {
      const result = await act();
      const told = tell(result);
      this.finish({ step: name, ok: told.ok ?? true, startedAt }, told);
      isTold = true;
      if (isAside) await this.recordOrGoOn();
      else await (this.undoing ? this.recordOrGoOn() : this.record());
      return result;
    } catch (error) {
      this.noteCancel(error);
      // Told, and stopped while it was put on record: older executions told it once more, as failed.
      if (!isTold || !patched('step-told-once')) this.finish({ step: name, ok: false, startedAt }, { fact: this.whyFailed(error), data: { type: failureType(error), objections: objectionsOf(error) as never } });
      throw error;
    }
  }

  private whyFailed(error: unknown): string {
    const { aborting } = this.state;
    return failureType(error) === 'Cancelled' && aborting ? `stopped by ${aborting.by}: ${aborting.reason}` : failureText(error);
  }

  private finish(step: Pick<StepReport, 'step' | 'ok' | 'startedAt'>, { fact, workMs, data, evidence = [] }: StepFact): void {
    const report: StepReport = { ...step, fact, workMs: workMs ?? 0, endedAt: new Date().toISOString() };
    this.state.steps.push(report);
    this.state.step = null;
    this.records.note(step.ok ? 'step-done' : 'step-failed', { ...report, ...data } as AuditEntry['data'], evidence);
    this.show();
  }

  /** Shows the steps of an ordered change behind this run's own first `ordered` ones. */
  showChild(ordered: number, { steps, step, waitsFor, decision }: Progress): void {
    this.state.steps = [...this.state.steps.slice(0, ordered), ...steps];
    this.state.step = step;
    this.state.waitsFor = waitsFor;
    if (decision) this.state.decision = decision;
    this.show();
  }

  /** While something is waited for, the run says so. */
  async waitingFor<T>(wait: Wait, act: () => Promise<T>): Promise<T> {
    // A host that does not answer while the end of an exception is waited for: afterwards the end is waited for again.
    const before = this.kind === 'exception' ? this.state.waitsFor : null;
    this.state.waitsFor = wait;
    this.show();
    this.note('phase', { phase: 'waiting', message: `waits for ${wait.what}`, waitsFor: [wait.what] });
    try {
      await this.recordOrGoOn();
      return await act();
    } finally {
      this.state.waitsFor = before;
      this.show();
    }
  }

  /** Shows where the decision stands that this run waits for; `convenedAt`: when the first vote was counted. */
  showDecision(shown: Partial<NonNullable<RunState['decision']>>, convenedAt: string | null = null): void {
    this.state.decision = { request: '', workflowId: '', purpose: '', outcome: null, progress: '', ...this.state.decision, ...shown };
    if (this.state.exception && convenedAt !== null) this.state.exception.convenedAt = convenedAt;
    this.show();
  }

  /** Who allowed it: on record, and in the result. */
  allowedBy({ counted, decidedAt }: DecisionResult): void {
    const by = counted.filter(({ verdict }) => verdict === 'approve').map(({ person }) => person);
    this.approval = { by, at: decidedAt };
    this.note('phase', { phase: 'approved', message: `allowed by ${by.join(', ')}`, approval: by.join(', ') });
  }

  /** Puts on record that another run ended without closing, which this one found out. */
  async tellEnded(holder: LeaseHolder, result: 'freed' | 'unsettled'): Promise<void> {
    this.records.noteEnded(holder, result);
    await this.recordOrGoOn();
  }

  /** Puts an entry on the list that the next `record` writes. */
  note(event: AuditEntry['event'], data: AuditEntry['data'], actor?: string, evidence: string[] = []): void {
    this.records.note(event, data, evidence, actor);
  }

  /** Writes what was noted; forward waits for it (invariant 10). */
  record(): Promise<Head | null> {
    return this.records.write();
  }

  /** Tries to write what was noted, and goes on. */
  recordOrGoOn(): Promise<void> {
    return this.records.writeOrGoOn();
  }

  /** Ends the run. The only place where an outcome is said. */
  async end(outcome: Outcome, message: string, objections: Objection[] = []): Promise<RunResult> {
    return CancellationScope.nonCancellable(async () => {
      this.state.outcome = outcome;
      this.state.message = message;
      const result = this.result(outcome, message, objections);
      if (!this.parent || this.display.isOrphan) this.note('outcome', { outcome, message, from: result.from, to: result.to, planDigest: result.planDigest, report: this.report, objections: objections as never });
      this.show();
      await this.record();
      await condition(allHandlersFinished);
      return result;
    });
  }

  private result(outcome: Outcome, message: string, objections: Objection[]): RunResult {
    const { run, env } = this.input;
    const { from, to, steps, exception } = this.state;
    return { run, kind: this.kind, env, outcome, message, from, to, planDigest: this.planDigest, steps, objections, ...(this.trees ? { trees: this.trees } : {}), ...(this.performance ? { performance: this.performance } : {}), ...(this.approval ? { approval: this.approval } : {}), ...(this.kind === 'exception' ? { chain: this.chain } : {}), ...(exception ? { exception } : {}) };
  }

  private show(): void {
    this.display.show(this.state);
  }
}
