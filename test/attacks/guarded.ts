/**
 * One real instance whose agent has `trust: signatures`, its people with throw-away keys, and what a hostile member of the namespace
 * has: Temporal's own client, a worker of their own, and whatever text and signature they saw.
 */
import { mkdtempSync, readFileSync, readlinkSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { defaultPayloadConverter, type ApplicationFailure, type Payload } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import { ulid } from 'ulid';
import { parse, stringify } from 'yaml';
import { objectionText } from '../../activities/host/refuse.js';
import { signText } from '../../activities/ssh-keygen.js';
import { keyOnceTold } from '../../client/cli/host-keys.js';
import { changeRequest, type ChangeWords, type Startable } from '../../client/cli/request.js';
import { startRun, type Started } from '../../client/cli/runs.js';
import { parseWorkflowId } from '../../policy/ids.js';
import { SIGNATURE_NAMESPACE, type DecisionState, type SignatureNamespace, type SignedText, type VoteInput } from '../../policy/model-approval.js';
import type { ChangeRequest, HostLook, Objection, RunResult } from '../../policy/model.js';
import { hostQueue } from '../../policy/names.js';
import type { AuditEntry } from '../../policy/records.js';
import { requestFactsOf } from '../../policy/request-facts.js';
import { approvalText, requestText } from '../../policy/signed-texts.js';
import { installRuntime } from '../../worker/log.js';
import { decisionQuery, statusQuery, voteUpdate } from '../../workflows/messages.js';
import { poll, QUICK, startInstance, type TestInstance } from '../support/instance.js';
import { makePeople, peopleOf, type TestPerson } from '../support/people.js';

/** A signers file counts only where it is another user's than whoever runs from the environment. */
export const NEEDS_ROOT = process.getuid?.() === 0 ? false : 'only root can make a signers file that this host believes';

const HOUR_MS = 3_600_000;
const NAMES = ['alice', 'carol', 'dan', 'bob', 'gina', 'erin', 'frank', 'hal', 'ida', 'mallory', 'alice-2'] as const;
export type Name = (typeof NAMES)[number];
/** Queue of the worker that the hostile member runs. */
const OWN_QUEUE = 'mallory';

/** What came of a vote: the decision's answer, or why it did not even take it. */
export type Cast = { counted: boolean; message: string } | { untaken: string };

export interface Guarded {
  it: TestInstance;
  /** Folder of keys and of the signers file. */
  folder: string;
  keys: Record<Name, TestPerson>;
  /** Puts fields beside what the policy says; answers with nothing. */
  policy(more: object): void;
  sign(by: Name, namespace: SignatureNamespace, text: string): Promise<SignedText>;
  /** A request as `runbook run` makes it, signed; `signer`: who signs it, else who is named. */
  request(words?: ChangeWords & { kind?: Startable; by?: Name; signer?: Name; fields?: Partial<ChangeRequest> }): Promise<{ request: ChangeRequest; workflowId: string }>;
  /** Starts a workflow by name, as anybody can who reaches the server. */
  start(workflow: string, workflowId: string, request: ChangeRequest): Promise<Started>;
  /** Asks for a change as bob, and waits until it is put to the people. */
  ask(to?: string): Promise<Asked>;
  /** Votes of these people, in order. */
  approve(asked: Asked, ...names: Name[]): Promise<Cast[]>;
  cast(decisionId: string, input: VoteInput): Promise<Cast>;
  decision(decisionId: string): Promise<DecisionState>;
  /** The decision that a run waits for. */
  waits(started: Started, other?: string): Promise<Asked>;
  /** An order to a queue from the hostile member's own workflow; its answer, or its failure as text. */
  order<T = unknown>(queue: string, activity: string, ...args: unknown[]): Promise<T>;
  refusedOrder(activity: string, ...args: unknown[]): Promise<string>;
  /** Arguments of the first order of that name in the run's history: everybody in the namespace can read them. */
  seen(started: Pick<Started, 'workflowId'>, activity: string): Promise<unknown[]>;
  entries(run: string, event?: AuditEntry['event']): AuditEntry[];
  other(): string;
  /** Where the link leads, and what lies beside it. */
  standing(): string;
  stop(): Promise<void>;
}

export interface Asked {
  started: Started;
  request: ChangeRequest;
  decisionId: string;
  state: DecisionState;
}

/** Everything a failed or refused run said, with its reasons. */
export const wordsOf = ({ outcome, message, objections }: RunResult): string => [outcome, message, ...objections.map(objectionText)].join('\n');

/** Starts it all, makes the environment, and only then lets the host trust nobody but its own list of people. */
export async function startGuarded(): Promise<Guarded> {
  installRuntime('attacks', 'ERROR');
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'runbooks-attacks-')));
  const it = await startInstance({ onSwitch: 'idle' });
  const stops: (() => Promise<unknown>)[] = [];
  try {
    const guarded = await guard(it, folder, stops);
    return { ...guarded, stop: () => stopAll(it, folder, stops) };
  } catch (error) {
    await stopAll(it, folder, stops);
    throw error;
  }
}

