/** What a check is: facts that were measured, rules of the company, and a verdict with its evidence and a way out. */
import type { AdvisoryRule, ChecksFile, HostStage } from '../files/checks-file.js';
import type { EnvironmentFacts } from './facts.js';
import type { VerificationResult, Violation, Warning } from './results.js';

/** `unknown`: it could not be measured. Never taken for a pass. */
export type CheckStatus = 'pass' | 'warn' | 'fail' | 'unknown';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** One check's verdict. */
export interface CheckResult {
  /** Name for machines: `python-version`. */
  check: string;
  /** For people: `Python version`. */
  title: string;
  status: CheckStatus;
  /** Whether a `fail` or `unknown` of it decides the whole (PF-18). */
  blocking: boolean;
  /** What was found, a sentence each; never empty. */
  lines: string[];
  /** The measured values behind it. */
  evidence: Record<string, Json>;
  /** What to type or do; null where there is nothing to be done. */
  remedy: string | null;
}

/** One check: data and a pure function, a file each. All of a list always run. */
export interface Check {
  name: string;
  title: string;
  blocking: boolean;
  judge(facts: EnvironmentFacts, rules: CheckRules): Pick<CheckResult, 'status' | 'lines' | 'evidence' | 'remedy'>;
}

/** What of the policy a host needs to check itself: sent to its agent, and what `rulesFor` starts from. */
export interface CheckPolicy {
  primary: string;
  fallback: string;
  allowPreReleases: boolean;
  /** PV-34. */
  minPatch: Record<string, number>;
  stage: HostStage;
  onWarning: 'pass' | 'ask' | 'block';
  severity: { lockMissing: 'warning' | 'critical'; lockMismatch: 'warning' | 'critical' };
  checks: ChecksFile;
}

/** The rules for one project on one host. */
export interface CheckRules extends Omit<CheckPolicy, 'checks'> {
  /** PF-01: packages that must import. */
  required: string[];
  /** VJ-07: project to least version. */
  minimumVersions: Record<string, string>;
  /** VJ-15, DIS-10: modules of the health import. */
  healthImports: string[];
  lockMaxAgeSeconds: number;
  probeMaxSeconds: number;
  importMaxSeconds: number;
  rssMaxMiB: number;
  startupMaxSeconds: number;
  /** PF-14, DIS-12: relative to the project. */
  criticalFiles: string[];
  /** PF-13: names of the variables; the values to set come with them. */
  variables: { python: string; wheels: string } | null;
  advisories: AdvisoryRule[];
  metrics: { solveSeconds: number; memoryMiB: number };
  warningLimit: number;
  /** PV-18. */
  expectedFreezeHash: string | null;
}

/** One of the verifier's six: its part of the result, and what is wrong. A file each. */
export interface VerifierCheck<K extends keyof VerificationResult> {
  /** Key of its part. */
  part: K;
  judge(facts: EnvironmentFacts, rules: CheckRules): { result: VerificationResult[K]; violations: Violation[]; warnings: Warning[] };
}
