/** Orders to a host, with the time limits and the one rule for hosts that do not answer (decision 18). */
import { proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import type { HostActivities } from '../../activities/host/contract.js';
import type { ControlActivities } from '../../activities/control/contract.js';
import type { Tuning } from '../../policy/model.js';
import type { SignatureVerdict, SignedText } from '../../policy/model-approval.js';
import { hostQueue } from '../../policy/names.js';
import { isHostSilent } from './failures.js';
import type { Run } from './run.js';

/**
 * Heartbeat 10 s: an order's cancellation reaches the agent within 8 s, and an agent that died is noticed within 10 s.
 * Start within 30 s: a host that comes back later can't act on an old permit. Lease: asked for again every 5 s.
 */
export const DEFAULT_TUNING: Tuning = { heartbeatMs: 10_000, scheduleToStartMs: 30_000, leaseRetryMs: 5_000 };

/** Longest a single order may run: builds and test suites have shorter limits of their own in the agent file. */
const ORDER_LIMIT = '2 hours';

const besideWorkflows = <K extends keyof ControlActivities>(name: K, summary: string): ControlActivities[K] =>
  proxyActivities<ControlActivities>({
    startToCloseTimeout: '30 seconds',
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    retry: { initialInterval: '500 milliseconds', maximumInterval: '30 seconds' },
    summary,
  })[name];

/** Beside the workflows; answers in milliseconds, retried until it does. */
export const control: Omit<ControlActivities, 'verifySignature' | 'notify'> = {
  chooseInterpreters: besideWorkflows('chooseInterpreters', 'which interpreters the policy means'),
  makePlan: besideWorkflows('makePlan', 'make the plan, or say why not'),
  decideFallback: besideWorkflows('decideFallback', 'is the fallback needed, and would it help'),
  planLadder: besideWorkflows('planLadder', 'what is left to try'),
  renderDocuments: besideWorkflows('renderDocuments', 'write up the record'),
  admitRequest: besideWorkflows('admitRequest', 'who asks, and may they'),
  exceptionTerms: besideWorkflows('exceptionTerms', 'what the policy says about exceptions'),
  reviewTerms: besideWorkflows('reviewTerms', 'what the policy says about interpreter changes'),
  checkWarrant: besideWorkflows('checkWarrant', 'do the signatures still count'),
  policyWarrant: besideWorkflows('policyWarrant', 'the policy as it was signed'),
  placeEnd: besideWorkflows('placeEnd', 'where the end falls'),
  standingOf: besideWorkflows('standingOf', "what today's policy says"),
  checkRevision: besideWorkflows('checkRevision', 'is the policy a newer revision'),
  renderException: besideWorkflows('renderException', 'write up the exception'),
  checkVerdict: besideWorkflows('checkVerdict', 'did the host say so itself'),
  appendRecords: besideWorkflows('appendRecords', 'put it on record'),
  dueNow: besideWorkflows('dueNow', 'which dates of the policy come near'),
  healthRules: besideWorkflows('healthRules', 'what the host checks by'),
  healthAlerts: besideWorkflows('healthAlerts', 'whom to tell about its health'),
  statementRoles: besideWorkflows('statementRoles', 'who may sign such a thing'),
  isChainClosed: besideWorkflows('isChainClosed', 'is that run still open'),
};

/** A signature is judged within two minutes, or it could not be (decision 3). */
const VERIFY_LIMIT = '2 minutes';

/** Judges a vote or a statement, as of its time. */
export function verifyVote(signed: SignedText & { t: string }, namespace: Parameters<ControlActivities['verifySignature']>[0]['namespace'] = 'runbook.approval'): Promise<SignatureVerdict> {
  const { verifySignature } = proxyActivities<Pick<ControlActivities, 'verifySignature'>>({
    startToCloseTimeout: '15 seconds',
    scheduleToCloseTimeout: VERIFY_LIMIT,
    retry: { initialInterval: '500 milliseconds', maximumInterval: '10 seconds' },
    summary: 'whose signature is it',
  });
  return verifySignature({ ...signed, namespace });
}

type HostCall = Exclude<keyof HostActivities, 'nextEvent'>;

/** Options of one order beyond the defaults. */
export interface OrderOptions extends Pick<ActivityOptions, 'retry' | 'scheduleToCloseTimeout'> {
  /** Another host than the run's own: the builder. */
  host?: string;
}

/** The host's activities under the default limits, with a summary the Web UI shows. */
export function hostActivities(host: string, tuning: Tuning, summary: string, options: Omit<OrderOptions, 'host'> = {}): HostActivities {
  return proxyActivities<HostActivities>({
    taskQueue: hostQueue(host),
    scheduleToStartTimeout: tuning.scheduleToStartMs,
    startToCloseTimeout: ORDER_LIMIT,
    heartbeatTimeout: tuning.heartbeatMs,
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    retry: { initialInterval: '1 second', maximumInterval: '30 seconds', maximumAttempts: 5 },
    summary,
    ...options,
  });
}

/**
 * Gives an order and waits for its answer. A host that does not take it within the permit is waited for without limit
 * (a no-op on its queue), then the order is given anew, with a higher attempt, so that the older one can't act.
 */
export async function callHost<T>(run: Run, summary: string, give: (host: HostActivities, reissued: number) => Promise<T>, { host = run.env.host, ...options }: OrderOptions = {}): Promise<T> {
  for (let reissued = 0; ; reissued++) {
    try {
      return await give(hostActivities(host, run.tuning, summary, options), reissued);
    } catch (error) {
      if (!isHostSilent(error)) throw error;
      await run.waitingFor({ what: `host ${host} to answer`, until: null, command: `runbook agent   # on ${host}` }, () => waitForHost(host));
    }
  }
}

/** Returns when the host's agent answers; no time limit. */
async function waitForHost(host: string): Promise<void> {
  const patient = proxyActivities<Pick<HostActivities, 'ping'>>({ taskQueue: hostQueue(host), startToCloseTimeout: '10 seconds', summary: `wait for ${host}` });
  await patient.ping();
}

export type { HostCall };
