/** The one record that all texts about a fallback are made from (DIS-16), and what follows from it. */
import type { LockVerdict, Plan, RunResult, Verification, WheelFailureCause } from './model.js';
import type { EvidenceRef } from './records.js';
import { oneLine } from './text.js';

/** How the run ended and the facts it stands on. Optional ones are told where they are known, and as unknown elsewhere. */
export interface FallbackRecord {
  result: RunResult;
  /** Why it was asked for, and by whom. */
  reason: string;
  requester: string;
  /** The primary interpreter's verdict, then the fallback's; empty when the run did not get that far. */
  verdicts: LockVerdict[];
  /** The assessment's sentence; empty when there was none. */
  decision: string;
  /** ISO instant, UTC, at which the texts are made. */
  at: string;
  /** WF-22: what was installed before, `name==version`. */
  frozen?: string[];
  /** WF-01: cause by package. */
  causes?: Record<string, WheelFailureCause>;
  /** Host class of the policy: `production`, `development`. */
  hostClass?: string;
  plan?: Plan | null;
  verification?: Verification | null;
  evidence?: EvidenceRef[];
}

export const hasSucceeded = ({ result }: FallbackRecord): boolean => result.outcome === 'done';

/** ISO instant of the first step; of the texts where there was none. */
export const startedAt = ({ result, at }: FallbackRecord): string => result.steps[0]?.startedAt ?? at;

/** Full version of the primary interpreter; where none was judged, what stood there. */
export const primaryVersion = ({ verdicts, result }: FallbackRecord): string => verdicts[0]?.version ?? result.from ?? 'not known';

/** Full version of the interpreter that was fallen back to, or would have been. */
export const fallbackVersion = ({ verdicts, result }: FallbackRecord): string => result.to ?? verdicts[1]?.version ?? 'not known';

/** Projects without a wheel for the primary, as the lock's verdict names them. */
export const affectedPackages = ({ verdicts }: FallbackRecord): string[] => (verdicts[0]?.missing ?? []).map((name) => oneLine(name));

export const failureReason = ({ decision, result }: FallbackRecord): string => (decision.trim() === '' ? result.message : decision);

/** What answers through the link after the run, as far as its outcome says. */
export function pythonNow(record: FallbackRecord): string {
  const { outcome, from } = record.result;
  if (outcome === 'done') return fallbackVersion(record);
  return outcome === 'rollback-incomplete' ? 'not certain' : (from ?? 'none');
}

/** What would make the next fallback unnecessary. */
export function prevention(record: FallbackRecord): string {
  const affected = affectedPackages(record);
  const primary = oneLine(primaryVersion(record));
  if (affected.length === 0) return `judge the lock for Python ${primary} before it is rolled out: runbook plan fallback`;
  return `pin versions of ${affected.join(', ')} that have wheels for Python ${primary}, or build those wheels`;
}