async function stopAll(it: TestInstance, folder: string, stops: (() => Promise<unknown>)[]): Promise<void> {
  for (const stop of stops.reverse()) await stop();
  await it.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function guard(it: TestInstance, folder: string, stops: (() => Promise<unknown>)[]): Promise<Omit<Guarded, 'stop'>> {
  const keys = makePeople(folder, NAMES);
  const config = (name: string): string => path.join(it.home, 'config', name);
  const edit = (name: string, more: object): void => writeFileSync(config(name), stringify({ ...(parse(readFileSync(config(name), 'utf8')) as object), ...more }));
  await acceptKey(it);
  const signers = path.join(folder, 'signers.yaml');
  writeFileSync(signers, stringify(listOf(keys)), { mode: 0o644 });
  edit('policy.yaml', { ...listOf(keys), defaultClass: { approvals: { change: 2 }, publicIndex: true } });
  edit('agent.yaml', { trust: 'signatures', signers });
  const before = it.handle.pids().agent;
  process.kill(before, 'SIGTERM');
  const order = await ownWorker(it, stops);
  await poll(() => it.handle.pids().agent !== before);
  await poll(async () => (await order<HostLook>(hostQueue(it.handle.host), 'look', { env: it.env, to: null, manifest: false, create: false })).trust === 'signatures');
  return { it, folder, keys, order, policy: (more) => edit('policy.yaml', more), ...parts(it, keys, order) };
}

/** The host's own key, compared by nobody: this is a test's host. */
async function acceptKey({ client, handle: { host }, instance }: TestInstance): Promise<void> {
  const { told } = await keyOnceTold(instance(), host);
  if (told === null) throw new Error('these tests need an agent with a key: is there an ssh-keygen?');
  await client.workflow.execute('acceptHost', { workflowId: `accept/${host}/${ulid()}`, taskQueue: 'runbooks', args: [{ host, key: told.key, by: 'ops', reason: 'compared' }] });
}

/** People of policy and signers file alike. */
function listOf(keys: Record<Name, TestPerson>): object {
  const { mallory: _, 'alice-2': second, ...known } = keys;
  const inHours = (hours: number): string => new Date(Date.now() + hours * HOUR_MS).toISOString();
  const one = (name: Name, fields: object): object => ({ keys: [{ key: keys[name].line, ...fields }] });
  return {
    people: {
      ...peopleOf(known), alice: { keys: [{ key: keys.alice.line }, { key: second.line }] }, erin: one('erin', { validUntil: inHours(-1) }), frank: one('frank', { validFrom: inHours(1) }),
      hal: one('hal', { revoked: inHours(-1) }), ida: one('ida', { compromised: true }),
    },
    roles: { cab: ['alice', 'carol', 'dan', 'erin', 'frank', 'hal', 'ida'], security: ['bob'], engineering: ['gina'] },
  };
}

/** A worker of the hostile member's own, with a workflow that gives any order to any queue. */
async function ownWorker({ handle: { address }, client }: TestInstance, stops: (() => Promise<unknown>)[]): Promise<Guarded['order']> {
  const connection = await NativeConnection.connect({ address });
  stops.push(() => connection.close());
  const worker = await Worker.create({ connection, taskQueue: OWN_QUEUE, workflowsPath: path.join(import.meta.dirname, 'hostile-workflows.js') });
  const running = worker.run();
  stops.push(() => (worker.shutdown(), running));
  return async <T>(queue: string, activity: string, ...args: unknown[]) => client.workflow.execute('giveOrder', { workflowId: `order/${ulid()}`, taskQueue: OWN_QUEUE, args: [{ queue, activity, args }] }) as Promise<T>;
}

type Parts = Omit<Guarded, 'it' | 'folder' | 'keys' | 'order' | 'policy' | 'stop'>;

function parts(it: TestInstance, keys: Record<Name, TestPerson>, order: Guarded['order']): Parts {
  const { client } = it;
  const handleOf = (id: string) => client.workflow.getHandle(id);
  const sign: Parts['sign'] = async (by, namespace, text) => ({ text, signature: await signText(keys[by].file, namespace, text) });
  const decision: Parts['decision'] = (id) => handleOf(id).query(decisionQuery);
  const other = (): string => (it.version() === it.primary.version ? it.fallback.version : it.primary.version);
  const request: Parts['request'] = async ({ kind = 'change', by = 'bob', signer = by, fields = {}, ...words } = {}) => {
    const { request: bare, workflowId } = changeRequest(it.instance(), kind, it.env, { reason: 'CVE-2026-12345', to: other(), ...words });
    const made: ChangeRequest = { ...bare, requester: by, tuning: QUICK, ...fields };
    const text = requestText(requestFactsOf(made, { ulid: parseWorkflowId(workflowId)!.ulid, namespace: 'default', at: new Date().toISOString(), source: null }));
    return { request: { ...made, asked: await sign(signer, SIGNATURE_NAMESPACE.request, text) }, workflowId };
  };
  const start: Parts['start'] = async (workflow, workflowId, input) => ({ run: input.run, workflowId, handle: await client.workflow.start(workflow, { workflowId, taskQueue: 'runbooks', args: [input], workflowIdReusePolicy: 'ALLOW_DUPLICATE' }) });
  const cast: Parts['cast'] = (id, input) => handleOf(id).executeUpdate(voteUpdate, { args: [input] }).catch(untaken);
  const waits: Parts['waits'] = async (started, than = '') => {
    const id = (await poll(async () => {
      const asked = (await handleOf(started.workflowId).query(statusQuery)).decision;
      return asked && asked.workflowId !== than && asked.outcome === null ? asked.workflowId : null;
    }))!;
    const state = (await poll(() => decision(id).catch(() => null)))!;
    return { started, request: {} as ChangeRequest, decisionId: id, state };
  };
  return {
    sign, request, start, cast, decision, waits, other,
    async ask(to) {
      const made = await request(to === undefined ? {} : { to });
      const started = await startRun(client, made.request.kind, made.workflowId, made.request);
      return { ...(await waits(started)), request: made.request };
    },
    async approve({ decisionId, state }, ...names) {
      const casts: Cast[] = [];
      for (const name of names) casts.push(await cast(decisionId, { ...(await sign(name, SIGNATURE_NAMESPACE.approval, approvalText(state.request.facts, 'approve'))), carrier: 'mallory' }));
      return casts;
    },
    async refusedOrder(activity, ...args) {
      const answer = await order(hostQueue(it.handle.host), activity, ...args).then((value) => ({ value }), (error: unknown) => ({ failure: textOf(error) }));
      if ('value' in answer) throw new Error(`${activity}: expected a refusal, got ${JSON.stringify(answer.value).slice(0, 500)}`);
      return answer.failure;
    },
    async seen({ workflowId }, activity) {
      const { events = [] } = await handleOf(workflowId).fetchHistory();
      const scheduled = events!.map((event) => event.activityTaskScheduledEventAttributes).find((it) => it?.activityType?.name === activity);
      if (!scheduled) throw new Error(`${workflowId}: expected an order ${activity} in its history`);
      return (scheduled.input?.payloads ?? []).map((payload) => defaultPayloadConverter.fromPayload(payload as Payload));
    },
    entries(run, event) {
      const records = it.records();
      try {
        return records.runsNamed([run]).flatMap(({ chain }) => records.entriesOf(chain)).concat(event ? records.entriesByEvent(event) : []).map(({ entry }) => entry).filter((entry) => entry.run === run && (event === undefined || entry.event === event));
      } finally {
        records.close();
      }
    },
    standing: () => readlinkSync(it.link),
  };
}

function untaken(error: unknown): Cast {
  if (error instanceof WorkflowUpdateFailedError) return { untaken: error.cause?.message ?? error.message };
  throw error;
}

/** The words of a failure, down to its cause, with the reasons it carries. */
function textOf(error: unknown): string {
  const words: string[] = [];
  for (let cause = error as ApplicationFailure | undefined; cause; cause = cause.cause as ApplicationFailure | undefined) {
    const [details] = cause.details ?? [];
    words.push(`${cause.type ?? cause.name}: ${cause.message}`, ...(Array.isArray(details) ? (details as Objection[]).map(objectionText) : []));
  }
  return words.join(' | ').replaceAll('\n', ' | ');
}
