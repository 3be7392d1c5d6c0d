/** A change that ends by itself: at its end the host goes back, with no server and nobody to ask (invariant 7). */
import { giveBack, takeHere } from './act-here.js';
import type { HostContext, StepScope } from './context.js';
import type { Undone } from './contract.js';
import { dueChanges, dueOn, isDue, noteTime, type EndingRow } from './ends.js';
import { endingHolder } from './ends-answer.js';
import { resolvePlace, type Place } from './paths.js';
import { writeReadme } from './readme.js';
import type { EndRecord } from './store-ends.js';
import type { UndoOptions } from './undo.js';
import { undo } from './undo.js';
import { isUndoUnderWay } from './undo-mark.js';

/** A way back that is not verified is tried again: after a second, then twice as long each time, up to a minute. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** Tries of this process, by store and chain: a new process tries at once. */
const tries = new Map<string, { pauseMs: number; notBefore: number }>();
/** Ways back under way in this process, by store and link: never two at once for one environment. */
const underWay = new Set<string>();
const keyOf = ({ store }: HostContext, what: string): string => `${store.path}\0${what}`;

/**
 * One try for every change whose end has come and whose pause is over, environments side by side. Returns what became of each
 * that was tried; never throws for one that fails: that is in its record, told in events and tried again.
 */
export async function expireDue(ctx: HostContext, signal: AbortSignal, options: UndoOptions = {}): Promise<EndRecord[]> {
  noteTime(ctx);
  // Whoever began what is under way tells of it.
  const links = [...new Set(dueChanges(ctx).map(({ link }) => link))].filter((link) => !underWay.has(keyOf(ctx, link)));
  return (await Promise.all(links.map((link) => expireOn(ctx, link, signal, options)))).flat();
}

async function expireOn(ctx: HostContext, link: string, signal: AbortSignal, options: UndoOptions): Promise<EndRecord[]> {
  const key = keyOf(ctx, link);
  underWay.add(key);
  try {
    const records: EndRecord[] = [];
    for (const row of dueOn(ctx, link)) {
      const record = await tryOnce(ctx, row, signal, options);
      if (record) records.push(record);
    }
    return records;
  } finally {
    underWay.delete(key);
  }
}

/** Null: its pause is not over, it was stopped, or somebody else is at it. */
async function tryOnce(ctx: HostContext, row: EndingRow, signal: AbortSignal, options: UndoOptions): Promise<EndRecord | null> {
  const key = keyOf(ctx, row.chain);
  const last = tries.get(key);
  if (signal.aborted || (last && performance.now() < last.notBefore)) return null;
  try {
    const undone = await revert(ctx, row, signal, options);
    if (!undone) return null;
    keepRecord(ctx, row, undone);
  } catch (error) {
    // Told to stop, it is no failure of the way back: the next process goes on.
    if (signal.aborted) return null;
    keepRecord(ctx, row, { outcome: 'restored', verified: false, version: null, problem: (error as Error).message });
  }
  const record = ctx.store.ends.record(row.chain)!;
  if (record.outcome !== null) tries.delete(key);
  else {
    const pauseMs = last ? Math.min(last.pauseMs * 2, LONGEST_PAUSE_MS) : FIRST_PAUSE_MS;
    tries.set(key, { pauseMs, notBefore: performance.now() + pauseMs });
  }
  return record;
}

/** Takes the lease, whoever has it, and undoes. Null: somebody undoes it already. */
async function revert(ctx: HostContext, row: EndingRow, signal: AbortSignal, options: UndoOptions): Promise<Undone | null> {
  const place = resolvePlace(ctx, { host: ctx.host, link: row.link });
  const seq = (ctx.store.ends.record(row.chain)?.tries ?? 0) + 1;
  // A later try finds services restarted already, and restarts those alone that are not well.
  const scope: StepScope = { attempt: seq, signal, heartbeat: () => {} };
  const order = await takeHere(ctx, scope, place, { holder: endingHolder(row), seq, step: 'expire' }, (epoch) => {
    if (isUndoUnderWay(ctx, row.link)) return null;
    const now = ctx.store.armed.get(row.chain);
    if (!now || !isDue(ctx, now)) return null;
    ctx.store.ends.setRecord(begun(ctx, now, seq, epoch), false);
    return { undo: 'end', of: row.run, end: row.end, try: seq };
  });
  return order && carryOut(ctx, scope, place, row, order, options);
}

async function carryOut(ctx: HostContext, scope: StepScope, place: Place, row: EndingRow, order: NonNullable<Awaited<ReturnType<typeof takeHere>>>, options: UndoOptions): Promise<Undone> {
  try {
    const undone = await undo(ctx, scope, order, { chain: row.chain }, options);
    giveBack(ctx, place, order, undone.verified || undone.outcome === 'superseded');
    return undone;
  } catch (error) {
    giveBack(ctx, place, order, false);
    throw error;
  }
}

/** After a start: a process that was killed right after the receipt left a README that still names the end. */
export function tidyReadmes(ctx: HostContext): void {
  for (const { record } of ctx.store.ends.toTell()) if (record.outcome === 'restored') writeReadmeOf(ctx, record.link);
}

function writeReadmeOf(ctx: HostContext, link: string): void {
  try {
    writeReadme(ctx, resolvePlace(ctx, { host: ctx.host, link }));
  } catch {
    // A project that went away meanwhile needs none.
  }
}

function begun(ctx: HostContext, { chain, run, link, end }: EndingRow, seq: number, epoch: number): EndRecord {
  const before = ctx.store.ends.record(chain);
  const fresh: EndRecord = { chain, run, link, end, beganAt: ctx.now().toISOString(), epoch, tries: seq, outcome: null, doneAt: null, from: null, version: null, problem: '' };
  // A `superseded` one is due again because the link leads there again: that is a new story.
  return before?.outcome === null ? { ...before, epoch, tries: seq } : fresh;
}

/** What came of a try, unless the receipt's own transaction has put it there; told when it says something new. */
function keepRecord(ctx: HostContext, row: EndingRow, { outcome, verified, version, problem, from }: Pick<Undone, 'outcome' | 'verified' | 'version' | 'problem' | 'from'>): void {
  const { store } = ctx;
  store.exclusive(() => {
    const { chain, run, link, end } = row;
    const at = ctx.now().toISOString();
    const before = store.ends.record(chain) ?? { chain, run, link, end, beganAt: at, epoch: store.leases.get(link).epoch, tries: 1, outcome: null, doneAt: null, from: null, version: null, problem: '' };
    if (before.outcome === 'restored') return;
    const over = outcome === 'superseded' ? outcome : verified ? 'restored' : null;
    const isNews = over !== null || before.problem !== problem;
    store.ends.setRecord({ ...before, outcome: over, doneAt: over && at, version, from: from ?? before.from, problem }, isNews);
    if (over === 'superseded') store.armed.unpin(chain);
  });
}
