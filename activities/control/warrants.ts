/** Whether what was signed still entitles a run to its change: with the keys of this moment, and the rules the run is pinned to. */
import { stagesOf } from '../../policy/approval-rules.js';
import { classOf } from '../../policy/files/load.js';
import type { PolicyFile } from '../../policy/files/policy-file.js';
import type { Signers } from '../../policy/files/people.js';
import type { ApprovalFacts, ApprovalStage, SignatureVerdict, Warrant } from '../../policy/model-approval.js';
import type { Objection, Plan } from '../../policy/model.js';
import { askedProblems, readRequestTime } from '../../policy/request-facts.js';
import { policyWarrantProblems, warrantProblems } from '../../policy/warrant.js';
import { shapeProblems } from '../../policy/warrant-shape.js';
import { judgeSignature, type JudgeInput } from '../ssh-keygen.js';
import type { ApprovalActivities } from './contract-approval.js';
import type { SignatureDeps } from './signatures.js';

type Check = Parameters<ApprovalActivities['checkWarrant']>[0];
type Checked = Awaited<ReturnType<ApprovalActivities['checkWarrant']>>;
type Asked = Parameters<ApprovalActivities['policyWarrant']>[0];
type Given = Awaited<ReturnType<ApprovalActivities['policyWarrant']>>;

const HOUR_MS = 3_600_000;

/** See `ApprovalActivities.checkWarrant`. */
export async function checkWarrant({ policies, namespace }: SignatureDeps, { plan, warrant, t }: Check): Promise<Checked> {
  const misshapen = shapeProblems(warrant);
  if (misshapen.length > 0) return { refused: misshapen };
  const policy = policies.pinned(plan.policyDigest);
  const signers: Signers = policies.current().policy;
  if (warrant.policy !== null) {
    const problems = await underPolicyProblems(policy, signers, plan, warrant, t);
    return problems.length > 0 ? { refused: problems } : { refused: null, by: [`policy ${warrant.policy.revision}`] };
  }
  const verdicts = await judgeAll(warrant.votes.map((vote) => ({ signers, namespace: 'runbook.approval', ...vote })));
  const { inOrder, veto } = policy.approval;
  const problems = [
    ...warrantProblems({ warrant, plan, stages: stagesFor(policy, plan), inOrder, veto, namespace, verdicts, now: t }),
    ...hoursProblems(policy, plan),
    ...askedProblems(warrant, await verdictOnRequest(signers, warrant)),
  ];
  return problems.length > 0 ? { refused: problems } : { refused: null, by: [...new Set(verdicts.map(({ person }) => person!))] };
}

/** Who must have decided, by the kind of the change and the class of its host. */
export function stagesFor(policy: PolicyFile, { kind, env }: Pick<Plan, 'kind' | 'env'>): ApprovalStage[] {
  if (kind === 'exception') return policy.exception.grantedBy;
  const { approvals } = classOf(policy, env.host).rules;
  return kind === 'change' || kind === 'fallback' ? stagesOf(approvals[kind]) : [];
}

function hoursProblems({ timers }: PolicyFile, plan: Plan): Objection[] {
  const { kind } = plan;
  const hours = plan.hours ?? null;
  // More than 0, and none without an exception: `warrantProblems` looks at these.
  if (kind !== 'exception' || (hours !== null && hours <= timers.exceptionHours)) return [];
  return [{ what: 'the end of the exception', expected: `at most ${timers.exceptionHours} hours from its grant, as the policy says (EE-05)`, got: hours === null ? 'no end' : `${hours} hours`, wayOut: 'ask again, for less' }];
}

/** One after the other, each some 10 ms: a warrant may hold more signatures than should run at once. */
async function judgeAll(inputs: JudgeInput[]): Promise<SignatureVerdict[]> {
  const verdicts: SignatureVerdict[] = [];
  for (const input of inputs) verdicts.push(await judgeSignature(input));
  return verdicts;
}

async function verdictOnRequest(signers: Signers, { asked }: Warrant): Promise<SignatureVerdict | null> {
  const time = asked && readRequestTime(asked.text);
  return time ? judgeSignature({ signers, namespace: 'runbook.request', text: asked.text, signature: asked.signature, t: time.at }) : null;
}

/** See `ApprovalActivities.policyWarrant`: nothing that a host would refuse is handed out. */
export async function policyWarrant({ policies, records, namespace }: SignatureDeps, { plan, run, t }: Asked): Promise<Given> {
  const kept = policies.signedRevision(plan.policyDigest);
  if (kept === null) return { refused: [neverSigned(plan)] };
  const policy = policies.pinned(plan.policyDigest);
  const facts: ApprovalFacts = {
    request: `policy-${run}-${plan.digest.slice(0, 12)}`, run, kind: plan.kind, purpose: plan.kind, namespace, env: plan.env, environments: [],
    from: plan.present?.version ?? null, to: plan.interpreter.version, hours: plan.hours ?? null, requester: 'policy', reason: `approved by policy revision ${kept.revision}`,
    planDigest: plan.digest, policyDigest: plan.policyDigest, evidence: [], useBy: new Date(Date.parse(t) + policy.approval.useWithinHours * HOUR_MS).toISOString(), head: records.head(),
  };
  const { content, revision, signatures } = kept;
  const warrant: Warrant = { facts, rules: { stages: [], inOrder: false, veto: [] }, votes: [], asked: null, grantedAt: t, policy: { content, revision, signatures } };
  const problems = await underPolicyProblems(policy, policies.current().policy, plan, warrant, t);
  return problems.length > 0 ? { refused: problems } : { refused: null, warrant };
}

async function underPolicyProblems(policy: PolicyFile, signers: Signers, plan: Plan, warrant: Warrant, t: string): Promise<Objection[]> {
  const verdicts = await judgeAll(warrant.policy!.signatures.map((signed) => ({ signers, namespace: 'runbook.policy', ...signed, t })));
  return policyWarrantProblems({ warrant, plan, stages: policy.policyRevision.stages, verdicts, now: t, hostClass: classOf(policy, plan.env.host).name });
}

function neverSigned({ env, policyDigest }: Plan): Objection {
  return {
    what: `policy ${policyDigest.slice(0, 12)}, which pre-approves this`,
    expected: `a revision that was signed, because ${env.host} checks signatures itself`,
    got: 'signed by nobody',
    wayOut: 'have architecture board and CAB sign it: runbook policy sign; then start the run again',
  };
}
