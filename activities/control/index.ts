/** Everything that runs beside the workflows. */
import type { Client } from '@temporalio/client';
import { fallbackDocuments } from '../../policy/documents.js';
import { completeRecord } from '../../policy/fallback-entries.js';
import type { Records } from '../../records/store.js';
import type { ControlActivities } from './contract.js';
import { createLadderActivities } from './ladder.js';
import { isChainClosed } from './chains.js';
import { createDueActivities } from './due.js';
import { createExceptionReportActivities } from './exception-report.js';
import { createExceptionActivities } from './exceptions.js';
import { createHealthActivities } from './health.js';
import { createNotifyActivities } from './notify.js';
import { createPlanActivities } from './plan.js';
import type { PolicyStore } from './policy-store.js';
import { createRecordActivities } from './records.js';
import { createSignatureActivities } from './signatures.js';

export interface ControlDeps {
  records: Records;
  policies: PolicyStore;
  client: Client;
  /** Of Temporal: signatures name it. */
  namespace: string;
}

/** The control worker's activities over its own records, policy store and Temporal client. */
export function createControlActivities({ records, policies, client, namespace }: ControlDeps): ControlActivities {
  return {
    ...createPlanActivities(policies, { records }),
    ...createLadderActivities(policies),
    ...createRecordActivities(records),
    ...createSignatureActivities({ policies, records, namespace }),
    ...createExceptionActivities({ policies, records }),
    ...createDueActivities({ policies, records }),
    ...createHealthActivities(policies),
    ...createNotifyActivities(policies),
    ...createExceptionReportActivities(records),
    renderDocuments: async (record) => fallbackDocuments(completeRecord(record, records.entriesOf(record.result.run).map(({ entry }) => entry))),
    isChainClosed: (holder) => isChainClosed(client, holder),
  };
}
