/** What checks say: of one environment to whoever asks, of a deployment, and of a host by itself. */
import type { Objection } from '../model.js';
import type { CheckResult } from './model.js';

/** Documents' statuses; `READY_EXCEPTION`: an interpreter that only a granted exception allows, until its end (EE-11). */
export type PreflightStatus = 'READY' | 'READY_FALLBACK' | 'READY_EXCEPTION' | 'NOT_READY';

/** PF-05; `exception` beside the documents' four. */
export type PythonStatus = 'primary' | 'fallback' | 'exception' | 'unsupported' | 'not_found';

/** What `runbook preflight` says. */
export interface PreflightReport {
  /** Version of this form. */
  version: 1;
  at: string;
  host: string;
  project: string;
  link: string;
  python: { status: PythonStatus; version: string | null };
  status: PreflightStatus;
  exitCode: 0 | 1;
  checks: CheckResult[];
  passed: number;
  warned: number;
  failed: number;
  unknown: number;
  total: number;
  /** PF-19; null: not written. */
  logFile: string | null;
}

/** VJ-16. */
export interface Violation {
  check: string;
  severity: 'critical' | 'warning';
  message: string;
}

export interface Warning {
  check: string;
  message: string;
}

/** VJ-01: the verifier's result, its fields named as the document names them. `null`: could not be measured. */
export interface VerificationResult {
  timestamp: string;
  python_version_check: { current_version: string | null; required_versions: string[]; compatible: boolean };
  package_integrity_check: { required_packages: string[]; missing_packages: string[]; version_mismatches: string[]; changed_files: string[] | null };
  wheel_status_check: { lock_file_exists: boolean; lock_file_current: boolean; packages_match_lock: boolean | null };
  environment_config_check: { required_vars_present: string[]; config_file_exists: boolean; config_file_valid: boolean };
  security_check: { secure_file_permissions: boolean; no_insecure_packages: boolean | null; environment_isolation: boolean };
  /** Seconds, and MiB. */
  performance_check: { import_time: number | null; memory_usage: number | null; performance_baseline_met: boolean | null };
  violations: Violation[];
  warnings: Warning[];
  overall_status: 'PASSED' | 'WARNING' | 'FAILED' | 'unknown';
}

/** Whether a deployment may go on (DIS-05, CI-10). */
export type GateVerdict =
  | { verdict: 'pass'; notice: string | null }
  /** Waits for a person who accepts exactly these warnings. */
  | { verdict: 'ask'; warningsDigest: string; notice: string }
  | { verdict: 'block'; objections: Objection[] };

/** Health of one environment, as its host judged it by itself (HM-03). */
export interface HealthState {
  link: string;
  state: 'GOOD' | 'DEGRADED';
  /** `light`: stat pass, no Python started; `full`: preflight, verifier and hashes. */
  mode: 'light' | 'full';
  /** Instant since which it is so. */
  since: string;
  /** What is wrong, worst first, at most 20. */
  problems: Violation[];
  /** Counts of the last full verification; null: none yet. */
  verification: { status: VerificationResult['overall_status']; critical: number; violations: number; warnings: number; /** By the rules it was made by. */ overWarningLimit?: boolean; at: string } | null;
  /** States of the checks since the last event, run-length: `GOOD×11 DEGRADED×1`. */
  series: string;
}

/** An interpreter that is used on a host outside managed environments, or by one, and that the policy does not approve (PV-35). */
export interface ForeignInterpreter {
  /** Executable, links resolved. */
  path: string;
  /** Told by itself; null: it could not be asked. */
  version: string | null;
  /** Processes that run it now. */
  processes: number;
  why: string;
}
