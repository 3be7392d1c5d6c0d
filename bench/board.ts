/** People with throw-away keys of stock ssh-keygen, and decisions that wait for them. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { defineSearchAttributeKey } from '@temporalio/common';
import type { Client } from '@temporalio/client';
import { makeKey, signText } from '../activities/ssh-keygen.js';
import { remindersBetween } from '../policy/approval-rules.js';
import { openDecision } from '../policy/approval.js';
import { SIGNATURE_NAMESPACE, type DecisionRequest } from '../policy/model-approval.js';
import type { Plan } from '../policy/model.js';
import { CONTROL_QUEUE } from '../policy/names.js';
import { approvalText } from '../policy/signed-texts.js';
import { memoOf } from '../workflows/lib/decision-display.js';
import { voteUpdate } from '../workflows/messages.js';
import { eventsOf } from './histories.js';
import { verifyTimes } from './vote-times.js';
import type { VoteCost } from './waiting-report.js';

const HOUR_MS = 3_600_000;
/** Decisions started at a time. */
const AT_ONCE = 16;

export interface Board {
  /** Fields of the policy: people, and who may decide. */
  policy: object;
  keyFile(person: 'alice' | 'bob'): string;
}

/** bob asks; alice, carol and dan are the CAB. */
export async function makeBoard(folder: string): Promise<Board> {
  mkdirSync(folder, { recursive: true });
  const keyFile = (person: string): string => path.join(folder, person);
  const people: Record<string, object> = {};
  for (const person of ['alice', 'bob', 'carol', 'dan']) people[person] = { keys: [{ key: await makeKey(keyFile(person), person) }] };
  return { policy: { people, roles: { cab: ['alice', 'carol', 'dan'], security: ['bob'] } }, keyFile };
}

/** What the `number`th of many runs asks, each for an environment of its own: a plan as it was made here, two of the CAB, 72 hours. */
export function requestOf(number: number, { plan, lines }: { plan: Plan; lines: string[] }, namespace: string): DecisionRequest {
  const openedAt = Date.now();
  const iso = (hours: number): string => new Date(openedAt + hours * HOUR_MS).toISOString();
  const run = `ch-${number.toString(36).padStart(4, '0')}`;
  const env = { host: plan.env.host, link: `/srv/project-${number}/.venv` };
  return {
    facts: {
      request: `${run}-${openedAt}`, run, kind: 'change', purpose: 'change', namespace, env, environments: [], from: plan.present?.version ?? null, to: plan.interpreter.version, hours: null,
      requester: 'bob', reason: 'benchmark', planDigest: plan.digest, policyDigest: plan.policyDigest, evidence: [], useBy: iso(96), head: { seq: number + 1, hash: plan.digest },
    },
    rules: { stages: [{ role: 'cab', quorum: 2, eligible: 3 }], inOrder: true, veto: [] },
    // Of runs that do not exist: a counted vote tells theirs in vain, which is as many events.
    workflowId: `change/${env.host}/${encodeURIComponent(env.link)}/${number}`,
    asked: null, openedAt: iso(0), deadline: iso(72), convene: null, escalateTo: ['operations', 'project-owner'], reminders: remindersBetween(iso(0), iso(72), [4, 1]), lines,
  };
}

/** Starts them as a run does, and returns when all wait and all that was to be told of them was. */
export async function startDecisions(client: Client, requests: DecisionRequest[]): Promise<void> {
  const left = [...requests];
  const keyword = (name: string, value: string) => ({ key: defineSearchAttributeKey(name, 'KEYWORD'), value });
  const startSome = async (): Promise<void> => {
    for (let request = left.shift(); request; request = left.shift()) {
      const { facts } = request;
      const typedSearchAttributes = [keyword('RunbookKind', 'decision'), keyword('RunbookHost', facts.env.host), keyword('RunbookEnvironment', facts.env.link), keyword('RunbookRequester', facts.requester)];
      await client.workflow.start('decision', { workflowId: `decision/${facts.request}`, taskQueue: CONTROL_QUEUE, args: [request], memo: { ...memoOf(openDecision(request)) }, typedSearchAttributes });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, startSome));
  const count = async (query: string): Promise<number> => (await client.workflow.count(query)).count;
  // Each pages once when it is open, by a run of its own.
  while ((await count(`WorkflowType='notifyRoles' AND ExecutionStatus!='Running'`)) < (await count(`WorkflowType='decision'`))) await pause(500);
}

/** Signs, votes as alice, and looks at what it added to the decision's history. Signing is not measured. */
export async function voteOn(client: Client, board: Board, { facts }: DecisionRequest): Promise<VoteCost> {
  const handle = client.workflow.getHandle(`decision/${facts.request}`);
  const text = approvalText(facts, 'approve');
  const signature = await signText(board.keyFile('alice'), SIGNATURE_NAMESPACE.approval, text);
  const before = await handle.describe();
  const begun = performance.now();
  const answer = await handle.executeUpdate(voteUpdate, { args: [{ text, signature, carrier: 'benchmark' }] });
  const took = performance.now() - begun;
  if (!answer.counted) throw new Error(`a vote: expected it to be counted, got ${answer.message}`);
  const after = await handle.describe();
  return { ms: took, verifyMs: verifyTimes(await eventsOf(handle)).at(-1)!, events: after.historyLength - before.historyLength, bytes: (after.historySize ?? 0) - (before.historySize ?? 0) };
}
