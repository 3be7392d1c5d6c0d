/** What a check is: facts that were measured, rules of the company, and a verdict with its evidence and a way out. */
import type { Objection } from '../model.js';
import type { AdvisoryRule, ChecksFile, HostStage } from '../files/checks-file.js';

/** `unknown`: it could not be measured. Never taken for a pass. */
export type CheckStatus = 'pass' | 'warn' | 'fail' | 'unknown';

/** A measurement, or why there is none. */
export type Measured<T> = { ok: true; value: T } | { ok: false; problem: string };

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

/** The interpreter that answers for the project. */
export interface InterpreterFacts {
  /** As it is called: `LINK/bin/python`, `$VIRTUAL_ENV/bin/python`, or what PATH names first. */
  executable: string;
  realpath: string;
  /** Told by itself: `3.12.1`, `3.12.0rc2`. */
  version: string;
  implementation: string;
  /** `sys.prefix` differs from `sys.base_prefix`. */
  isVirtual: boolean;
  /** Milliseconds from start to end of an empty program. */
  startupMs: number;
}

/** The virtual environment, where there is one. */
export interface VirtualFacts {
  /** Folder, links resolved. */
  path: string;
  /** `version` of its `pyvenv.cfg`; null: it says none. */
  configured: string | null;
  /** Interpreter it was made from, started by itself (DEF-02). */
  base: Measured<{ executable: string; version: string }>;
  systemSitePackages: boolean;
}

export interface ImportFacts {
  module: string;
  ok: boolean;
  error: string;
}

/** The lock that the project names. */
export interface LockFacts {
  /** Relative to the project. */
  path: string;
  exists: boolean;
  bytes: number;
  /** Since it was last written; null: there is none. */
  ageSeconds: number | null;
  sha256: string | null;
  /** Pins that hold for this interpreter (markers read); a lock that can't be read says why. */
  pins: Measured<{ project: string; version: string }[]>;
}

/** A tree of ours against what its run verified, or any other environment against its RECORDs. */
export interface IntegrityFacts {
  /** Run that verified it; null: made by other hands. */
  run: string | null;
  /** Files compared. */
  files: number;
  /** What differs, a sentence each: changed, gone, or in no RECORD (injected `.pth` and `.pyc` among them). */
  differences: string[];
}

/** What stands for a time only (EE-11). */
export interface StandingFacts {
  run: string;
  /** ISO instant at which the host goes back; null: it does not end by itself. */
  end: string | null;
}

/** A run of several imports in one process. */
export interface TimedFacts {
  seconds: number;
  /** Largest resident memory of the process, MiB. */
  rssMiB: number;
}

/** Everything the checks judge, measured at one time on one environment. Nothing in it is assumed. */
export interface EnvironmentFacts {
  at: string;
  host: string;
  /** Absolute. */
  project: string;
  /** `name` of runbook.yaml, else the folder's. */
  name: string;
  /** The link path, whether or not anything stands there. */
  link: string;
  /** How the interpreter was found. */
  foundBy: 'link' | 'VIRTUAL_ENV' | 'PATH' | 'nothing';
  /** Not found: `absent`; found and not running: `broken`. */
  interpreter: { ok: true; value: InterpreterFacts } | { ok: false; kind: 'absent' | 'broken'; problem: string };
  virtual: VirtualFacts | null;
  /** First `python3` on PATH, resolved; null: none. */
  onPath: string | null;
  /** Value of VIRTUAL_ENV; null: unset. */
  virtualEnv: string | null;
  standing: StandingFacts | null;
  packages: Measured<{ name: string; version: string }[]>;
  imports: Measured<ImportFacts[]>;
  lock: LockFacts;
  /** Required variables by name; null: set neither in the process nor in the project's file of variables. */
  variables: Record<string, string | null>;
  config: { path: string; exists: boolean; problem: string | null; pythonVersion: string | null }[];
  /** Critical files; `mode` is the permission bits, null where there is no file. */
  files: { path: string; mode: number | null }[];
  /** PF-15: the probe of imports and a sum, timed. Null: not asked. */
  probe: Measured<TimedFacts> | null;
  /** VJ-15: the imports alone, timed. Null: not asked. */
  importTime: Measured<TimedFacts> | null;
  /** Null: not asked. */
  integrity: Measured<IntegrityFacts> | null;
  /** PF-21: what `pip check` would say. Null: not asked. */
  conflicts: Measured<string[]> | null;
  /** PF-22: packages of the lock without a wheel for this interpreter. Null: not asked. */
  wheels: Measured<{ missing: string[]; total: number }> | null;
  /** HM-19, HM-20: what the project's own runs reported. Null: the project names no file. */
  metrics: Measured<MetricsFacts> | null;
}

/** The project's report of its last run: seconds, MiB, counts. Absent: not reported. */
export interface MetricsFacts {
  at: string;
  solveSeconds?: number;
  memoryMiB?: number;
  testsFailed?: number;
  crashes?: number;
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

/** One of the verifier's six: its part of the result, and what is wrong. A file each. */
export interface VerifierCheck<K extends keyof VerificationResult> {
  /** Key of its part. */
  part: K;
  judge(facts: EnvironmentFacts, rules: CheckRules): { result: VerificationResult[K]; violations: Violation[]; warnings: Warning[] };
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
  verification: { status: VerificationResult['overall_status']; critical: number; violations: number; warnings: number; at: string } | null;
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
