/**
 * A host and a control worker that answer at once and remember what they were asked: for tests of the order in which a
 * workflow asks. What a host really does is tested on real hosts.
 */
import { ApplicationFailure } from '@temporalio/common';
import type { ControlActivities } from '../../activities/control/contract.js';
import type { HostActivities, Order } from '../../activities/host/contract.js';
import type { ChangeRequest, Diagnosis, HostLook, Interpreter, LockVerdict, Plan, Verification } from '../../policy/model.js';
import type { ApprovalActivities } from '../../activities/control/contract-approval.js';
import type { ApprovalRules, ExceptionTerms } from '../../policy/model-approval.js';
import type { AuditEntry } from '../../policy/records.js';

export const INTERPRETER: Interpreter = {
  path: '/opt/python/bin/python3.11', realpath: '/opt/python/bin/python3.11', version: '3.11.7', implementation: 'CPython', build: 'main', soabi: 'cpython-311',
  system: 'linux', machine: 'x86_64', libc: { name: 'glibc', version: '2.36' }, macosRelease: '', freeThreaded: false, missingModules: [],
};

export const SETTINGS = {
  name: 'p', lock: 'requirements.txt', link: '.venv', importModule: null, imports: [], tests: [], testsTimeoutSeconds: 60,
  envPrefix: 'P', envFile: '.env', configFiles: [], expectedFreezeHash: null,
};

export function lookOf(host: string): HostLook {
  return {
    env: { host, link: '/srv/p/.venv' }, project: '/srv/p', owner: { uid: 1000, gid: 1000, name: 'p' }, linkState: 'managed',
    current: { id: 'old-1', path: '/srv/p/.venvs/old-1', version: '3.12.1', manifestDigest: 'm0', manifestScope: 'all', files: 10, bytes: 1000, sealed: null },
    interpreters: [INTERPRETER], lock: { path: 'requirements.txt', sha256: 'l', pins: 1 }, disk: { freeBytes: 1e12, freeInodes: 1e6, needBytes: 0 },
    riders: [], onSwitch: 'restart', units: ['p'], restartWindowSeconds: 5, index: 'the index', publicIndex: false, installer: 'uv', settings: SETTINGS, objections: [],
  };
}

export const VERDICT: LockVerdict = { version: '3.11.7', pins: [{ project: 'a', version: '1', verdict: 'wheel', file: { name: 'a-1-py3-none-any.whl', sha256: 'f' }, why: '' }], missing: [], error: null, durationMs: 1 };

export const VERIFIED: Verification = {
  ok: true, files: { ok: true, checked: 10, bad: [] }, lock: { ok: true, installed: 1, expected: 1, differences: [] }, interpreter: { ok: true, expected: '3.11.7', got: '3.11.7' },
  imports: { ok: true, passed: 1, total: 1, failures: [] }, tests: { ok: true, ran: false, summary: '', outputPath: '' }, manifestDigest: 'm1', manifestFiles: 10, freezeHash: 'z', durationMs: 1,
};

const DIAGNOSIS = (interpreter: string): Diagnosis => ({
  interpreter, attempt: { installable: 0, expected: 1, logPath: '/x/wheel_install.log', logSha256: 'g', lines: [] },
  findings: [{ project: 'a', class: 'WHEEL_MISSING', cause: 'python-version-mismatch', evidence: 'no wheel', remedy: 'the fallback', branch: 'fallback-interpreter' }],
  system: { platform: 'linux', machine: 'x86_64', memoryBytes: 1, libc: 'glibc 2.36', distribution: 'd' }, tools: {}, cache: { location: '/c', wheels: 0, bytes: 0 }, advice: [], workMs: 1,
});

export function planOf(request: ChangeRequest): Plan {
  return {
    kind: request.kind, env: request.env, policyDigest: request.policyDigest, present: { id: 'old-1', path: '/srv/p/.venvs/old-1', version: '3.12.1', manifestDigest: 'm0', manifestScope: 'all' },
    adopt: false, interpreter: { version: '3.11.7', build: 'main', realpath: INTERPRETER.realpath }, lock: { path: 'requirements.txt', sha256: 'l' }, files: [], rungs: ['wheels'],
    serviceActions: ['restart p'], onSwitch: 'restart', undoTarget: 'old-1', end: null, digest: 'd'.repeat(64),
    facts: { freeBytes: 1, needBytes: 1, restartWindowSeconds: 5, riders: [], index: 'the index', installer: 'uv', owner: { uid: 1000, gid: 1000, name: 'p' } }, settings: SETTINGS,
  };
}

