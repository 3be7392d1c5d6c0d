/** What entitles a change to begin: nothing where the policy pre-approves it, people where it does not. */
import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import type { Warrant } from '../../policy/model-approval.js';
import type { ChangeRequest, Objection, Outcome, Plan } from '../../policy/model.js';
import { FAILURE } from '../../policy/names.js';
import { decide, OUTCOME_OF } from './deciding.js';
import { control } from './host.js';
import type { Planned } from './planning.js';
import type { Run } from './run.js';
import { HOUR_MS, now } from './time.js';

/** What a change goes on with. */
export interface Permit {
  /** null: nobody had to sign. */
  warrant: Warrant | null;
  /** People decided; their votes lapse with a compromised key, up to the switch. */
  isVoted: boolean;
  /** When the change ends by itself; null: it stays. */
  end: string | null;
}

export type Permitted = ({ ended: null } & Permit) | { ended: Outcome; message: string; objections: Objection[] };

/** Asks whoever must allow it. Ended: it may not begin. */
export async function permitFor(run: Run, request: ChangeRequest, { plan, lines, approval, wantsWarrant }: Planned): Promise<Permitted> {
  if (request.granted && outlives(request.granted)) return { ended: 'refused', message: 'its end is later than what was granted', objections: [endObjection(request.granted)] };
  if (request.granted) return { ended: null, warrant: request.granted.warrant, isVoted: true, end: request.granted.end };
  if (request.kind !== 'change' && request.kind !== 'fallback') return { ended: 'refused', message: 'only a change or a fallback can be asked for like this', objections: [kindObjection(request)] };
  if (!approval) return wantsWarrant ? underPolicy(run, plan) : { ended: null, warrant: null, isVoted: false, end: null };
  const admitted = await admit(run, request, []);
  if (admitted.length > 0) return { ended: 'refused', message: 'nobody asked for it with a signature of their own', objections: admitted };
  const { result, warrant } = await run.step('approve', () => decide(run, {
    purpose: run.kind, from: run.state.from, to: plan.interpreter.version, hours: null, planDigest: plan.digest, policyDigest: request.policyDigest, evidence: [], environments: [],
    needs: approval, asked: request.asked ?? null, lines,
  }), ({ result }) => ({ ok: result.outcome === 'approved', fact: result.message }));
  if (result.outcome !== 'approved') return { ended: OUTCOME_OF[result.outcome], message: `${result.message}; nothing was changed`, objections: [] };
  run.allowedBy(result);
  return { ended: null, warrant, isVoted: true, end: null };
}

/** No rule of approval is for the other kinds: an exception comes here with its grant, an undo never. */
const kindObjection = ({ kind, run }: ChangeRequest): Objection => ({ what: `the kind of ${run}`, expected: 'change or fallback, or an exception with its grant', got: kind, wayOut: 'start what you mean: runbook run change, fallback or exception; runbook undo goes back' });

const endObjection = ({ warrant, end }: NonNullable<ChangeRequest['granted']>): Objection => ({ what: `the end of ${warrant.facts.run}`, expected: `at most ${warrant.facts.hours ?? 0} h after ${warrant.grantedAt}`, got: end, wayOut: 'runbook run exception asks for a grant of its own' });

/** The permission ends so many hours after its grant, whatever the order says. */
const outlives = ({ warrant, end }: NonNullable<ChangeRequest['granted']>): boolean => Date.parse(end) > Date.parse(warrant.grantedAt) + (warrant.facts.hours ?? 0) * HOUR_MS;

/** Who asks, by their signature; empty: they may. */
export async function admit(run: Run, request: Parameters<typeof control.admitRequest>[0]['request'], roles: string[]): Promise<Objection[]> {
  const { workflowId, startTime } = workflowInfo();
  const asWritten = 'askedTo' in request ? { ...request, to: request.askedTo! } : request;
  const { refused } = await control.admitRequest({ request: asWritten, workflowId, chain: run.chain, roles, t: startTime.toISOString() });
  return refused ?? [];
}

/** The policy itself approves it, and the host wants to see that it was signed. */
async function underPolicy(run: Run, plan: Plan): Promise<Permitted> {
  const signed = await control.policyWarrant({ plan, run: run.state.run, t: now() });
  if (signed.refused) return { ended: 'refused', message: `${plan.env.host} wants a signed policy`, objections: signed.refused };
  return { ended: null, warrant: signed.warrant, isVoted: false, end: null };
}

/** Counts the votes again with the keys of this moment. Before the lease's first step, and right before the switch. */
export async function recheck(plan: Plan, { warrant, isVoted }: Permit): Promise<void> {
  if (!warrant || !isVoted) return;
  const { refused } = await control.checkWarrant({ plan, warrant, t: now() });
  if (refused) throw ApplicationFailure.create({ message: refused.map((o) => `${o.what}: expected ${o.expected}, got ${o.got}`).join('; '), type: FAILURE.NotApproved, nonRetryable: true, details: [refused] });
}
