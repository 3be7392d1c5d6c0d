/** The control worker's decisions on a request: which interpreters, which plan, fallback or not. */
import { ApplicationFailure } from '@temporalio/common';
import { causesOf, decideFallback } from '../../policy/assess.js';
import { FAILURE } from '../../policy/names.js';
import { chooseTarget, makePlan, objectionsTo, planText } from '../../policy/plan.js';
import type { ChangeRequest, HostLook, Interpreter, LockVerdict, Objection, PerformanceProbe } from '../../policy/model.js';
import { normalizeProjectName } from '../../policy/project-name.js';
import { classOf } from '../../policy/files/load.js';
import type { PolicyFile } from '../../policy/files/policy-file.js';
import type { ControlActivities } from './contract.js';
import type { PolicyStore } from './policy-store.js';

type PlanActivities = Pick<ControlActivities, 'chooseInterpreters' | 'makePlan' | 'decideFallback'>;

export function createPlanActivities(policies: PolicyStore): PlanActivities {
  return {
    async chooseInterpreters({ request, look }) {
      const { policy, digest } = policies.current();
      if (digest !== request.policyDigest) throw staleDigest(request.policyDigest, digest);
      return choose(request, look, policy);
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
      return { ...decided, causes: causesOf(primary, fallback), to: fallback.version, mode: policy.fallback.mode, systemDependencies: policy.systemDependencies, hostClass: classOf(policy, look.env.host).name, probe: probeFor(look, fallback, policy) };
    },
  };
}

/** WF-48: the project's own probe, else the policy's first whose package is in the lock. */
function probeFor(look: HostLook, { pins }: LockVerdict, policy: PolicyFile): PerformanceProbe | null {
  const own = look.settings.performance;
  const found = own ?? policy.performance.probes.find((probe) => pins.some((pin) => pin.project === normalizeProjectName(probe.requires)));
  return found ? { name: found.name, setup: found.setup, statement: found.statement } : null;
}

function staleDigest(expected: string, got: string): ApplicationFailure {
  const objection: Objection = { what: 'the policy', expected: expected.slice(0, 12), got: got.slice(0, 12), wayOut: 'the policy changed, or this is not the control worker you meant: runbook policy show' };
  return ApplicationFailure.create({ message: `unknown policy digest ${expected.slice(0, 12)}: the control worker's policy is ${got.slice(0, 12)}`, type: FAILURE.PolicyUnknown, nonRetryable: true, details: [[objection]] });
}

function choose(request: ChangeRequest, look: HostLook, policy: PolicyFile): Awaited<ReturnType<ControlActivities['chooseInterpreters']>> {
  const { name, rules } = classOf(policy, look.env.host);
  const objections = classObjections(request, name, rules.approvals[request.kind], look, rules.publicIndex);
  const { primary, fallback } = policy.interpreters;
  const specs = request.kind === 'fallback' && request.to === null ? [primary.version, fallback.version] : [request.to ?? (request.rebuild ? look.current?.version : null) ?? primary.version];
  const chosen = specs.map((spec, at) => chooseTarget(look, spec, policy, rules.allowPreReleases, at === specs.length - 1 ? 'target' : 'judged'));
  objections.push(...chosen.filter(isObjection));
  if (objections.length > 0) return { refused: objections };
  const interpreters = chosen as Interpreter[];
  return { refused: null, interpreters, words: interpreters.map((i) => i.version).join(' and ') };
}

const isObjection = (value: Interpreter | Objection): value is Objection => 'wayOut' in value;

function classObjections(request: ChangeRequest, name: string, approvals: number, look: HostLook, publicIndex: boolean): Objection[] {
  const objections: Objection[] = [];
  if (approvals > 0) {
    objections.push({ what: `a ${request.kind} on ${look.env.host} (class ${name})`, expected: `${approvals} approvals, which this version can't take yet`, got: 'none', wayOut: 'have the policy pre-approve this kind for the class, or wait for a version with approvals' });
  }
  if (!publicIndex && look.publicIndex) {
    objections.push({ what: `the package index of ${look.env.host} (class ${name})`, expected: 'an index named in the agent file', got: look.index, wayOut: 'set index.url in the agent file; a public default is for development only' });
  }
  return objections;
}