export interface Fakes {
  host: HostActivities;
  control: ControlActivities;
  /** Names in the order they were asked, with the step of an order. */
  calls: string[];
  orders: Order[];
  entries: AuditEntry[];
}

type Overrides = { host?: Partial<HostActivities>; control?: Partial<ControlActivities> };

/** Everything says yes, unless told otherwise. */
export function fakes({ host: onHost = {}, control: onControl = {} }: Overrides = {}): Fakes {
  const calls: string[] = [];
  const orders: Order[] = [];
  const entries: AuditEntry[] = [];
  const remember = <T extends object>(side: T): T =>
    Object.fromEntries(Object.entries(side).map(([name, act]) => [name, (...args: unknown[]) => {
      calls.push(name);
      const order = args[0] as Partial<Order> | undefined;
      if (order?.step !== undefined) orders.push(order as Order);
      return (act as (...given: unknown[]) => unknown)(...args);
    }])) as T;
  const host: HostActivities = {
    ping: async () => ({ agentVersion: '1' }),
    look: async ({ env }) => lookOf(env.host),
    assess: async ({ interpreters }) => interpreters.map((i) => ({ ...VERDICT, version: i.version })),
    probeLive: async () => ({ python: '3.12.1', tools: {}, imports: { ok: true, passed: 0, total: 0, failures: [] }, frozen: ['a==1'] }),
    diagnose: async ({ interpreter }) => DIAGNOSIS(interpreter.version),
    buildWheels: async ({ pins }) => ({ host: 'b', wheelhouse: '/w', built: pins.map((pin) => ({ ...pin, file: { name: `${pin.project}.whl`, sha256: 's' }, durationMs: 1, warnings: [] })), failed: [], workMs: 1 }),
    proposeLocks: async () => [],
    cleanProject: async () => ({ paths: 0, bytes: 0, sample: [], sourceless: [], tracked: 0, left: [] }),
    measure: async ({ probe }) => ({ probe: probe.name, ran: true, beforeMs: 10, afterMs: 11, baselineMs: null, ratio: 1.1, band: 'same', summary: '11 ms, before 10 ms', workMs: 1 }),
    acquireLease: async () => ({ epoch: 7 }),
    describeLease: async ({ env }) => ({ env, holder: null, epoch: 7, state: 'free', switched: false, waiters: [] }),
    holderEnded: async () => ({ result: 'freed' }),
    armUndo: async () => ({ undoTarget: 'old-1', files: 10, manifestDigest: 'm0', interpreterRuns: true, workMs: 1 }),
    prepare: async (order) => ({ id: `${order.run}-1`, path: '/x', installer: 'uv', packages: 1, asUser: 'p', workMs: 1 }),
    verifyTree: async () => VERIFIED,
    adoptLink: async () => ({ tree: 'adopted-1', version: '3.12.1', workMs: 1 }),
    switchLink: async (_order, { tree }) => ({ from: 'old-1', to: tree, adopted: false, renameMs: 0.1, workMs: 1 }),
    settleRiders: async () => ({ restarted: ['p'], left: [], healthy: true, problem: '', workMs: 1 }),
    verifyLink: async () => ({ ok: true, version: '3.11.7', problem: '', workMs: 1 }),
    configure: async () => ({ edited: ['.env'], workMs: 1 }),
    writeDocuments: async ({ documents }) => ({ written: documents.map((d) => d.path) }),
    undo: async () => ({ outcome: 'restored', version: '3.12.1', verified: true, problem: '', workMs: 1 }),
    keep: async () => ({ ok: true, tree: 't', version: '3.11.7', problem: '', workMs: 1 }),
    closeChange: async () => ({ pruned: [], kept: [], workMs: 1 }),
    rehearse: async () => ({ known: true, ok: true, problem: '', version: '3.12.1', end: null, workMs: 1 }),
    makePermanent: async () => ({ ok: true, problem: '', workMs: 1 }),
    nextEvent: () => new Promise(() => undefined),
    ...onHost,
  };
  const control: ControlActivities = {
    chooseInterpreters: async () => ({ refused: null, interpreters: [INTERPRETER, INTERPRETER], words: '3.11.7' }),
    makePlan: async ({ request }) => ({ refused: null, plan: planOf(request), lines: [] }),
    decideFallback: async () => ({ decision: 'fallback', text: '1 of 1 has no wheel', affected: ['a'], causes: {}, to: '3.11.7', mode: 'replace' }),
    planLadder: async () => ({ rungs: [], builder: null, pins: [], missing: [], knownGood: {} }),
    renderDocuments: async ({ result }) => [{ path: 'fallback_report.md', mode: 'replace', text: result.outcome }],
    appendRecords: async ({ entries: batch }) => {
      entries.push(...batch);
      return { head: { seq: entries.length, hash: 'f'.repeat(64) } };
    },
    dueNow: async () => ({ items: [] }),
    healthRules: async () => ({ health: null }),
    healthAlerts: async () => ({ alerts: [], to: [] }),
    statementRoles: async () => ({ acceptedBy: ['operations'] }),
    isChainClosed: async () => false,
    ...approvals(),
    ...onControl,
  };
  return { host: remember(host), control: remember(control), calls, orders, entries };
}

