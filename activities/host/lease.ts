/** The right to change an environment, kept where the environment is (decision 13). */
import { ApplicationFailure } from '@temporalio/common';
import type { EnvironmentRef, Objection } from '../../policy/model.js';
import { FAILURE } from '../../policy/names.js';
import type { HostContext, StepScope } from './context.js';
import type { HostActivities, LeaseBusyDetails, LeaseHolder, LeaseView } from './contract.js';
import { dueOn } from './ends.js';
import { endingHolder } from './ends-answer.js';
import { endGroups } from './groups.js';
import { resolvePlace, type Place } from './paths.js';
import { hostRefused, refusal } from './refuse.js';
import type { EndRecord } from './store-ends.js';
import type { LeaseRow, Priority } from './store-lease.js';
import { hasSwitched } from './switched.js';
import { removeAttempts } from './trees.js';
import { isUndoUnderWay } from './undo-mark.js';

/** A waiting run asks every 5 s; one that was not heard for a minute has gone. */
const WAITER_FORGOTTEN_MS = 60_000;
const ASK_AGAIN = '5 seconds';

/** Design: expiry > undo > all others. */
const RANK: Record<Priority, number> = { forward: 0, undo: 1, expiry: 2 };

/** Chains of `undo --local` and of what ends by itself. */
const OWN_HOLDER = /^(local|expiry)-/;

type Asked = Parameters<HostActivities['acquireLease']>[0];

/**
 * Takes the lease, or throws at once: `LeaseBusy` (retryable after 5 s, details `LeaseBusyDetails`), or `HostRefused`
 * where an ended run left the environment unsettled. Asked again by its holder it answers the same epoch. Undo and
 * expiry take it from a holder of lower rank, whose processes are ended before this returns.
 */
export async function acquireLease(ctx: HostContext, step: StepScope, { env, holder, priority }: Asked): Promise<{ epoch: number }> {
  const place = resolvePlace(ctx, env);
  const { link } = place;
  const answer = ctx.store.exclusive(() => decide(ctx, place, holder, priority));
  if ('busy' in answer) throw leaseBusy(link, answer.busy);
  // Also when it was ours already: a crash may have come between taking it over and ending the old holder's processes.
  await endGroups(ctx, link, (row) => row.epoch < answer.epoch, step);
  return { epoch: answer.epoch };
}

function decide(ctx: HostContext, place: Place, holder: LeaseHolder, priority: Priority): { epoch: number } | { busy: LeaseBusyDetails } {
  const { leases } = ctx.store;
  const { link } = place;
  const now = ctx.now().getTime();
  const lease = leases.get(link);
  if (lease.holder?.chain === holder.chain && lease.state === 'held') {
    if (RANK[priority] > RANK[lease.priority]) leases.put({ ...lease, priority });
    return { epoch: lease.epoch };
  }
  if (priority === 'forward' && ctx.store.journal.hasClosed(holder.chain)) throw over(link, holder.run);
  if (lease.state === 'unsettled' && priority === 'forward') throw refusal('HostRefused', unsettledWords(link, lease.holder?.run ?? 'RUN', ctx.store.ends.records(link)));
  const due = priority === 'forward' ? dueOn(ctx, link)[0] : undefined;
  if (due) {
    // The host takes it within a second; what waits is told for whom, as ever.
    leases.wait(link, holder, now);
    return { busy: { holder: endingHolder(due), position: 1, since: due.end } };
  }
  // Those in line before us go first, but never before an undo or an expiry.
  const isTakenOver = RANK[priority] > RANK[lease.priority] || lease.state === 'unsettled';
  const waiting = leases.waiters(link, now, WAITER_FORGOTTEN_MS);
  const ahead = waiting.filter((waiter) => waiter.chain !== holder.chain);
  const first = waiting[0];
  const isMyTurn = lease.state === 'free' && (priority !== 'forward' || ahead.length === 0 || first?.chain === holder.chain);
  if (isMyTurn || (lease.state !== 'free' && isTakenOver)) return { epoch: give(ctx, place, holder, priority).epoch };
  leases.wait(link, holder, now);
  const position = leases.waiters(link, now, WAITER_FORGOTTEN_MS).findIndex((waiter) => waiter.chain === holder.chain) + 1;
  return { busy: { holder: lease.holder ?? first!, position, since: lease.since } };
}

/** Writes the new holder with a higher epoch, whoever had it. The caller decided that, in the same transaction. */
export function give(ctx: HostContext, place: Place, holder: LeaseHolder, priority: Priority): LeaseRow {
  const { leases, journal, armed } = ctx.store;
  const at = ctx.now();
  const lease = leases.get(place.link);
  const switched = hasSwitched(ctx, place, lease);
  const row: LeaseRow = { ...lease, epoch: lease.epoch + 1, state: 'held', holder, priority, since: at.toISOString(), lastOrder: at.getTime(), switched };
  leases.put(row);
  // Who lost it before the switch can't switch any more: what it armed needs no pin.
  if (lease.holder && !switched) armed.unpin(lease.holder.chain);
  leases.stopWaiting(lease.link, holder.chain);
  const body = { lease: 'taken', epoch: row.epoch, priority, holder, from: lease.holder, was: lease.state };
  journal.append({ link: lease.link, op: `${holder.chain}/lease/${row.epoch}`, kind: 'observation', run: holder.run, at: row.since, attempt: 0, body });
  return row;
}

