/** People with keys of their own in an instance's policy, who ask, decide, hand in and carry, as their command lines would. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { UpdateDefinition } from '@temporalio/common';
import { parse, stringify } from 'yaml';
import { signText } from '../../activities/ssh-keygen.js';
import type { Io } from '../../client/cli/io.js';
import { changeRequest } from '../../client/cli/request.js';
import { newRunIds, startRun, type Started } from '../../client/cli/runs.js';
import { sendVote, type Cast } from '../../client/cli/vote.js';
import { sha256Hex } from '../../policy/canonical.js';
import { readPolicy } from '../../client/cli/files.js';
import { parseWorkflowId, shortIdOf, workflowIdOf } from '../../policy/ids.js';
import type { RunState } from '../../policy/describe.js';
import type { DecisionState, VoteVerdict } from '../../policy/model-approval.js';
import type { ChangeRequest, ReviewRequest } from '../../policy/model.js';
import { requestFactsOf } from '../../policy/request-facts.js';
import { approvalText, requestText, rootCauseText } from '../../policy/signed-texts.js';
import { decisionQuery, evidenceUpdate, rootCauseUpdate, statusQuery } from '../../workflows/messages.js';
import { poll, QUICK, type TestInstance } from './instance.js';
import { makePeople, peopleOf, type TestPerson } from './people.js';

/** sam asks; sue is of security too; alice, bob, carol: CAB; dora: everything else that is asked; erin: architecture board. */
export const PEOPLE = ['sam', 'sue', 'alice', 'bob', 'carol', 'dora', 'erin'] as const;
export type Name = (typeof PEOPLE)[number];
const ROLES = { security: ['sam', 'sue'], cab: ['alice', 'bob', 'carol'], engineering: ['dora'], ci: ['dora'], operations: ['dora'], 'project-owner': ['dora'], 'architecture-board': ['erin'] };
const NAMESPACE = 'default';

/** A decision that is open. */
export interface Open {
  workflowId: string;
  state: DecisionState;
}

/** A request that is signed, with the ids of its run. */
export interface Asked<R extends ChangeRequest | ReviewRequest = ChangeRequest> {
  request: R;
  workflowId: string;
}

export class Cab {
  private readonly people: Record<Name, TestPerson>;
  private readonly policyFile: string;
  private revision = 0;

  /** `policy`: fields beside people and roles. */
  constructor(private readonly it: TestInstance, policy: Record<string, unknown> = {}) {
    const folder = path.join(path.dirname(it.home), 'people');
    mkdirSync(folder);
    this.people = makePeople(folder, PEOPLE);
    this.policyFile = path.join(it.home, 'config/policy.yaml');
    this.amend({ people: peopleOf(this.people), roles: ROLES, ...policy });
  }

  /** Puts fields into the policy. */
  amend(fields: Record<string, unknown>): void {
    const now = parse(readFileSync(this.policyFile, 'utf8')) as Record<string, unknown>;
    this.write(stringify({ ...now, ...fields }));
  }

  /** At once: an empty file is a policy too, without people. */
  private write(text: string): void {
    writeFileSync(`${this.policyFile}.new`, text);
    renameSync(`${this.policyFile}.new`, this.policyFile);
  }

  /** A newer revision of the policy, of another content. */
  revise(): void {
    this.amend({ header: { version: `1.0.${++this.revision}` } });
  }

  /** Nobody's signature can be judged until it is mended: the file of people can't be read. */
  breakPolicy(): () => void {
    const text = readFileSync(this.policyFile, 'utf8');
    this.write('people: [');
    return () => this.write(text);
  }

  /** sam's signed request for a change or an exception to the fallback interpreter. */
  async change(kind: 'change' | 'exception', words: { hours?: number; to?: string; reason?: string } = {}): Promise<Asked> {
    const { hours, to = this.it.fallback.version, reason = 'CVE-2026-0001' } = words;
    const terms = kind === 'exception' ? { hours: String(hours ?? 1), ground: 'security-vulnerability' } : {};
    const { request, workflowId } = changeRequest(this.it.instance(), kind, this.it.env, { to, reason, ...terms });
    return this.signed({ ...request, requester: 'sam', tuning: QUICK }, workflowId);
  }

  /** sam's signed request for an interpreter change of this environment. */
  async review(): Promise<Asked<ReviewRequest>> {
    const { env, primary, fallback } = this.it;
    const { run, workflowId } = newRunIds('interpreter-change', env);
    const { digest } = readPolicy(this.it.instance().paths);
    return this.signed({ run, kind: 'interpreter-change', env, environments: [`${env.host}:${env.link}`], from: primary.version, to: fallback.version, reason: 'planned', requester: 'sam', policyDigest: digest, tuning: QUICK }, workflowId);
  }

  private async signed<R extends ChangeRequest | ReviewRequest>(request: R, workflowId: string): Promise<Asked<R>> {
    const { ulid } = parseWorkflowId(workflowId)!;
    const text = requestText(requestFactsOf(request, { ulid, namespace: NAMESPACE, at: new Date().toISOString(), source: null }));
    return { request: { ...request, asked: { text, signature: await this.sign('sam', 'runbook.request', text) } }, workflowId };
  }

