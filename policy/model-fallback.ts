/** Words of the wheel fallback beyond the change it orders: what was diagnosed, built, proposed, measured and cleaned. Types only. */
/** WF-48, DIS-11: a timed statement. Setup is run once and not timed. */
export interface PerformanceProbe {
  name: string;
  setup: string;
  statement: string;
}

/** How two environments compare by one probe, in turns. */
export interface Performance {
  probe: string;
  /** False: it could not be measured; `summary` says why. */
  ran: boolean;
  /** Least of all rounds, milliseconds; null where that environment could not run the probe. */
  beforeMs: number | null;
  afterMs: number | null;
  /** Of the stored baseline of this environment, interpreter line and probe, before this measurement. */
  baselineMs: number | null;
  /** after / before, else after / baseline; null without either. */
  ratio: number | null;
  band: 'faster' | 'same' | 'slower' | 'much-slower' | 'unknown';
  summary: string;
  workMs: number;
}

/** WF-20: where a failure leads. */
export type Branch =
  | 'fallback-interpreter' | 'purge-and-rebuild' | 'system-package' | 'source-build' | 'relock' | 'index' | 'ask-again' | 'free-space' | 'interpreter' | 'stop' | 'ask-a-person';

/** One failure, understood: cause, evidence, remedy, and the branch it leads to. */
export interface Finding {
  /** Package it is about; null: the whole attempt. */
  project: string | null;
  class: FailureClass;
  cause: WheelFailureCause | null;
  /** The lines it was read from; masked, at most 2,000 characters. */
  evidence: string;
  remedy: string;
  branch: Branch;
}

/** Step 2 of the wheel runbook: what an attempt on the primary said, and what the host is. */
export interface Diagnosis {
  /** Interpreter the attempt was made for, full version. */
  interpreter: string;
  /** WF-08, WF-09, WF-14, WF-15: the attempt that prefers nothing but binaries, its whole output on the host, and what stands out in it. */
  attempt: { installable: number; expected: number; logPath: string; logSha256: string; lines: string[] };
  findings: Finding[];
  /** WF-17. */
  system: { platform: string; machine: string; memoryBytes: number; libc: string; distribution: string };
  /** WF-03, WF-04, WF-63, WF-65: name to what was found; `missing` where it was not. */
  tools: Record<string, string>;
  /** WF-11. */
  cache: { location: string; wheels: number; bytes: number };
  /** WF-06, WF-64, WF-66: what to install, with the command; advice, never done by us. */
  advice: { what: string; command: string }[];
  workMs: number;
}

/** A wheel built from source on a host with the role `builder`, by hash. */
export interface BuiltWheel {
  project: string;
  version: string;
  file: { name: string; sha256: string };
  durationMs: number;
  /** What a successful build still lacks: "no compiled part although the sdist has one". */
  warnings: string[];
}

/** The result of rung 3 or 4: some built, some not. */
export interface WheelBuild {
  host: string;
  wheelhouse: string;
  built: BuiltWheel[];
  failed: (Finding & { project: string; version: string; logPath: string })[];
  workMs: number;
}

/** Where the ladder stands: wheels alone, the installable subset, source builds, then proposals of another lock. */
export type Rung = 'wheels' | 'subset' | 'source-one' | 'source-all' | 'verified-pins' | 'known-good' | 'relock' | 'bump';

/** Another lock, proposed and never taken silently (DIS-20): it deviates from the pins, and needs the approval of whoever approves locks. */
export interface LockProposal {
  rung: Rung;
  /** Interpreter it was made and tried for. */
  interpreter: string;
  changes: { project: string; from: string; to: string }[];
  /** Requirements text with hashes. */
  lock: string;
  lockSha256: string;
  /** Tried in a scratch tree: installed, and what imported. */
  tried: { installed: boolean; imports: { passed: number; total: number }; problem: string };
  deviation: true;
}

/** WF-71: what Python left beside a project's sources: `__pycache__`, `*.egg-info`, `*.pyc`, `*.pyo`. */
export interface ProjectLitter {
  /** Files, and whole folders counted as one: found, or removed. */
  paths: number;
  bytes: number;
  /** The first of them in order of their paths, relative to the project. */
  sample: string[];
  /** Of the first: modules without a source beside them, which nothing can compile again. */
  sourceless: string[];
  /** What matches but is tracked by git, and stays. */
  tracked: number;
  /** What could not be removed, and why; at most 20. Empty when only looked for. */
  left: string[];
}

/** Classes of failure (see docs/when-things-go-wrong.md). */
export type FailureClass =
  | 'WHEEL_MISSING' | 'NO_DISTRIBUTION' | 'VERSION_NOT_FOUND' | 'PROJECT_NOT_FOUND' | 'REQUIRES_PYTHON' | 'CONFLICT' | 'AMBIGUOUS'
  | 'INDEX_AUTH' | 'INDEX_RATE_LIMIT' | 'INDEX_DOWN' | 'INDEX_NOT_AN_INDEX'
  | 'NET_REFUSED' | 'NET_DNS' | 'NET_TIMEOUT' | 'NET_TLS'
  | 'HASH_MISMATCH' | 'HASH_MISSING' | 'DISK_FULL' | 'PERMISSION' | 'SYSTEM_PYTHON'
  | 'INTERPRETER_MISSING' | 'INTERPRETER_SHIM' | 'VENV_EXISTS' | 'VENV_BASE_GONE' | 'VENV_CREATE'
  | 'WHEEL_WRONG_TAG' | 'WHEEL_CORRUPT' | 'BUILD' | 'KILLED'
  | 'IMPORT_ABI' | 'IMPORT_STDLIB_REMOVED' | 'IMPORT_NATIVE' | 'IMPORT_INCOMPATIBLE' | 'UNKNOWN';

/** WF-01: the four causes the wheel runbook tells apart. */
export type WheelFailureCause = 'architecture-incompatibility' | 'python-version-mismatch' | 'missing-system-dependency' | 'corrupted-cache';
