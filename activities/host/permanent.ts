/** EE-08: a change that was to end by itself stays, because its final review approved it. */
import type { HostContext, StepScope } from './context.js';
import type { HostActivities, Order } from './contract.js';
import { hasEnded, isStanding } from './ends.js';
import { treeInterpreter } from './interpreters.js';
import { perform } from './order.js';
import { readLink, resolvePlace, standingText, type Place } from './paths.js';
import { writeReadme } from './readme.js';
import type { ArmedRow } from './store-armed.js';
import { requireReviewWarrant } from './warrant-review.js';

type Made = Awaited<ReturnType<HostActivities['makePermanent']>>;
type Asked = Parameters<HostActivities['makePermanent']>[1];

/**
 * Takes the end from a standing change, and its pin, as of any change that stays. `ok` false, with the reason, when the end has
 * come or the chain's change does not stand; then nothing was changed. Throws `NotApproved` where this host checks signatures.
 */
export function makePermanent(ctx: HostContext, step: StepScope, order: Order, { chain, warrant }: Asked): Promise<Made> {
  const place = resolvePlace(ctx, order.env);
  return perform<Made>(ctx, step, order, {
    intent: { permanent: chain },
    afterEnd: 'taken',
    holds: (receipt) => receipt.ok && ctx.store.armed.get(chain)?.end === null,
    async act(guard) {
      const began = performance.now();
      const answer = (problem: string): Made => ({ ok: problem === '', problem, workMs: performance.now() - began });
      const before = problemOf(ctx, place, chain);
      if (before !== '') return answer(before);
      const { version } = await treeInterpreter(ctx, readLink(place).treePath!, place.owner);
      await requireReviewWarrant(ctx, step, order, { version, warrant });
      await ctx.barrier(`${order.step}:judged`);
      // Judged again in the transaction that takes it: the end may have come meanwhile.
      const problem = guard.commit(() => problemOf(ctx, place, chain) || takeEnd(ctx, ctx.store.armed.get(chain)!));
      if (problem === '') writeReadme(ctx, place);
      return answer(problem);
    },
  });
}

/** Empty: it may stay. A change whose end was taken before says yes again. */
function problemOf(ctx: HostContext, place: Place, chain: string): string {
  const row = ctx.store.armed.get(chain);
  if (!row || row.link !== place.link || row.undone) return `${place.link}: expected a change of this run that stands here, got ${row?.undone ? 'one that was undone' : 'none'}`;
  if (hasEnded(ctx, row)) return `${place.link}: expected it before ${row.end}, when ${row.run} ended, got it later; the host goes back by itself`;
  if (!isStanding(place, row)) return `${place.link}: expected a link to .venvs/${row.switchingTo ?? row.run}, where ${row.run} set it, got ${standingText(readLink(place))}`;
  return '';
}

function takeEnd({ store }: HostContext, row: ArmedRow): '' {
  store.armed.update({ ...row, switched: true, end: null, keepPin: false });
  store.armed.unpin(row.chain);
  return '';
}
