/** The one record that all texts about a fallback are made from (DIS-16), and what follows from it. */
import { formatMs } from './describe.js';
import type { Diagnosis, LockProposal, LockVerdict, Performance, Plan, RunResult, Verification, WheelBuild, WheelFailureCause } from './model.js';
import type { EvidenceRef } from './records.js';
import { oneLine } from './text.js';

/** What the report tells of the plan. */
export interface PlanFacts {
  /** Tree the undo returns to; null: undo removes the link again. */
  undoTarget: string | null;
  lock: { path: string; sha256: string };
  serviceActions: string[];
  restartWindowSeconds: number;
}

/** A proposal with its lock, or, from the records, with the lock's digest alone. */
export type RecordedProposal = Omit<LockProposal, 'lock'> & { lock?: string };

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
  plan?: PlanFacts | null;
  verification?: Verification | null;
  evidence?: EvidenceRef[];
  diagnosis?: Diagnosis | null;
  /** Source builds, in their order: one at a time, then all. */
  builds?: WheelBuild[];
  proposals?: RecordedProposal[];
  performance?: Performance | null;
  /** WF-52: who gets the report. */
  recipients?: string[];
}

export const planFacts = ({ undoTarget, lock, serviceActions, facts }: Plan): PlanFacts => ({ undoTarget, lock, serviceActions, restartWindowSeconds: facts.restartWindowSeconds });

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
  if (affected.length === 0) return `judge the lock for Python ${primary} before it is rolled out: runbook wheels`;
  return `pin versions of ${affected.join(', ')} that have wheels for Python ${primary}, or build those wheels`;
}

/** How fast the new environment is, in words; what was not measured is said to be so. */
export function performanceText({ performance }: FallbackRecord): string {
  if (!performance) return 'not measured';
  if (!performance.ran) return `not measured: ${performance.summary}`;
  const { probe, band, beforeMs, afterMs, baselineMs, ratio } = performance;
  const times = [['before', beforeMs], ['after', afterMs], ['baseline', baselineMs]].flatMap(([name, ms]) => (typeof ms === 'number' ? [`${name} ${formatMs(ms)}`] : []));
  return `${BANDS[band]} (${probe}: ${times.join(', ')}${ratio === null ? '' : `, ratio ${ratio.toFixed(2)}`})`;
}

const BANDS: Record<Performance['band'], string> = {
  faster: 'faster', same: 'the same, within what can be told', slower: 'slower', 'much-slower': 'much slower', unknown: 'measured, with nothing to compare to',
};

/** Projects that were built from source, in this run. */
const builtProjects = ({ builds = [] }: FallbackRecord): Set<string> => new Set(builds.flatMap(({ built }) => built.map(({ project }) => project)));

/** Projects whose source build failed and that no later rung built. */
function failedBuilds(record: FallbackRecord): string[] {
  const built = builtProjects(record);
  return [...new Set((record.builds ?? []).flatMap(({ failed }) => failed.map(({ project }) => project)))].filter((project) => !built.has(project));
}

/** What the fallback has no wheel for either, when that ended the run; and what could not be built from source. */
export function vendorPackages(record: FallbackRecord): string[] {
  const built = builtProjects(record);
  const nowhere = hasSucceeded(record) ? [] : (record.verdicts[1]?.missing ?? []).filter((project) => !built.has(project));
  return [...new Set([...nowhere, ...failedBuilds(record)])];
}
