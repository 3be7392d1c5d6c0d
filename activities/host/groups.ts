/** Ending what older orders started: nothing of theirs may act once a newer one has begun. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostContext, StepScope } from './context.js';
import { OP_VARIABLE, livingProcesses, processFile, processStat, type ProcessStat } from './proc.js';
import { signalGroup } from './process-group.js';
import type { GroupRow } from './store-fence.js';

/** A process that survives KILL this long hangs in the kernel (a dead disk): a person has to look. */
const KILL_LIMIT_MS = 20_000;

/**
 * Ends the groups of one environment that `isOlder` picks and returns when no member of them runs. KILL and not TERM: a
 * stopped child must not be woken to do more. Throws, to be retried, when one does not die.
 */
export async function endGroups(ctx: HostContext, link: string, isOlder: (row: GroupRow) => boolean, step?: StepScope): Promise<void> {
  const rows = ctx.store.fence.groups(link).filter(isOlder);
  for (const row of rows) {
    await endOne(row, step);
    ctx.store.exclusive(() => ctx.store.fence.removeGroup(link, row.pgid));
  }
}

async function endOne(row: GroupRow, step?: StepScope): Promise<void> {
  const limit = performance.now() + KILL_LIMIT_MS;
  for (let members = membersOf(row); members.length > 0; members = membersOf(row)) {
    if (performance.now() > limit) throw new Error(`process group ${row.pgid} of ${row.op}: expected it to end, got ${members.length} processes that KILL does not reach (${members.map((m) => `${m.pid} in state ${m.state}`).join(', ')}); the environment stays as it is until they are gone`);
    signalGroup(row.pgid, 'SIGKILL');
    step?.heartbeat();
    await sleep(5);
  }
}

/** Living members of the group that the row means; none when its number was given to somebody else since. */
function membersOf(row: GroupRow): ProcessStat[] {
  const leader = processStat(row.pgid);
  // The kernel gives a number out again only when neither a process nor a group has it: another leader, another group.
  if (leader && leader.started !== row.started) return [];
  const members = livingProcesses().filter((one) => one.pgrp === row.pgid);
  if (leader) return members;
  // The leader has gone; the number may have been a later group's whose leader went too. Children carry the operation.
  return members.some((one) => carriesOp(one.pid, row.op)) ? members : [];
}

function carriesOp(pid: number, op: string): boolean {
  return processFile(pid, 'environ')?.split('\0').includes(`${OP_VARIABLE}=${op}`) ?? false;
}
