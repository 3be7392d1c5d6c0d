/** A whole exception on the time-skipping server, over fakes that answer at once. */
import assert from 'node:assert/strict';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { sha256Hex } from '../../policy/canonical.js';
import { workflowIdOf } from '../../policy/ids.js';
import type { ChangeRequest } from '../../policy/model.js';
import type { DecisionState, VoteAnswer } from '../../policy/model-approval.js';
import { approvalText, rootCauseText } from '../../policy/signed-texts.js';
import { emergencyException } from '../../workflows/emergency-exception.js';
import { decisionQuery, evidenceUpdate, rootCauseUpdate, statusQuery, voteUpdate } from '../../workflows/messages.js';
import { childrenEnded } from './children.js';
import type { FileEnvironment } from './env.js';
import { requestFor, type Fakes } from './fake-host.js';

export const HOUR_MS = 3_600_000;
const ULID = '01J00000000000000000003P9D';

export interface Living {
  handle: WorkflowHandleWithFirstExecutionRunId<typeof emergencyException>;
  start: number;
  host: string;
  /** Waits for the open decision of a purpose, and votes in it. */
  vote(purpose: string, people: string[], verdict?: 'approve' | 'reject', run?: string): Promise<void>;
  sleepUntil(instant: number): Promise<void>;
  rootCause(): Promise<{ taken: boolean; message: string }>;
  evidence(step: string, name: string): Promise<void>;
  until<T>(look: () => Promise<T | null | undefined | false>): Promise<T>;
  review: string;
}

/** Starts an exception, lets `use` live it, and waits until everything it told is told. `host` null: the test brings a worker of its own. */
export async function live(env: FileEnvironment, t: { name: string }, f: Pick<Fakes, 'control'> & { host: Fakes['host'] | null }, use: (living: Living) => Promise<void>, words: Partial<ChangeRequest> = {}): Promise<void> {
  await env.withWorker(t, { activities: f.control, ...(f.host ? { hostActivities: f.host } : {}) }, async ({ client, taskQueue, host }) => {
    const start = await env.environment.currentTimeMs();
    const request: ChangeRequest = { ...requestFor(host), run: 'ex-3p9d', kind: 'exception', to: '3.13.9', hours: 72, ground: 'security-vulnerability', policyDigest: 'e'.repeat(64), ...words };
    // A host of its own makes the id one of its own.
    const workflowId = workflowIdOf('exception', request.env, ULID);
    const handle = await client.workflow.start(emergencyException, { taskQueue, workflowId, args: [request] });
    const review = workflowIdOf('interpreter-change', request.env, ULID);
    const until: Living['until'] = async (look) => {
      for (;;) {
        const seen = await look();
        if (seen) return seen;
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
    };
    const openDecision = (purpose: string, of: string): Promise<DecisionState> => until(async () => {
      const decision = await client.workflow.getHandle(of).query(statusQuery).then((state) => state.decision, () => undefined);
      if (decision?.purpose !== purpose || decision.outcome !== null) return null;
      return client.workflow.getHandle(decision.workflowId).query(decisionQuery).catch(() => null);
    });
    const vote: Living['vote'] = async (purpose, people, verdict = 'approve', of = workflowId) => {
      const { request: asked } = await openDecision(purpose, of);
      const decision = client.workflow.getHandle(`decision/${asked.facts.request}`);
      for (const person of people) {
        const answer: VoteAnswer = await decision.executeUpdate(voteUpdate, { args: [{ text: approvalText(asked.facts, verdict), signature: person, carrier: 'test' }] });
        assert.equal(answer.counted, true, answer.message);
      }
    };
    const sleepUntil = async (instant: number): Promise<void> => env.environment.sleep(Math.max(1, instant - (await env.environment.currentTimeMs())));
    const document = 'a buffer was read past its end';
    const rootCause = () => handle.executeUpdate(rootCauseUpdate, { args: [{ text: rootCauseText('ex-3p9d', ULID, 'default', sha256Hex(document)), signature: 'erin', document }] });
    const evidence = async (step: string, name: string): Promise<void> => {
      await until(() => client.workflow.getHandle(review).query(statusQuery).then(({ review: shown }) => shown?.open === step && shown.missing.includes(name), () => false));
      const answer = await client.workflow.getHandle(review).executeUpdate(evidenceUpdate, { args: [{ step, name, document: 'it was tried', by: 'erin' }] });
      assert.equal(answer.taken, true, answer.message);
    };
    await use({ handle, host, start, vote, sleepUntil, rootCause, evidence, until, review });
    await childrenEnded(client, workflowId);
  });
}

/** Returns when it is granted, changed to, and counts down. */
export const isStanding = ({ handle, until }: Living): Promise<unknown> => until(() => handle.query(statusQuery).then(({ waitsFor }) => waitsFor?.what.startsWith('the end of the exception')));
/** Steps on record, in their order. */
export const stepsOf = (f: Fakes, event = 'step-done'): string[] => f.entries.filter((entry) => entry.event === event).map(({ data }) => String(data['step']));
