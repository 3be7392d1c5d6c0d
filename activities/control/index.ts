/** Everything that runs beside the workflows. */
import type { Client } from '@temporalio/client';
import { fallbackDocuments } from '../../policy/documents.js';
import { completeRecord } from '../../policy/fallback-entries.js';
import type { Records } from '../../records/store.js';
import type { ControlActivities } from './contract.js';
import { createLadderActivities } from './ladder.js';
import { isChainClosed } from './chains.js';
import { createPlanActivities } from './plan.js';
import type { PolicyStore } from './policy-store.js';
import { createRecordActivities } from './records.js';

export interface ControlDeps {
  records: Records;
  policies: PolicyStore;
  client: Client;
}

/** The control worker's activities over its own records, policy store and Temporal client. */
export function createControlActivities({ records, policies, client }: ControlDeps): ControlActivities {
  return { ...createPlanActivities(policies), ...createLadderActivities(policies), ...createRecordActivities(records), renderDocuments: async (record) => fallbackDocuments(completeRecord(record, records.entriesOf(record.result.run).map(({ entry }) => entry))), isChainClosed: (holder) => isChainClosed(client, holder) };
}
