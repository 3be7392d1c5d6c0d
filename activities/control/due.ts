/** What of the policy's dates is newly due: for the daily reminder. */
import { dueItems, isToldBy, reminderId, type DueItem } from '../../policy/due.js';
import type { RecordsReader } from '../../records/store.js';
import type { PolicyStore } from './policy-store.js';
import { recordsFailure } from './records.js';

export interface DueActivities {
  /**
   * Items whose time to be told has come and of which no `reminder` is on record yet, earliest first. `id` is stable: the
   * reminder that is written carries it as `data.id`, beside `what` and `on`.
   * @throws ApplicationFailure RecordsUnavailable, PolicyUnknown
   */
  dueNow(): Promise<{ items: (DueItem & { id: string })[] }>;
}

/** `now`: milliseconds. */
export function createDueActivities({ policies, records, now = Date.now }: { policies: Pick<PolicyStore, 'current'>; records: Pick<RecordsReader, 'file' | 'entriesByEvent'>; now?: () => number }): DueActivities {
  return {
    async dueNow() {
      const today = new Date(now()).toISOString();
      const told = idsTold(records);
      const items = dueItems(policies.current().policy, today).filter((item) => isToldBy(item, today.slice(0, 10)));
      return { items: items.map((item) => ({ ...item, id: reminderId(item) })).filter(({ id }) => !told.has(id)) };
    },
  };
}

function idsTold(records: Pick<RecordsReader, 'file' | 'entriesByEvent'>): Set<string> {
  try {
    return new Set(records.entriesByEvent('reminder').map(({ entry }) => String(entry.data['id'])));
  } catch (error) {
    throw recordsFailure(error, records.file);
  }
}