  /** Starts what was asked. */
  begin({ request, workflowId }: Asked<ChangeRequest | ReviewRequest>): Promise<Started> {
    return startRun(this.it.client, request.kind, workflowId, request);
  }

  sign(name: Name, namespace: Parameters<typeof signText>[1], text: string): Promise<string> {
    return signText(this.people[name].file, namespace, text);
  }

  /** State of a run as soon as it answers; server and control worker may be away for a while. */
  async status(workflowId: string): Promise<RunState> {
    return (await poll(() => this.state(workflowId)))!;
  }

  private state(workflowId: string): Promise<RunState | null> {
    const { client } = this.it;
    return client.withDeadline(Date.now() + ANSWER_MS, () => client.workflow.getHandle(workflowId).query(statusQuery)).catch(() => null);
  }

  /** Waits until a run's state is so. */
  async until(workflowId: string, isSo: (state: RunState) => boolean): Promise<void> {
    await poll(async () => {
      const state = await this.state(workflowId);
      if (state?.outcome && !isSo(state)) throw new Error(`${state.run} has ended: ${state.outcome}: ${state.message}`);
      return state !== null && isSo(state);
    });
  }

  /** Waits until the exception stands: only its end is waited for. */
  standing({ workflowId }: Pick<Started, 'workflowId'>): Promise<void> {
    return this.until(workflowId, ({ waitsFor }) => waitsFor?.what.startsWith('the end of the exception') ?? false);
  }

  /** The open decision of a run about this purpose, when there is one. */
  async decision(workflowId: string, purpose: string): Promise<Open> {
    let open: Open | null = null;
    await this.until(workflowId, ({ decision }) => {
      if (decision?.purpose !== purpose || decision.outcome !== null) return false;
      open = { workflowId: decision.workflowId, state: null as never };
      return true;
    });
    const { workflowId: id } = open! as Open;
    return { workflowId: id, state: await this.look(id) };
  }

  /** State of a decision. */
  async look(workflowId: string): Promise<DecisionState> {
    const { client } = this.it;
    return (await poll(() => client.withDeadline(Date.now() + ANSWER_MS, () => client.workflow.getHandle(workflowId).query(decisionQuery)).catch(() => null)))!;
  }

  /** A vote, signed; sent when `send` is given it. */
  async voteOf({ state }: Open, name: Name, verdict: VoteVerdict = 'approve'): Promise<{ text: string; signature: string; carrier: string }> {
    const text = approvalText(state.request.facts, verdict);
    return { text, signature: await this.sign(name, 'runbook.approval', text), carrier: 'test' };
  }

  /** Sends a vote as `runbook vote` does. */
  send({ workflowId }: Open, vote: Awaited<ReturnType<Cab['voteOf']>>): Promise<Cast> {
    return sendVote(SILENT, this.it.client, workflowId, vote);
  }

  /** Votes, and throws when it was not counted. */
  async vote(open: Open, name: Name, verdict: VoteVerdict = 'approve'): Promise<Cast> {
    const cast = await this.send(open, await this.voteOf(open, name, verdict));
    if (!cast.counted) throw new Error(`${name}: ${cast.message}`);
    return cast;
  }

  /** dora hands in the root cause. */
  async rootCause({ run, workflowId }: Pick<Started, 'run' | 'workflowId'>): Promise<void> {
    const document = `what went wrong in ${run}, and what is done about it\n`;
    const text = rootCauseText(run, parseWorkflowId(workflowId)!.ulid, NAMESPACE, sha256Hex(document));
    const taken = await this.update(workflowId, rootCauseUpdate, { text, signature: await this.sign('dora', 'runbook.statement', text), document });
    if (!taken.taken) throw new Error(taken.message);
  }

  /** Waits until a step of a review wants a document of its own name. */
  wanted(workflowId: string, step: string): Promise<void> {
    return this.until(workflowId, ({ review }) => review?.open === step && review.missing.includes(step));
  }

  /** Hands in what a step wants. */
  async evidence(workflowId: string, step: string): Promise<void> {
    const taken = await this.update(workflowId, evidenceUpdate, { step, name: step, document: `${step} of ${shortIdOf(workflowId)}: passed\n`, by: 'dora' });
    if (!taken.taken) throw new Error(taken.message);
  }

  /** One update under one id, given again while the transport fails. */
  private async update<R, A>(workflowId: string, definition: UpdateDefinition<R, [A]>, argument: A): Promise<R> {
    const updateId = randomUUID();
    const { client } = this.it;
    return (await poll(async () => {
      try {
        return { answer: await client.withDeadline(Date.now() + UPDATE_MS, () => client.workflow.getHandle(workflowId).executeUpdate(definition, { args: [argument], updateId })) };
      } catch (error) {
        if (TRANSPORT.test((error as Error).name)) return null;
        throw error;
      }
    }))!.answer;
  }
}

/** Workflow id of the final review of an exception. */
export function reviewOf(workflowId: string): string {
  const { env, ulid } = parseWorkflowId(workflowId)!;
  return workflowIdOf('interpreter-change', env, ulid);
}

const ANSWER_MS = 3_000;
const UPDATE_MS = 60_000;
const TRANSPORT = /^(ServiceError|WorkflowUpdateRPCTimeoutOrCancelledError)$/;
const SILENT: Io = { out: () => undefined, talk: () => undefined, interactive: false, ask: async () => false, now: () => new Date() };
