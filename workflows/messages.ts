/** Queries, updates and signals of the runs: one object argument each, imported by every client, never retyped. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { RunState } from '../policy/describe.js';
import type { DecisionState, SignedText, VoteAnswer, VoteInput } from '../policy/model-approval.js';
import type { StepReport } from '../policy/model.js';

export interface AbortInput {
  by: string;
  reason: string;
}

/** Where the run stands; answered from its own state. */
export const statusQuery = defineQuery<RunState>('status');

/** Stop and undo. The answer says whether it was taken; the run's end says what came of it. */
export const abortUpdate = defineUpdate<{ taken: boolean; message: string }, [AbortInput]>('abort');

/** Where an ordered change stands. */
export interface Progress {
  steps: StepReport[];
  step: string | null;
  waitsFor: RunState['waitsFor'];
  /** The decision it waits for; absent: none. */
  decision?: NonNullable<RunState['decision']>;
}

/** From a change to the run that ordered it, as each step begins. */
export const progressSignal = defineSignal<[Progress]>('progress');

/** From the run that ordered a change: stop and undo. */
export const abortSignal = defineSignal<[AbortInput]>('abort-change');

/** One vote, to a `decision`. The signature is the identity. */
export const voteUpdate = defineUpdate<VoteAnswer, [VoteInput]>('vote');

/** Where a decision stands. */
export const decisionQuery = defineQuery<DecisionState>('decision');

/** From a decision to the run that asked: a vote was counted, or a board is overdue. */
export const decisionSignal = defineSignal<[{ request: string; progress: string; convenedAt: string | null }]>('decision-progress');

/** EE-07: the root cause and the permanent solution, signed by whoever the policy's role names. `document` is what the text names by digest. */
export interface RootCauseInput extends SignedText {
  document: string;
}
export const rootCauseUpdate = defineUpdate<{ taken: boolean; message: string }, [RootCauseInput]>('root-cause');

/** A document for a step of a review; who approves the step signs its digest. */
export interface EvidenceInput {
  step: string;
  name: string;
  document: string;
  by: string;
}
export const evidenceUpdate = defineUpdate<{ taken: boolean; message: string }, [EvidenceInput]>('evidence');