/** A run that was reset to before its lease would plan on what it made itself, fail, and undo what stands. */
function over(link: string, run: string): ApplicationFailure {
  return hostRefused(link, 'a run that has not closed its change yet', `${run}, which has: it was reset`, `runbook undo ${link} goes back; a new run goes forward`);
}

/** Why nothing is built on it, in the words of plan and run alike. `ended`: what the host did there at ends. */
export function unsettledWords(link: string, run: string, ended: EndRecord[] = []): Objection {
  const trying = ended.find(({ outcome }) => outcome === null);
  if (trying) return { what: link, expected: 'an environment whose change ended and is taken back, verified', got: `${trying.run}, which ended at ${trying.end}: the host goes back by itself, and its last try was not verified (${trying.problem})`, wayOut: 'repair what it names: the host tries again within a minute; then start this again' };
  return { what: link, expected: 'an environment that no ended run left half-done', got: `what ${run} left: it ended after the switch without closing`, wayOut: `runbook settle ${run} --keep or --undo, then start this again` };
}

function leaseBusy(link: string, details: LeaseBusyDetails): ApplicationFailure {
  const { holder, position, since } = details;
  return ApplicationFailure.create({
    message: `${link}: ${holder.run} has it${since && ` since ${since}`}; place ${position} in line`,
    type: FAILURE.LeaseBusy,
    nextRetryDelay: ASK_AGAIN,
    details: [details],
  });
}

/** What the store knows of an environment's lease. */
export async function describeLease(ctx: HostContext, _step: StepScope, { env }: { env: EnvironmentRef }): Promise<LeaseView> {
  const { link } = resolvePlace(ctx, env);
  return ctx.store.exclusive(() => viewOf(ctx, ctx.store.leases.get(link)));
}

/** The view of a lease row. */
export function viewOf(ctx: HostContext, { link, holder, epoch, state, switched }: LeaseRow): LeaseView {
  const waiters = ctx.store.leases.waiters(link, ctx.now().getTime(), WAITER_FORGOTTEN_MS);
  return { env: { host: ctx.host, link }, holder, epoch, state, switched, waiters };
}

/**
 * The holder's run is closed and did not close its change. Before the switch its attempt goes and the lease is free;
 * after it nothing is touched: the environment is `unsettled` until a person settles it.
 */
export async function holderEnded(ctx: HostContext, step: StepScope, { env, chain }: { env: EnvironmentRef; chain: string }): Promise<{ result: 'freed' | 'unsettled' | 'not-holder' }> {
  const place = resolvePlace(ctx, env);
  const { link } = place;
  const { store } = ctx;
  const isHolder = (): boolean => store.leases.get(link).holder?.chain === chain;
  store.exclusive(() => store.leases.stopWaiting(link, chain));
  // An undo of the host's own is no run: Temporal knows nothing of it, and it lives.
  if (!isHolder() || (OWN_HOLDER.test(chain) && isUndoUnderWay(ctx, link))) return { result: 'not-holder' };
  const result = store.exclusive(() => {
    if (!isHolder()) return 'not-holder' as const;
    const lease = store.leases.get(link);
    if (lease.state === 'unsettled') return 'unsettled' as const;
    // From here every order of that chain is refused, so that nothing starts while its processes are ended.
    const ended: LeaseRow = { ...lease, epoch: lease.epoch + 1 };
    const switched = hasSwitched(ctx, place, ended);
    store.leases.put({ ...ended, switched, state: switched ? 'unsettled' : 'held' });
    const body = { holder: 'ended', switched };
    store.journal.append({ link, op: `${chain}/ended/${ended.epoch}`, kind: 'observation', run: lease.holder!.run, at: ctx.now().toISOString(), attempt: 0, body });
    return switched ? ('unsettled' as const) : ('freed' as const);
  });
  if (result === 'not-holder') return { result };
  await endGroups(ctx, link, (row) => row.epoch < store.leases.get(link).epoch, step);
  if (result === 'freed') await free(ctx, place, chain);
  return { result };
}

/** After the holder's processes are dead: its attempt goes, then the lease is given back. */
async function free(ctx: HostContext, place: Place, chain: string): Promise<void> {
  const { store } = ctx;
  const { holder, epoch } = store.leases.get(place.link);
  if (!holder || holder.chain !== chain) return;
  await removeAttempts(ctx, place, holder.run);
  store.exclusive(() => {
    const lease = store.leases.get(place.link);
    if (lease.epoch !== epoch || lease.holder?.chain !== chain) return;
    store.armed.remove(chain);
    store.leases.put({ ...lease, state: 'free', holder: null, priority: 'forward', switched: false });
  });
}
