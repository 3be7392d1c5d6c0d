/** Warrants this host took: a request is used by one run, under one lease; what follows under that lease must fit what was kept. */
import { canonicalJson } from '../../policy/canonical.js';
import { configEdits } from '../../policy/configuration.js';
import type { Warrant } from '../../policy/model-approval.js';
import type { Plan } from '../../policy/model.js';
import { planDigest } from '../../policy/plan.js';
import { shapeProblems } from '../../policy/warrant-shape.js';
import type { HostContext } from './context.js';
import type { ConfigEdit, Order } from './contract.js';
import type { Place } from './paths.js';
import { refusal } from './refuse.js';
import type { Seal } from './seal.js';
import type { WarrantRow } from './store-warrants.js';

/** The warrant that this order's run brought when it began to build, under the same lease. */
export function keptWarrant(ctx: HostContext, order: Order): WarrantRow {
  const row = ctx.store.warrants.newest(order.chain);
  if (row && row.epoch === order.epoch) return row;
  throw refusal('NotApproved', { what: `warrant of ${order.run}`, expected: 'one that was kept when it began to build, under this lease', got: row ? 'one of an earlier lease' : 'none', wayOut: 'start the run anew: prepare checks its warrant and keeps it' });
}

/** The row of a request that was used before by this order's run, under this lease; undefined: it is new. Throws for every other use. */
export function used(ctx: HostContext, order: Order, { facts: { request } }: Warrant): WarrantRow | undefined {
  const row = ctx.store.warrants.get(request);
  if (!row || (row.chain === order.chain && row.epoch === order.epoch)) return row;
  const by = row.chain === order.chain ? 'this run, under a lease it has given back' : row.run;
  throw refusal('NotApproved', { what: `request ${request}`, expected: 'one that was not used before: it allows one run, once', got: `one used by ${by} at ${row.at}`, wayOut: 'start a new run, and have it decided' });
}

/** Keeps a warrant as this order's; the first of a request stays. */
export const rowKeeper = (ctx: HostContext, { chain, epoch, run }: Order, { link }: Place, plan: Plan | null) => (warrant: Warrant): void =>
  ctx.store.warrants.keep({ request: warrant.facts.request, chain, epoch, run, link, at: ctx.now().toISOString(), warrant, plan });

/** With `trust: server` a warrant that comes along is kept for who asks later; what is none is passed over. */
export function keepUnjudged(keep: (warrant: Warrant) => void, raw: unknown): void {
  if (raw === undefined || raw === null || shapeProblems(raw as Warrant).length > 0) return;
  keep(raw as Warrant);
}


/** Without asking ssh-keygen: this plan is the one whose warrant was kept, under this lease. Throws `NotApproved`. */
export function requireKeptPlan(ctx: HostContext, order: Order, plan: Plan): void {
  if (ctx.agentFile.trust === 'server') return;
  const { plan: kept } = keptWarrant(ctx, order);
  const [expected, got] = [kept && planDigest(kept), planDigest(plan)];
  if (expected !== got) throw refusal('NotApproved', { what: `plan of ${order.run}`, expected: `${String(expected).slice(0, 12)}, which was approved`, got: got.slice(0, 12), wayOut: 'plan again, and have it approved' });
}

/** The same for edits of configuration: those that follow from the kept plan, and no others. */
export function requireKeptEdits(ctx: HostContext, order: Order, edits: ConfigEdit[]): void {
  if (ctx.agentFile.trust === 'server') return;
  const { plan } = keptWarrant(ctx, order);
  const allowed = plan ? configEdits(plan, ANY_INSTANT) : [];
  // The date of a fallback is when it came to its step: any instant will do.
  const shape = ({ path, format, set }: ConfigEdit): string => canonicalJson({ path, format, set: Object.fromEntries(Object.entries(set).map(([key, value]) => [key, INSTANT.test(value) ? ANY_INSTANT : value])) });
  const other = edits.find((edit) => !allowed.some((one) => shape(one) === shape(edit)));
  if (other) throw refusal('NotApproved', { what: `edit of ${other.path}`, expected: 'one that follows from the approved plan', got: canonicalJson(other.set).slice(0, 200), wayOut: 'plan again, and have it approved' });
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/;
const ANY_INSTANT = '2000-01-01T00:00:00.000Z';

/** A tree that another run sealed is not what was approved, whatever it holds. */
export function requireOwnTree({ run }: Order, { interpreter: { version }, lock }: Plan, seal: Seal | null): void {
  const told = (of: Pick<Seal, 'run' | 'version' | 'lockSha256'>): string => `${of.run}, ${of.version}, lock ${of.lockSha256.slice(0, 12)}`;
  const expected = told({ run, version, lockSha256: lock.sha256 });
  const got = seal === null ? 'none' : told(seal);
  if (got !== expected) throw refusal('NotApproved', { what: 'seal of the tree to switch to', expected, got, wayOut: 'only what this run built and verified may be switched to' });
}

/** Puts on the journal who allowed it, or why nobody did. "Could not tell" is retried and is no answer. */
export async function journalled(ctx: HostContext, order: Order, { link }: Place, before: string, act: () => Promise<{ request: string; by: string[] }>): Promise<void> {
  const note = (body: object): void => ctx.store.journal.append({ link, op: `${order.chain}/warrant/${order.seq}`, kind: 'observation', run: order.run, at: ctx.now().toISOString(), attempt: 0, body: { warrant: before, ...body } });
  try {
    note({ taken: true, ...(await act()) });
  } catch (error) {
    const { type, details } = error as { type?: string; details?: unknown };
    if (type === 'NotApproved') note({ taken: false, objections: details });
    throw error;
  }
}
