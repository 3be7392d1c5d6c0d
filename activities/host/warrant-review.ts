/** EE-08: what ends an exception's end is the final review's last decision, judged by the host itself like every other (invariant 6). */
import { applyVote, openDecision } from '../../policy/approval.js';
import { SIGNATURE_NAMESPACE, type SignatureVerdict, type Warrant } from '../../policy/model-approval.js';
import type { Objection } from '../../policy/model.js';
import type { SignersFile } from '../../policy/files/signers-file.js';
import { askedFor, notReached } from '../../policy/warrant-checks.js';
import type { HostContext, StepScope } from './context.js';
import type { Order } from './contract.js';
import { resolvePlace } from './paths.js';
import { refusal } from './refuse.js';
import { journalled, keepUnjudged, rowKeeper, used } from './warrant-kept.js';
import { judgeAll, readWarrant, signersOf } from './warrants.js';

/**
 * Demands and keeps the CAB's decision that this environment stays on `version`. It counts for exactly that environment and version, once.
 * The stages are the signers file's for an exception: who may grant one may make it permanent. Throws `NotApproved`. With
 * `trust: server` nothing is demanded, and what comes along is kept.
 */
export async function requireReviewWarrant(ctx: HostContext, step: Pick<StepScope, 'heartbeat'>, order: Order, { version, warrant: raw }: { version: string | null; warrant: unknown }): Promise<void> {
  const place = resolvePlace(ctx, order.env);
  if (ctx.agentFile.trust === 'server') return keepUnjudged(rowKeeper(ctx, order, place, null), raw);
  await journalled(ctx, order, place, 'make permanent', async () => {
    const warrant = readWarrant(raw, { what: `final review of ${order.run}`, expected: 'the signatures of its last step, because this host has "trust: signatures"', got: 'none', wayOut: 'have the interpreter change decided: runbook inbox' });
    const signers = signersOf(ctx, place);
    const verdicts = await judgeAll({ ctx, step }, signers, warrant.votes, SIGNATURE_NAMESPACE.approval);
    const problems = [...factsProblems(ctx, order, version, warrant, signers), ...countProblems(ctx, warrant, signers, verdicts)];
    if (problems.length > 0) throw refusal('NotApproved', ...problems);
    ctx.store.exclusive(() => {
      used(ctx, order, warrant);
      rowKeeper(ctx, order, place, null)(warrant);
    });
    return { request: warrant.facts.request, by: verdicts.flatMap(({ valid, person }) => (valid && person !== null ? [person] : [])) };
  });
}

function factsProblems(ctx: HostContext, { env }: Order, version: string | null, { facts }: Warrant, signers: SignersFile): Objection[] {
  const named = [`${facts.env.host}:${facts.env.link}`, ...facts.environments];
  const place = `${env.host}:${env.link}`;
  const wayOut = 'have the interpreter change decided for what stands here';
  const check = (what: string, expected: string, got: string, isMet = expected === got): Objection[] => (isMet ? [] : [{ what: `final review, ${what}`, expected, got, wayOut }]);
  return [
    ...check('kind', 'interpreter-change', facts.kind),
    ...check('purpose', 'cab', facts.purpose),
    ...check('environments', place, named.join(', '), named.includes(place)),
    ...check('version', version ?? 'one that runs', facts.to),
    ...check('namespace', signers.namespace, facts.namespace),
    ...check('time', `begun before ${facts.useBy}`, ctx.now().toISOString(), ctx.now().getTime() < Date.parse(facts.useBy)),
  ];
}

/** The one function that counts votes, with this host's stages and clock. */
function countProblems(ctx: HostContext, { facts, votes }: Warrant, { warrants: { exception: stages } }: SignersFile, verdicts: SignatureVerdict[]): Objection[] {
  const t = ctx.now().toISOString();
  let state = openDecision(askedFor(facts, stages, false, []));
  for (const [index, { text, signature }] of votes.entries()) state = applyVote(state, { text, signature, carrier: '', seq: index + 1, t }, verdicts[index]!).state;
  return state.outcome === 'approved' ? [] : [notReached(facts, stages, state)];
}