/** Who signs `PERSON` as text has signed as that person, of the CAB; every warrant counts. */
function approvals(): ApprovalActivities {
  return {
    verifySignature: async ({ signature }) => ({ valid: true, person: signature, roles: [{ role: 'cab', deputyFor: null }, { role: 'engineering', deputyFor: null }], fingerprint: `SHA256:${signature}`, signer: signature, reason: '', signersDigest: 's' }),
    admitRequest: async ({ request }) => ({ refused: null, person: request.requester }),
    exceptionTerms: async ({ request }) => ({ refused: null, terms: { ...TERMS, hours: request.hours! } }),
    reviewTerms: async () => ({ refused: null, steps: [{ name: 'technical-review', stages: [{ role: 'engineering', quorum: 1 }], evidence: ['technical-review'], policyRevision: false, rules: { ...CAB, stages: [{ role: 'engineering', quorum: 1, eligible: 3 }] } }, { name: 'cab', stages: [{ role: 'cab', quorum: 2 }], evidence: [], policyRevision: false, rules: CAB }], ...TIMES }),
    checkWarrant: async ({ warrant }) => ({ refused: null, by: warrant.votes.map(({ signature }) => signature) }),
    policyWarrant: async () => ({ refused: [{ what: 'the policy', expected: 'a signed one', got: 'none', wayOut: 'runbook policy sign' }] }),
    placeEnd: async ({ from, hours }) => ({ local: `${new Date(Date.parse(from) + hours * 3_600_000).toISOString()} UTC`, conflict: null, proposedHours: null }),
    standingOf: async ({ version }) => ({ role: 'primary', text: version, revision: '1.0.0' }),
    checkRevision: async () => ({ ok: true, problem: '', revision: '1.1.0', digest: 'q' }),
    checkVerdict: async () => ({ refused: null, known: false }),
    renderException: async ({ outcome }) => ({ documents: [{ path: 'exception_report.md', mode: 'replace', text: outcome }] }),
    notify: async ({ role }) => ({ delivered: [role], failed: [] }),
  };
}

/** Two of three. */
export const CAB: ApprovalRules = { stages: [{ role: 'cab', quorum: 2, eligible: 3 }], inOrder: true, veto: [] };
const TIMES = { decideHours: 72, useWithinHours: 24, reminderHours: [4, 1], escalateTo: ['operations'] };
const TERMS: ExceptionTerms = { hours: 72, declaredBy: ['security'], rules: CAB, conveneRole: 'cab', conveneHours: 2, ...TIMES, watchers: ['security'], rootCauseRole: 'engineering', reviewSteps: [], reviewEscalateTo: [], usedHours: 0 };

/** A final failure of the closed set, with its four-part reason. */
export function saysNo(type: string, what = 'it'): ApplicationFailure {
  return ApplicationFailure.create({ message: `${type}: ${what}`, type, nonRetryable: true, details: [[{ what, expected: 'e', got: 'g', wayOut: 'w' }]] });
}

export function requestFor(host: string, kind: ChangeRequest['kind'] = 'change'): ChangeRequest {
  return {
    run: 'ch-test', kind, env: { host, link: '/srv/p/.venv' }, to: null, reason: 'because', requester: 'bob', policyDigest: 'p', planDigest: null, create: false,
    tuning: { heartbeatMs: 5_000, scheduleToStartMs: 1_500, leaseRetryMs: 200 },
  };
}

/** An activity that does not end before it is told to. */
export function held<T>(answer: T): { act: () => Promise<T>; reached: Promise<void>; release(): void } {
  let reach!: () => void;
  let release!: () => void;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const released = new Promise<void>((resolve) => (release = resolve));
  return { act: async () => (reach(), await released, answer), reached, release: () => release() };
}
