/**
 * What entitles a run to change this host, judged by the host itself (invariant 6): with `trust: signatures` neither the Temporal
 * server nor the control worker can allow anything. Signatures are judged as of the host's own clock now, not as of a vote's time,
 * which a host can't know: a key that expired since its vote counts no more here, which is stricter than the decision was.
 */
import type { SignersFile } from '../../policy/files/signers-file.js';
import { SIGNATURE_NAMESPACE, type ApprovalStage, type SignatureNamespace, type SignatureVerdict, type SignedText, type Warrant } from '../../policy/model-approval.js';
import type { Objection, Plan } from '../../policy/model.js';
import { askedProblems } from '../../policy/request-facts.js';
import { policyWarrantProblems, warrantProblems } from '../../policy/warrant.js';
import { shapeProblems } from '../../policy/warrant-shape.js';
import { judgeSignature } from '../ssh-keygen.js';
import type { HostContext, StepScope } from './context.js';
import type { Order } from './contract.js';
import { resolvePlace, type Place } from './paths.js';
import { refusal } from './refuse.js';
import type { Seal } from './seal.js';
import { loadSigners } from './signers.js';
import { journalled, keepUnjudged, keptWarrant, requireOwnTree, rowKeeper, used } from './warrant-kept.js';
import { endProblems, orderProblems } from './warrant-order.js';

/** A question about a warrant: whose order it is, what it is to allow, and since when that is under way. */
interface Question {
  ctx: HostContext;
  step: Pick<StepScope, 'heartbeat'>;
  order: Order;
  place: Place;
  plan: Plan;
  warrant: Warrant;
  /** ISO: what the warrant allows began then; `useBy` and an exception's end are measured by it. */
  begunAt: string;
}

/**
 * Demands and keeps the warrant of an order that is about to build; call it under the order's lease. Throws `NotApproved`
 * (details: `Objection[]`) and journals why. With `trust: server` nothing is demanded, and what comes along is kept.
 */
export async function requireWarrant(ctx: HostContext, step: StepScope, order: Order, plan: Plan, raw: unknown): Promise<void> {
  const place = resolvePlace(ctx, order.env);
  if (ctx.agentFile.trust === 'server') return keepUnjudged(rowKeeper(ctx, order, place, plan), raw);
  await journalled(ctx, order, place, 'prepare', async () => {
    const warrant = readWarrant(raw, { what: `warrant of ${order.run}`, expected: 'the signatures that allow it, because this host has "trust: signatures"', got: 'none', wayOut: 'have runs on this host decided ("approvals" of its class in the policy): runbook approve RUN' });
    const begunAt = used(ctx, order, warrant)?.at ?? ctx.now().toISOString();
    const by = await judge({ ctx, step, order, place, plan, warrant, begunAt });
    // Judged before it is kept: a forged one must not use up the request of a real one.
    ctx.store.exclusive(() => {
      used(ctx, order, warrant);
      rowKeeper(ctx, order, place, plan)(warrant);
    });
    return { request: warrant.facts.request, by };
  });
}

/** The warrant, of the right shape: whoever may poll can send anything. `none`: said where there is none. */
export function readWarrant(raw: unknown, none: Objection): Warrant {
  if (raw === undefined || raw === null) throw refusal('NotApproved', none);
  const problems = shapeProblems(raw as Warrant);
  if (problems.length > 0) throw refusal('NotApproved', ...problems);
  return raw as Warrant;
}

/**
 * The kept warrant once more, right before the link is turned, with the signers file as it is now: after a key was marked compromised
 * or a person removed nothing is switched, and to no other tree than this run's own. What began in time may be switched after `useBy`. Throws `NotApproved`.
 */
export async function recheckWarrant(ctx: HostContext, step: StepScope, order: Order, plan: Plan, seal: Seal | null): Promise<void> {
  if (ctx.agentFile.trust === 'server') return;
  const place = resolvePlace(ctx, order.env);
  await journalled(ctx, order, place, 'switch', async () => {
    const { warrant, at: begunAt } = keptWarrant(ctx, order);
    requireOwnTree(order, plan, seal);
    const by = await judge({ ctx, step, order, place, plan, warrant, begunAt });
    return { request: warrant.facts.request, by };
  });
}

/** Who allowed it, by name. Throws `NotApproved` with every reason. */
async function judge(question: Question): Promise<string[]> {
  const { ctx, order, place, plan, warrant, begunAt } = question;
  const signers = signersOf(ctx, place);
  const rule = ruleFor(signers, plan, warrant);
  if ('what' in rule) throw refusal('NotApproved', rule);
  const { stages, byPolicy } = rule;
  const own = [...orderProblems(order, plan, warrant), ...endProblems(ctx, order, plan, warrant, signers, begunAt)];
  if (!byPolicy) own.push(...(await requestProblems(question, signers)));
  const signatures = byPolicy ? warrant.policy!.signatures : warrant.votes;
  const verdicts = await judgeAll(question, signers, signatures, byPolicy ? SIGNATURE_NAMESPACE.policy : SIGNATURE_NAMESPACE.approval);
  const counted = byPolicy
    ? policyWarrantProblems({ warrant, plan, stages, verdicts, now: begunAt, hostClass: signers.hostClass ?? null })
    : warrantProblems({ warrant, plan, stages, inOrder: false, veto: [], namespace: signers.namespace, verdicts, now: begunAt });
  const problems = [...own, ...counted];
  if (problems.length > 0) throw refusal('NotApproved', ...problems);
  return verdicts.flatMap(({ valid, person }) => (valid && person !== null ? [person] : []));
}

/** Who asks must have signed the request: naming somebody else they could vote themselves. */
async function requestProblems(question: Question, signers: SignersFile): Promise<Objection[]> {
  const { asked } = question.warrant;
  const [verdict = null] = await judgeAll(question, signers, asked === null ? [] : [asked], SIGNATURE_NAMESPACE.request);
  return askedProblems(question.warrant, verdict);
}

/** The host's own rule for a kind; what the warrant says about rules decides nothing. */
function ruleFor({ warrants, policyRevision }: SignersFile, { kind, env }: Plan, { policy }: Warrant): { stages: ApprovalStage[]; byPolicy: boolean } | Objection {
  if (kind !== 'change' && kind !== 'fallback' && kind !== 'exception') return { what: `${kind} of ${env.link}`, expected: 'a change, a fallback or an exception: the only kinds that build and switch', got: kind, wayOut: 'the way back needs no warrant and builds nothing: runbook undo' };
  const rule = warrants[kind];
  if (rule !== 'policy') return { stages: rule, byPolicy: false };
  if (policy !== null) return { stages: policyRevision, byPolicy: true };
  // The policy asked for a decision after all: it counts as one about any other change.
  return { stages: warrants.change === 'policy' ? warrants.exception : warrants.change, byPolicy: false };
}

export const signersOf = (ctx: HostContext, { owner }: Place): SignersFile => loadSigners({ file: ctx.agentFile.signers ?? null, agentUid: process.geteuid!(), ownerUid: owner.uid });

export async function judgeAll({ ctx, step }: Pick<Question, 'ctx' | 'step'>, signers: SignersFile, signed: SignedText[], namespace: SignatureNamespace): Promise<SignatureVerdict[]> {
  const t = ctx.now().toISOString();
  const verdicts: SignatureVerdict[] = [];
  for (const { text, signature } of signed) {
    step.heartbeat();
    verdicts.push(await judgeSignature({ signers, namespace, text, signature, t }));
  }
  return verdicts;
}

