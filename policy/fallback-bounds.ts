/** How much of each fact a record keeps: an audit entry has a largest size, and what is told twice must be told alike. */
import type { FallbackRecord, RecordedProposal } from './fallback-record.js';
import type { Diagnosis, Finding, Verification, WheelBuild } from './model.js';
import { oneLine } from './text.js';

/** Numbers of items; `evidence` and `line` are characters, more than a host sends: what a run records of it is what it was told. The sums stay below `MAX_ENTRY_LENGTH` for a lock of 2,000 pins. */
export const MOST = { pins: 2_000, reasons: 50, findings: 150, withEvidence: 30, evidence: 2_400, lines: 60, line: 500, differences: 50, changes: 400, wheels: 400 } as const;

export const boundDiagnosis = (diagnosis: Diagnosis): Diagnosis => ({
  ...diagnosis,
  attempt: { ...diagnosis.attempt, lines: diagnosis.attempt.lines.slice(0, MOST.lines).map((line) => oneLine(line, MOST.line)) },
  findings: boundFindings(diagnosis.findings),
});

export const boundBuild = (build: WheelBuild): WheelBuild => ({ ...build, built: build.built.slice(0, MOST.wheels), failed: boundFindings(build.failed) });

export const boundProposal = <T extends RecordedProposal>(proposal: T): T => ({ ...proposal, changes: proposal.changes.slice(0, MOST.changes), tried: { ...proposal.tried, problem: oneLine(proposal.tried.problem, MOST.line) } });

export function boundVerification(done: Verification): Verification {
  const { files, lock, imports } = done;
  return {
    ...done,
    files: { ...files, bad: files.bad.slice(0, MOST.differences) },
    lock: { ...lock, differences: lock.differences.slice(0, MOST.differences) },
    imports: { ...imports, failures: imports.failures.slice(0, MOST.differences).map((one) => ({ ...one, error: oneLine(one.error, MOST.line) })) },
  };
}

/** Bounding what is bounded changes nothing: a report made at once and one made from the trail are the same. */
export function boundRecord(record: FallbackRecord): FallbackRecord {
  const { diagnosis, verification, builds, proposals } = record;
  return {
    ...record,
    ...(diagnosis ? { diagnosis: boundDiagnosis(diagnosis) } : {}),
    ...(verification ? { verification: boundVerification(verification) } : {}),
    ...(builds ? { builds: builds.map(boundBuild) } : {}),
    ...(proposals ? { proposals: proposals.map(boundProposal) } : {}),
  };
}

function boundFindings<T extends Finding>(findings: T[]): T[] {
  return findings.slice(0, MOST.findings).map((finding, at) => ({ ...finding, evidence: at < MOST.withEvidence ? finding.evidence.slice(0, MOST.evidence) : '', remedy: oneLine(finding.remedy, MOST.line) }));
}

/** `7`, or `50 or more` where no more than 50 are kept. */
export const atLeast = (kept: number, most: number): string => (kept < most ? String(kept) : `${most} or more`);
