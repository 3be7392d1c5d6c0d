/** A warrant for what the policy itself approves (DIS-19): the policy as it was signed, and what it says about this plan. Pure. */
import { applySigned, openDecision } from './approval.js';
import { sha256Hex } from './canonical.js';
import { classOf } from './files/load.js';
import { policyFileSchema, type PolicyFile } from './files/policy-file.js';
import type { ApprovalFacts, ApprovalStage, DecisionState, SignatureVerdict, SignedText, Warrant } from './model-approval.js';
import type { Objection, Plan } from './model.js';
import { stagesOf, stagesText } from './quorum.js';
import { policyText } from './signed-texts.js';
import { classifyInterpreter, isFallbackTarget } from './versions.js';
import { askedFor, factProblems, hoursProblems, notReached, refuse } from './warrant-checks.js';

export interface PolicyWarrantInput {
  warrant: Warrant;
  plan: Plan;
  /** Who must have signed the policy's revision (AP-11), by the host's own signers file or the policy in force. */
  stages: ApprovalStage[];
  /** One a signature of `warrant.policy`, in order, under `runbook.policy`, as of the time the caller chose. */
  verdicts: SignatureVerdict[];
  /** ISO. */
  now: string;
  /** Class the host says it has; null: it says nothing, and the policy's table decides. */
  hostClass: string | null;
}

/** A revision of a policy takes votes as long as somebody can sign it. */
const NO_DEADLINE = '9999-12-31T23:59:59.999Z';

/** Why a signed policy does not entitle to the plan; empty: it does. */
export function policyWarrantProblems(input: PolicyWarrantInput): Objection[] {
  const { warrant, plan, now } = input;
  const { facts, policy } = warrant;
  if (policy === null) return [refuse(facts, 'policy', 'the policy as it was signed', 'none', 'sign the policy (runbook policy sign), or have the run approved')];
  const digest = sha256Hex(policy.content);
  const own = factProblems(facts, plan, now);
  if (digest !== plan.policyDigest) return [...own, refuse(facts, 'policy', plan.policyDigest, digest, 'send the policy the plan was made under')];
  return [...own, ...hoursProblems(facts, plan), ...signatureProblems(input, policy, digest), ...rulingProblems(input, policy.content)];
}

/** The boards' signatures, counted like votes; nobody asked for a policy, so nobody is barred. */
function signatureProblems({ warrant: { facts }, stages, verdicts, now }: PolicyWarrantInput, { revision, signatures }: NonNullable<Warrant['policy']>, digest: string): Objection[] {
  const text = textOf(signatures, revision, digest);
  if (text === null) return [refuse(facts, 'signatures of the policy', `the text of revision ${revision} with policy sha256:${digest}, the same in all`, `${signatures.length} with another text`, 'sign this revision: runbook policy sign')];
  if (verdicts.length !== signatures.length || stages.length === 0) return [notReached(facts, stages, null)];
  const opened = openDecision({ ...askedFor(facts, stages, false, [], NO_DEADLINE), facts: { ...facts, requester: '' } });
  const state = inTurn(signatures, verdicts, stages).reduce<DecisionState>((so, { index }) => applySigned(so, { ...signatures[index]!, carrier: '', seq: index + 1, t: now }, verdicts[index]!, { approve: text, reject: '' }).state, opened);
  return state.outcome === 'approved' ? [] : [notReached(facts, stages, state)];
}

/** Who has one of the roles only goes first: who has several takes what is left. */
function inTurn(signatures: SignedText[], verdicts: SignatureVerdict[], stages: ApprovalStage[]): { index: number; choices: number }[] {
  const asked = new Set(stages.map(({ role }) => role));
  const choices = (index: number): number => new Set(verdicts[index]!.roles.filter(({ role }) => asked.has(role)).map(({ role }) => role)).size;
  return signatures.map((_, index) => ({ index, choices: choices(index) })).sort((a, b) => a.choices - b.choices);
}

/** The one text all signatures are over; what it replaces is the only thing in it that is not known here. */
function textOf(signatures: SignedText[], revision: string, digest: string): string | null {
  const [first] = signatures;
  if (first === undefined) return policyText(revision, digest, null);
  const replaces = /\nreplaces sha256:([0-9a-f]{64})\n$/.exec(first.text)?.[1] ?? null;
  const text = policyText(revision, digest, replaces);
  return signatures.every((signature) => signature.text === text) ? text : null;
}

/** What the policy says: this class of hosts, this kind, this interpreter, without a decision of its own. */
function rulingProblems({ warrant: { facts }, plan, hostClass }: PolicyWarrantInput, content: string): Objection[] {
  const policy = readPolicy(content);
  if (policy === null) return [refuse(facts, 'policy', 'a policy this version can read', 'something else', 'run the same version on server and host')];
  const { name, rules } = classOf(policy, plan.env.host);
  const ruled = interpreterProblems(facts, plan, policy, rules.allowPreReleases);
  if (hostClass !== null && hostClass !== name) return [...ruled, refuse(facts, `class of ${plan.env.host}`, `${hostClass}, as the host's signers file says`, `${name}, as the policy says`, 'correct hostClasses in the policy, or hostClass in the signers file')];
  const rule = plan.kind === 'change' || plan.kind === 'fallback' ? stagesOf(rules.approvals[plan.kind]) : null;
  if (rule !== null && rule.length === 0) return ruled;
  return [...ruled, refuse(facts, `approval of a ${plan.kind}`, 'a kind of run the policy approves by itself', rule === null ? `${plan.kind}, which always needs a decision` : `${stagesText(rule)} for class ${name}`, 'have the run approved')];
}

function interpreterProblems(facts: ApprovalFacts, plan: Plan, policy: PolicyFile, allowPreReleases: boolean): Objection[] {
  const { fallback, primary } = policy.interpreters;
  const { version } = plan.interpreter;
  const judged = classifyInterpreter(version, policy, allowPreReleases);
  if (judged.role === 'prohibited') return [refuse(facts, 'interpreter', `${primary.version} or ${fallback.version}`, judged.text, 'have the run approved, or the policy changed')];
  if (plan.kind !== 'fallback' || isFallbackTarget(version, policy)) return [];
  return [refuse(facts, 'interpreter of a fallback', `${fallback.version}, the policy's fallback`, version, 'ask for a change, and have it approved')];
}

function readPolicy(content: string): PolicyFile | null {
  try {
    const parsed = policyFileSchema.safeParse(JSON.parse(content));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
