/** The control worker's decisions on a request: which interpreters, which plan, fallback or not. */
import { ApplicationFailure } from '@temporalio/common';
import { causesOf, decideFallback } from '../../policy/assess.js';
import { rulesFor, stagesOf } from '../../policy/approval-rules.js';
import { unfinishedGrant, unfinishedObjection, versionObjection } from '../../policy/exception.js';
import { FAILURE } from '../../policy/names.js';
import { chooseTarget, makePlan, objectionsTo, planText } from '../../policy/plan.js';
import type { ChangeRequest, HostLook, Interpreter, LockVerdict, Objection, PerformanceProbe } from '../../policy/model.js';
import { normalizeProjectName } from '../../policy/project-name.js';
import { classOf } from '../../policy/files/load.js';
import type { HostClass, PolicyFile } from '../../policy/files/policy-file.js';
import { behindText } from '../../policy/security-patch.js';
import { classifyInterpreter, isFallbackTarget } from '../../policy/versions.js';
import type { ApprovalNeeds, ControlActivities } from './contract.js';
import { grantsOn, type GrantRecords } from './grants.js';
import type { PolicyStore } from './policy-store.js';

/** What of the policy store is asked. */
type PlanPolicies = Pick<PolicyStore, 'current' | 'pinned' | 'isCurrent'>;
type PlanActivities = Pick<ControlActivities, 'chooseInterpreters' | 'makePlan' | 'decideFallback'>;

/** `records`: tell of exceptions; without them none is known. `now`: milliseconds. */
export function createPlanActivities(policies: PlanPolicies, { records, now = Date.now }: { records?: GrantRecords; now?: () => number } = {}): PlanActivities {
  return {
    async chooseInterpreters({ request, look }) {
      const t = new Date(now()).toISOString();
      const refused = [...underException(request, records, t), ...belowTodaysMinimum(request, policies)];
      return refused.length > 0 ? { refused } : choose(request, look, policyFor(request, policies), t);
    },
    async makePlan({ request, look, interpreter, verdict }) {
      const policy = policies.pinned(request.policyDigest);
      const floor = Math.max(policy.diskFloorBytes, Math.round((look.current?.bytes ?? 0) * policy.diskFactor));
      const measured = { ...look, disk: { ...look.disk, needBytes: floor } };
      const objections = objectionsTo(measured, interpreter, verdict);
      if (objections.length > 0) return { refused: objections };
      const plan = makePlan({ request, look: measured, interpreter, verdict, policyDigest: request.policyDigest });
      return { refused: null, plan, lines: planText(plan) };
    },
    async decideFallback({ request, look, verdicts, imports }) {
      const [primary, fallback] = verdicts;
      if (!primary || !fallback) throw ApplicationFailure.nonRetryable(`expected two verdicts, got ${verdicts.length}`, FAILURE.BadInput);
      const policy = policies.pinned(request.policyDigest);
      const decided = decideFallback({ primary, fallback, policy, ...(imports ? { imports } : {}) });
      return { ...decided, causes: causesOf(primary, fallback), to: fallback.version, mode: policy.fallback.mode, systemDependencies: policy.systemDependencies, hostClass: classOf(policy, look.env.host).name, probe: probeFor(look, fallback, policy), ...toldOf(policy) };
    },
  };
}

/** HM-12. A policy without any channel tells nobody, and no run is begun to find that out. */
function toldOf({ fallback: { tell }, notifications: { channels } }: PolicyFile): { tell?: string[] } {
  return tell.length > 0 && Object.keys(channels).length > 0 ? { tell } : {};
}

/** WF-48: the project's own probe, else the policy's first whose package is in the lock. */
function probeFor(look: HostLook, { pins }: LockVerdict, policy: PolicyFile): PerformanceProbe | null {
  const own = look.settings.performance;
  const found = own ?? policy.performance.probes.find((probe) => pins.some((pin) => pin.project === normalizeProjectName(probe.requires)));
  return found ? { name: found.name, setup: found.setup, statement: found.statement } : null;
}

/** What was granted goes on under the rules it was granted under; everything else begins under those of now. */
function policyFor({ policyDigest, granted }: ChangeRequest, policies: PlanPolicies): PolicyFile {
  if (granted) return policies.pinned(policyDigest);
  const { policy, digest } = policies.current();
  if (!policies.isCurrent(policyDigest)) throw staleDigest(policyDigest, digest);
  return policy;
}

function staleDigest(expected: string, got: string): ApplicationFailure {
  const objection: Objection = { what: 'the policy', expected: expected.slice(0, 12), got: got.slice(0, 12), wayOut: 'the policy changed, or this is not the control worker you meant: runbook policy show' };
  return ApplicationFailure.create({ message: `unknown policy digest ${expected.slice(0, 12)}: the control worker's policy is ${got.slice(0, 12)}`, type: FAILURE.PolicyUnknown, nonRetryable: true, details: [[objection]] });
}

