/**
 * One decision: who may, votes, each with a signature of its own, until the quorum is there, it can't be reached any more, or the
 * deadline comes. A child of the run that asks, so that the noise of votes never fills the run's own history.
 */
import { allHandlersFinished, ApplicationFailure, CancellationScope, condition, getExternalWorkflowHandle, isCancellation, setHandler } from '@temporalio/workflow';
import { closeAt, isPending, judgeVote, MAX_REFUSALS, openDecision, progressOf, resultOf, takeVote, voteProblem, withdraw } from '../policy/approval.js';
import type { DecisionRequest, DecisionResult, DecisionState, SignatureVerdict, Vote, VoteAnswer, VoteInput } from '../policy/model-approval.js';
import { FAILURE } from '../policy/names.js';
import { decisionQuery, decisionSignal, voteUpdate } from './messages.js';
import { closedPage, DecisionDisplay, openedPage, overduePage, reminderPage } from './lib/decision-display.js';
import { rethrowMistake } from './lib/failures.js';
import { verifyVote } from './lib/host.js';
import { Pager } from './lib/paging.js';
import { RunRecords } from './lib/run-records.js';
import { now } from './lib/time.js';

export async function decision(request: DecisionRequest): Promise<DecisionResult> {
  const ballot = new Ballot(request);
  await ballot.untilDecided().catch((error: unknown) => {
    if (!isCancellation(error)) throw error;
    ballot.withdraw();
  });
  return CancellationScope.nonCancellable(() => ballot.close());
}

class Ballot {
  private state: DecisionState;
  private readonly records: RunRecords;
  private readonly pager: Pager;
  private readonly display = new DecisionDisplay();
  private readonly answers = new Map<number, VoteAnswer>();

  constructor(private readonly request: DecisionRequest) {
    const { facts } = request;
    this.records = new RunRecords(facts, facts.kind);
    this.pager = new Pager(facts);
    this.state = openDecision(request);
    setHandler(decisionQuery, () => this.state);
    setHandler(voteUpdate, (input) => CancellationScope.nonCancellable(() => this.takeAndAnswer(input)), {
      validator: (input) => {
        const problem = voteProblem(this.state, input, now());
        if (problem !== null) throw ApplicationFailure.nonRetryable(problem, FAILURE.NotApproved);
      },
    });
    this.display.show(this.state);
  }

  private become(next: DecisionState): void {
    this.state = next;
    this.display.show(next);
  }

  /** Its place and its time are taken before anything is awaited; nothing that was checked before an await is used after it. */
  private async takeAndAnswer(input: VoteInput): Promise<VoteAnswer> {
    const { state: taken, vote } = takeVote(this.state, input, now());
    this.become(taken);
    const verdict = await verify(vote);
    const judged = judgeVote(this.state, vote.seq, verdict);
    // Several verdicts may come in at once: the limit is passed, and not always met.
    const isClosed = this.state.refused.length < MAX_REFUSALS && judged.state.refused.length >= MAX_REFUSALS;
    this.become(judged.state);
    for (const { seq, answer } of judged.answers) {
      this.answers.set(seq, answer);
      this.note(seq, answer);
    }
    if (isClosed) void this.pager.page(closedPage(this.state));
    if (judged.answers.some(({ answer }) => answer.counted)) await this.tellRun();
    await condition(() => this.answers.has(vote.seq));
    await this.records.writeOrGoOn();
    return this.answers.get(vote.seq)!;
  }

  private note(seq: number, { message }: VoteAnswer): void {
    const { facts } = this.request;
    const counted = this.state.counted.find((vote) => vote.seq === seq);
    const refused = this.state.refused.find((vote) => vote.seq === seq);
    if (counted) this.records.note('vote', { request: facts.request, vote: counted as never, message }, [], counted.person);
    if (refused) this.records.note('vote-refused', { request: facts.request, vote: refused as never, message }, [], refused.person ?? 'unknown');
  }

  private async tellRun(): Promise<void> {
    const { facts, workflowId } = this.request;
    const progress = { request: facts.request, progress: progressOf(this.state), convenedAt: this.state.convenedAt };
    await getExternalWorkflowHandle(workflowId).signal(decisionSignal, progress).catch(rethrowMistake);
  }

  /** Waits until it is decided; true: it is. */
  private decidedBy(instant: string, summary: string): Promise<boolean> {
    return condition(() => this.state.outcome !== null, Math.max(0, Date.parse(instant) - Date.now()), { summary });
  }

  async untilDecided(): Promise<void> {
    await this.tellAsked();
    for (const { at, what } of marksOf(this.request)) {
      if (await this.decidedBy(at, what)) return;
      if (what === 'reminder') await this.pager.page(reminderPage(this.state));
      if (what === 'convene' && this.state.convenedAt === null) await this.tellOverdue();
    }
    // Votes that came in time are still judged (decision 3). A clock that is behind its own timer has another look.
    for (let isOver = false; !isOver; isOver = this.state.outcome !== null || (await this.decidedBy(this.request.deadline, 'deadline'))) {
      await condition(() => this.state.outcome !== null || !isPending(this.state));
      if (this.state.outcome === null) this.become(closeAt(this.state, now()));
    }
  }

  private async tellAsked(): Promise<void> {
    const { facts, rules, deadline, convene, asked } = this.request;
    this.records.note('approval-asked', { request: facts.request, purpose: facts.purpose, facts: facts as never, rules: rules as never, deadline, convene: convene as never, asked: asked as never });
    await this.records.write();
    await this.pager.page(openedPage(this.state));
  }

  private async tellOverdue(): Promise<void> {
    const { facts, convene } = this.request;
    this.records.note('overdue', { request: facts.request, role: convene!.role, by: convene!.by });
    await this.records.writeOrGoOn();
    await this.pager.page(overduePage(this.state));
  }

  withdraw(): void {
    this.become(withdraw(this.state, now(), 'the run that asked does not wait for it any more'));
  }

  /** Its end, on record. Votes that are being judged are answered first. */
  async close(): Promise<DecisionResult> {
    const { facts } = this.request;
    await condition(allHandlersFinished);
    const result = resultOf(this.state);
    this.records.note('decided', { request: facts.request, purpose: facts.purpose, outcome: result.outcome, message: result.message, by: result.counted.map(({ person, verdict }) => `${person}: ${verdict}`), decidedAt: result.decidedAt });
    await this.records.write();
    return result;
  }
}

/** Could not verify is not invalid (decision 3). */
function verify({ text, signature, t }: Vote): Promise<SignatureVerdict | 'unavailable'> {
  return CancellationScope.nonCancellable(() => verifyVote({ text, signature, t })).catch((error: unknown) => {
    rethrowMistake(error);
    return 'unavailable' as const;
  });
}

interface Mark {
  at: string;
  what: 'reminder' | 'convene' | 'deadline';
}

/** What happens when, in order; the deadline is last. */
function marksOf({ reminders, convene, deadline }: DecisionRequest): Mark[] {
  const marks: Mark[] = [...reminders.map((at) => ({ at, what: 'reminder' as const })), ...(convene ? [{ at: convene.by, what: 'convene' as const }] : [])];
  marks.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  return [...marks.filter(({ at }) => at < deadline), { at: deadline, what: 'deadline' }];
}
