/** Appending to the audit trail from workflows. */
import { ApplicationFailure } from '@temporalio/common';
import { FAILURE } from '../../policy/names.js';
import type { AuditEntry, Head } from '../../policy/records.js';
import { recordsError } from '../../records/errors.js';
import type { Records } from '../../records/store.js';

export interface RecordActivities {
  /**
   * One idempotent batch per phase edge, with the evidence its entries name. What repeating may cure (disk, lock, a file
   * being restored) is retryable: forward steps wait for it. A mistake in the batch is final.
   */
  appendRecords(input: { entries: AuditEntry[]; evidence?: string[] }): Promise<{ head: Head }>;
}

export function createRecordActivities(records: Records): RecordActivities {
  return {
    appendRecords: async ({ entries, evidence = [] }) => {
      try {
        return { head: records.append(entries, evidence) };
      } catch (error) {
        throw recordsFailure(error, records.file);
      }
    },
  };
}

/** What repeating may cure is retryable; a mistake of the caller is final. */
export function recordsFailure(error: unknown, file: string): ApplicationFailure {
  const told = recordsError(error, file);
  return ApplicationFailure.create({
    message: told.message,
    type: told.isFinal ? FAILURE.BadInput : FAILURE.RecordsUnavailable,
    nonRetryable: told.isFinal,
    details: [told.objection],
    cause: told,
  });
}
