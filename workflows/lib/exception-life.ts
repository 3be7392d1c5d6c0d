/** What an exception knows of itself: its clock (EE-12), its grant, what was handed in, and whom it tells. */
import { setHandler, workflowInfo } from '@temporalio/workflow';
import { sha256Hex } from '../../policy/canonical.js';
import { parseWorkflowId } from '../../policy/ids.js';
import type { DecisionResult, ExceptionClock, ExceptionTerms, Warrant } from '../../policy/model-approval.js';
import type { ChangeRequest, Objection, Outcome, RunResult } from '../../policy/model.js';
import { rootCauseText } from '../../policy/signed-texts.js';
import { rootCauseUpdate, type RootCauseInput } from '../messages.js';
import { documentProblem } from './documents.js';
import { failureText, rethrowMistake } from './failures.js';
import { control, verifyVote } from './host.js';
import { Pager } from './paging.js';
import type { Run } from './run.js';
import { HOUR_MS, iso, now } from './time.js';

/** How an exception, or a part of it, ended. */
export interface Ended {
  outcome: Outcome;
  message: string;
  objections: Objection[];
}

export class ExceptionLife {
  readonly clock: ExceptionClock;
  terms: ExceptionTerms | null = null;
  grant: { warrant: Warrant; end: string } | null = null;
  /** First execution run id of the change; null: nothing stands. */
  chain: string | null = null;
  /** Warrant of the final review, where it approved. */
  permanent: Warrant | null = null;
  private readonly pager: Pager;

  constructor(private readonly run: Run, private readonly request: ChangeRequest) {
    this.clock = {
      ground: request.ground!, hours: request.hours ?? 0, declaredAt: now(), conveneBy: '', convenedAt: null, grantedAt: null, expiresAt: null, expiresLocal: null,
      rootCause: null, review: null, ending: null,
    };
    this.pager = new Pager({ run: request.run, kind: 'exception', env: request.env, requester: request.requester, reason: request.reason });
    run.state.exception = this.clock;
    setHandler(rootCauseUpdate, (input) => this.takeRootCause(input));
  }

  /** The change stands: it must end by itself, or for good. */
  get isStanding(): boolean {
    return this.chain !== null;
  }

  declared(terms: ExceptionTerms): void {
    this.terms = terms;
    this.clock.conveneBy = iso(Date.parse(this.clock.declaredAt) + terms.conveneHours * HOUR_MS);
  }

  /** EE-05: the time runs from the deciding vote. */
  async granted({ counted, decidedAt, ...result }: DecisionResult, warrant: Warrant): Promise<void> {
    const { hours } = this.terms!;
    const end = iso(Date.parse(decidedAt) + hours * HOUR_MS);
    this.grant = { warrant, end };
    const placed = await control.placeEnd({ policyDigest: this.request.policyDigest, from: decidedAt, hours });
    Object.assign(this.clock, { grantedAt: decidedAt, expiresAt: end, expiresLocal: placed.local });
    this.run.allowedBy({ counted, decidedAt, ...result });
    this.run.note('granted', { hours, grantedAt: decidedAt, expiresAt: end, end, from: this.run.state.from, to: this.run.state.to });
    await this.run.record();
    await this.page('granted', `${this.request.run}: granted until ${placed.local}`, 'warning', [`granted for ${hours} h by ${counted.map(({ person }) => person).join(', ')}`, ...(placed.conflict ? [`its end falls into ${placed.conflict}`] : [])]);
  }

  changed({ outcome, chain }: RunResult): void {
    if (outcome === 'done' || outcome === 'rollback-incomplete') this.chain = chain ?? null;
  }

  /** Tells everybody who watches; `critical` goes on to whoever comes next. */
  async page(event: Parameters<Pager['page']>[0]['event'], subject: string, severity: 'info' | 'warning' | 'critical', lines: string[], command: string | null = null): Promise<void> {
    const { terms, clock, request } = this;
    await this.pager.page({ event, subject, severity, lines: [`${this.run.state.from ?? 'nothing'} → ${this.run.state.to ?? request.to}`, ...lines], command, deadline: clock.expiresAt, to: terms?.watchers ?? [], otherwise: terms?.escalateTo ?? [] });
  }

  async tellEnd({ outcome, message }: Ended): Promise<void> {
    if (this.terms === null) return;
    const isBad = outcome === 'rollback-incomplete' || outcome === 'superseded';
    await this.page(isBad ? 'revert-failed' : (this.clock.ending ?? 'closed'), `${this.request.run} ended: ${outcome}`, isBad ? 'critical' : 'warning', [message], `runbook show ${this.request.run}`);
  }

  private rootCauseProblem(): string | null {
    const { grantedAt, ending, rootCause } = this.clock;
    if (grantedAt === null || ending !== null || this.run.state.outcome !== null) return 'there is no grant to explain now';
    return rootCause ? `${rootCause.by} handed it in already` : null;
  }

  /** EE-07. Judged like a vote: by key and role, at its time. The first that counts is taken. */
  private async takeRootCause({ text, signature, document }: RootCauseInput): Promise<{ taken: boolean; message: string }> {
    const t = now();
    const ulid = parseWorkflowId(workflowInfo().workflowId)?.ulid ?? '';
    const said = (message: string) => ({ taken: false, message });
    const early = this.rootCauseProblem() ?? documentProblem(document);
    if (early !== null) return said(early);
    const sha256 = sha256Hex(document);
    if (text !== rootCauseText(this.request.run, ulid, workflowInfo().namespace, sha256)) return said('the signed text is not that of this document and run');
    const verdict = await verifyVote({ text, signature, t }, 'runbook.statement').catch((error: unknown) => {
      rethrowMistake(error);
      return failureText(error);
    });
    if (typeof verdict === 'string') return said(`could not be verified: ${verdict}`);
    const { rootCauseRole } = this.terms!;
    if (!verdict.valid || verdict.person === null) return said(verdict.reason);
    if (!verdict.roles.some(({ role }) => role === rootCauseRole)) return said(`${verdict.person} has no role ${rootCauseRole}`);
    // Meanwhile it may have ended, or somebody else may have handed it in.
    const late = this.rootCauseProblem();
    if (late !== null) return said(late);
    this.clock.rootCause = { by: verdict.person, at: t, sha256 };
    this.run.note('root-cause', { by: verdict.person, sha256, signed: { text, signature } }, verdict.person, [document]);
    await this.run.recordOrGoOn();
    return { taken: true, message: `taken from ${verdict.person}; the final review begins` };
  }
}
