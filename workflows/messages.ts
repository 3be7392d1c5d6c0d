/** Queries, updates and signals of the runs: one object argument each, imported by every client, never retyped. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { RunState } from '../policy/describe.js';
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
}

/** From a change to the run that ordered it, as each step begins. */
export const progressSignal = defineSignal<[Progress]>('progress');

/** From the run that ordered a change: stop and undo. */
export const abortSignal = defineSignal<[AbortInput]>('abort-change');
