/** Whether a change got as far as the link: asked of the disk, because a crash may come between rename and row. */
import type { HostContext } from './context.js';
import { readLink, type Place } from './paths.js';
import type { LeaseRow } from './store-lease.js';

/** True when the lease's holder, or one it took over from, switched the link and neither closed nor undid it. */
export function hasSwitched(ctx: HostContext, place: Place, lease: LeaseRow): boolean {
  if (lease.switched) return true;
  const armed = lease.holder && ctx.store.armed.get(lease.holder.chain);
  if (!armed || armed.undone || armed.switchingTo === null) return false;
  return readLink(place).treeId === armed.switchingTo;
}
