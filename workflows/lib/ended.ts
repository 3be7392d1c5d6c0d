/** What the records are told of a run that was ended from outside: by whoever found out, because it can't say so itself. */
import type { EnvironmentRef } from '../../policy/model.js';
import type { AuditEntry } from '../../policy/records.js';
import type { LeaseHolder } from '../../activities/host/contract.js';

const MESSAGE = {
  freed: 'ended from outside before its switch; its attempt was removed and nothing else was touched',
  unsettled: 'ended from outside after its switch; nothing was touched since',
} as const;

/** The finder's entry, turned into one about the run that had the lease. */
export function endedEntry(finder: AuditEntry, holder: LeaseHolder, env: EnvironmentRef, result: keyof typeof MESSAGE): AuditEntry {
  const event = result === 'unsettled' ? 'unsettled' : 'lease-freed';
  return { ...finder, run: holder.run, event, host: env.host, link: env.link, data: { message: MESSAGE[result], holder: { ...holder } } };
}
