/** Who is undoing an environment's change right now, in any process: what ends by itself waits for that, and does not fight it. */
import type { HostContext } from './context.js';
import { bootId, processStat, ticksNow } from './proc.js';

/** An undo takes its units' restart windows; one that takes longer than this hangs, and no longer counts. 10 minutes in clock ticks. */
const LONGEST_UNDO_TICKS = 10 * 60 * 100;

/** Says that this process undoes; the answer takes it back, unless another undo has begun since. */
export function markUndo({ store }: HostContext, link: string, op: string): () => void {
  const started = processStat(process.pid)!.started;
  store.exclusive(() => store.ends.setUndoMark({ link, op, pid: process.pid, started, boot: bootId(), ticks: ticksNow() }));
  return () => store.exclusive(() => store.ends.clearUndoMark(link, op));
}

/** Whether a living process undoes the environment's change. */
export function isUndoUnderWay({ store }: HostContext, link: string): boolean {
  const mark = store.ends.undoMark(link);
  if (!mark || mark.boot !== bootId() || ticksNow() - mark.ticks > LONGEST_UNDO_TICKS) return false;
  const now = processStat(mark.pid);
  return now !== null && now.started === mark.started && !['Z', 'X', 'T'].includes(now.state);
}
