/** What is measured of an environment for its checks. Nothing in it is assumed: what could not be measured says why. */

/** A measurement, or why there is none. */
export type Measured<T> = { ok: true; value: T } | { ok: false; problem: string };

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