type Chosen = Awaited<ReturnType<ControlActivities['chooseInterpreters']>>;

/** `t`: ISO, for who can decide about it now. */
function choose(request: ChangeRequest, look: HostLook, policy: PolicyFile, t: string): Chosen {
  const { name, rules } = classOf(policy, look.env.host);
  const objections = classObjections(name, look, rules);
  const chosen = specsOf(request, look, policy).map((spec, at, specs) => chooseTarget(look, spec, policy, rules.allowPreReleases, request.kind === 'exception' ? 'exception' : at === specs.length - 1 ? 'target' : 'judged'));
  objections.push(...chosen.filter(isObjection), ...misnamed(request, chosen.at(-1)!, policy));
  const approval = approvalOf(request, policy, rules, t);
  if (approval && 'objection' in approval) objections.push(approval.objection);
  if (objections.length > 0 || (approval && 'objection' in approval)) return { refused: objections };
  const interpreters = chosen as Interpreter[];
  return { refused: null, interpreters, words: wordsOf(request, interpreters, policy, rules), ...(approval ? { approval } : {}) };
}

/** What the request names, or what the policy means by it. */
function specsOf(request: ChangeRequest, look: HostLook, { interpreters: { primary, fallback } }: PolicyFile): string[] {
  if (request.kind === 'exception') return [request.to ?? 'none'];
  if (request.kind === 'fallback' && request.to === null) return [primary.version, fallback.version];
  return [request.to ?? (request.rebuild ? look.current?.version : null) ?? primary.version];
}

const isObjection = (value: Interpreter | Objection): value is Objection => 'wayOut' in value;

/** DIS-19: the class pre-approves the way to the policy's fallback, not whatever calls itself one. */
function misnamed({ kind }: ChangeRequest, target: Interpreter | Objection, policy: PolicyFile): Objection[] {
  if (kind !== 'fallback' || isObjection(target) || isFallbackTarget(target.version, policy)) return [];
  return [{ what: 'the target of a fallback', expected: `${policy.interpreters.fallback.version}, the policy's fallback`, got: target.version, wayOut: `ask for a change: runbook run change --to ${target.version}` }];
}

/** Of an exception also what the policy would say without it: who grants reads this. */
function wordsOf({ kind }: ChangeRequest, interpreters: Interpreter[], policy: PolicyFile, { allowPreReleases }: HostClass): string {
  const words = interpreters.map(({ version }) => {
    if (kind !== 'exception') return version;
    const told = [classifyInterpreter(version, policy, allowPreReleases).text, behindText(version, policy)].filter((it) => it !== null);
    return `${version} (${told.join('; ')})`;
  });
  return words.join(' and ');
}

/**
 * Whose approval it needs first (AP-01, DIS-19); null: the class pre-approves it, somebody has granted it, or, of an exception, its
 * own run asks.
 */
function approvalOf(request: ChangeRequest, policy: PolicyFile, rules: HostClass, t: string): ApprovalNeeds | { objection: Objection } | null {
  if (request.granted || (request.kind !== 'change' && request.kind !== 'fallback')) return null;
  const stages = stagesOf(rules.approvals[request.kind]);
  if (stages.length === 0) return null;
  const asked = rulesFor(policy, stages, request.requester, t);
  if ('objection' in asked) return asked;
  const { approval, timers } = policy;
  return { rules: asked.rules, decideHours: timers.cabApprovalHours, useWithinHours: approval.useWithinHours, reminderHours: approval.reminderHours, escalateTo: approval.escalateTo };
}

function classObjections(name: string, look: HostLook, { publicIndex, requireSignatures }: HostClass): Objection[] {
  const objections: Objection[] = [];
  if (requireSignatures && look.trust !== 'signatures') {
    objections.push({ what: `the trust of ${look.env.host} (class ${name})`, expected: 'a host that checks signatures itself (requireSignatures of its class)', got: 'trust: server', wayOut: `set "trust: signatures" and "signers" in the agent file of ${look.env.host}` });
  }
  if (!publicIndex && look.publicIndex) {
    objections.push({ what: `the package index of ${look.env.host} (class ${name})`, expected: 'an index named in the agent file', got: look.index, wayOut: 'set index.url in the agent file; a public default is for development only' });
  }
  return objections;
}

/** DIS-04: a minimum that was raised since the grant holds. */
function belowTodaysMinimum({ kind, granted, to }: ChangeRequest, policies: Pick<PolicyStore, 'current'>): Objection[] {
  const objection = kind === 'exception' && granted ? versionObjection(to, policies.current().policy) : null;
  return objection === null ? [] : [objection];
}

/** A change of an environment under an exception would take its way back away; the exception's own run may. */
function underException(request: ChangeRequest, records: GrantRecords | undefined, t: string): Objection[] {
  if (!records) return [];
  const others = grantsOn(records, request.env, t).filter(({ run }) => run !== request.run);
  const open = unfinishedGrant(others);
  return open === null ? [] : [unfinishedObjection(open, t)];
}
