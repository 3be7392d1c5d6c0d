/** The ways an approval run can go, walked to the end by its people. Each returns what was started; its result is the run's own. */
import type { Started } from '../../client/cli/runs.js';
import type { Outcome } from '../../policy/model.js';
import { abortUpdate } from '../../workflows/messages.js';
import { reviewOf, type Cab } from '../support/cab.js';
import { REVIEW_STEPS, type RouteName } from './approval-matrix.js';
import type { Walk } from './approval-walk.js';

export interface Route {
  walk(walk: Walk, life: Life): Promise<Started>;
  ends: { outcome: Outcome; on: 'primary' | 'fallback'; serviceStarts: number };
}

/** How long an exception lives: shortly where it is to reach its end. Hours. */
export interface Life {
  hours: number;
}

/** Declared, granted, changed to: until only its end is waited for. */
async function granted(walk: Walk, hours: number): Promise<Started> {
  const { cab } = walk;
  const asked = await cab.change('exception', { hours });
  const planned = walk.barriers('plan', 'plan:started');
  const started = await walk.judging('declare: judging the request', () => cab.begin(asked), () => walk.isAsked(asked.workflowId, 'admitRequest'));
  await planned();
  const open = await cab.decision(started.workflowId, 'grant');
  await walk.at('asking: nobody voted');
  await walk.vote('vote: judging', open, 'alice');
  await walk.at('vote: counted');
  const onTheWay = [walk.barriers('granted', 'plan:started'), walk.barriers('change', 'prepare:installed', 'switch:acted', 'restart:acted')];
  await walk.vote('deciding vote: judging', open, 'carol');
  for (const reached of onTheWay) await reached();
  await cab.standing(started);
  return started;
}

/** The root cause, and the final review to its last vote. */
async function approvedForGood(walk: Walk, started: Started): Promise<void> {
  const { cab } = walk;
  const review = reviewOf(started.workflowId);
  await walk.judging('root cause: judging', () => cab.rootCause(started), () => walk.isAsked(started.workflowId, 'verifySignature'));
  await cab.wanted(review, 'technical-review');
  await walk.at('final review: waiting for a document');
  for (const step of REVIEW_STEPS.slice(0, -1)) await stepTaken(walk.cab, review, step, (open, name) => walk.vote(step === 'technical-review' ? 'final review: judging' : '', open, name));
  const last = await cab.decision(review, 'cab');
  await cab.vote(last, 'alice');
  const onTheWay = [
    walk.barriers('make permanent', 'make permanent:intent', 'make permanent:judged', 'make permanent:acted', 'make permanent:receipt'), walk.barriers('close', 'close:acted'),
    walk.barriers('document', 'document:started', 'document:written'),
  ];
  await walk.vote('final review: judging the last vote', last, 'bob');
  for (const reached of onTheWay) await reached();
}

/** A step with a document of its own, handed in and approved by whoever decides on it. */
async function stepTaken(cab: Cab, review: string, step: string, vote: (open: Awaited<ReturnType<Cab['decision']>>, name: 'sue' | 'dora') => Promise<unknown>): Promise<void> {
  await cab.wanted(review, step);
  if (step === 'document-update') cab.revise();
  await cab.evidence(review, step);
  await vote(await cab.decision(review, step), step === 'security-review' ? 'sue' : 'dora');
}

export const APPROVAL_ROUTES: Record<RouteName, Route> = {
  permanent: {
    async walk(walk, { hours }) {
      const started = await granted(walk, hours);
      await walk.at('countdown: waiting');
      await approvedForGood(walk, started);
      return started;
    },
    ends: { outcome: 'done', on: 'fallback', serviceStarts: 1 },
  },
  withdrawn: {
    async walk(walk, { hours }) {
      const started = await granted(walk, hours);
      const undone = walk.barriers('revert', 'undo:intent', 'undo:turned', 'undo:acted', 'undo:receipt');
      await started.handle.executeUpdate(abortUpdate, { args: [{ by: 'sam', reason: 'not needed any more' }] });
      await undone();
      return started;
    },
    ends: { outcome: 'rolled-back', on: 'primary', serviceStarts: 2 },
  },
  expired: {
    async walk(walk, { hours }) {
      const started = await granted(walk, hours);
      const undone = walk.barriers('revert', 'undo:turned');
      await walk.at('countdown: waiting for its end');
      await undone();
      return started;
    },
    ends: { outcome: 'expired', on: 'primary', serviceStarts: 2 },
  },
  reviewed: {
    async walk(walk) {
      const { cab } = walk;
      const started = await cab.begin(await cab.review());
      const id = started.workflowId;
      for (const step of REVIEW_STEPS.slice(0, -1)) {
        await cab.wanted(id, step);
        await walk.at(`${step}: waiting for a document`);
        await stepTaken(cab, id, step, (open, name) => walk.vote(`${step}: judging`, open, name));
      }
      const last = await cab.decision(id, 'cab');
      await walk.at('cab: waiting for votes');
      await cab.vote(last, 'alice');
      await walk.vote('cab: judging', last, 'carol');
      return started;
    },
    ends: { outcome: 'done', on: 'primary', serviceStarts: 0 },
  },
};
