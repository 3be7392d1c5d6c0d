/**
 * The words every part of the project shares: what an environment is, what was seen on a host, what was planned,
 * and how a run ended. Types only.
 */

import type { ExceptionClock, SignedText } from './model-approval.js';
import type { FailureClass, Performance, PerformanceProbe, Rung, WheelFailureCause } from './model-fallback.js';

export type { ChangeRequest, ReviewRequest, Tuning, UndoRequest } from './model-requests.js';
export type { Branch, BuiltWheel, Diagnosis, FailureClass, Finding, LockProposal, Performance, PerformanceProbe, ProjectLitter, Rung, WheelBuild, WheelFailureCause } from './model-fallback.js';

/** One environment: a host and the absolute path of the link that names it, usually `PROJECT/.venv`. */
export interface EnvironmentRef {
  host: string;
  link: string;
}

/** What a run is about. More kinds join as their runbooks are built. */
export type RunKind = 'change' | 'fallback' | 'rollback' | 'exception' | 'interpreter-change';

/** How a run of any kind ended. */
export type Outcome =
  | 'done'
  | 'not-needed'
  | 'rolled-back'
  | 'rollback-incomplete'
  | 'refused'
  | 'denied'
  | 'expired'
  | 'superseded';

/** An interpreter as its own probe reported it. */
export interface Interpreter {
  /** The path it was found by; absolute. */
  path: string;
  /** Where that path leads. */
  realpath: string;
  /** Full version by the Python scheme, with release level: `3.12.1`, `3.13.0rc2`. */
  version: string;
  implementation: string;
  /** Build string of `sys.version`, one line. */
  build: string;
  soabi: string;
  /** `linux`, `macosx`. */
  system: string;
  /** `x86_64`, `aarch64`, `arm64`. */
  machine: string;
  libc: { name: 'glibc' | 'musl' | 'none'; version: string };
  /** macOS release the host runs, for macOS tags; empty elsewhere. */
  macosRelease: string;
  freeThreaded: boolean;
  /** Standard-library modules that fail to import (a build without headers lacks some). */
  missingModules: string[];
}

export interface Owner {
  uid: number;
  gid: number;
  name: string;
}

/** What runs from an environment or points into it. */
export interface Rider {
  kind: 'process' | 'unit' | 'cron' | 'shebang' | 'unknown';
  /** Pid, unit name or file. */
  id: string;
  /** One line for people. */
  what: string;
}

/** What a switch does with riders: agent file, `onSwitch`. */
export type OnSwitch = 'restart' | 'idle' | 'tolerate';

/** What stands at the link path now. */
export type LinkState = 'missing' | 'directory' | 'managed' | 'foreign-link' | 'dangling';

/** The environment that is live, or one of its earlier trees. */
export interface Tree {
  /** Name below `.venvs/`; for a directory not yet adopted, the name it will get. */
  id: string;
  /** Absolute path of the tree as it stands. */
  path: string;
  /** Version of its interpreter as `pyvenv.cfg` and the probe agree on it; null when it does not run. */
  version: string | null;
  /** sha256 over its manifest; empty when it was not asked for. */
  manifestDigest: string;
  /** `all`, or without `__pycache__` for a tree that others may still write to (not yet adopted). */
  manifestScope: 'all' | 'without-bytecode';
  files: number;
  bytes: number;
  /** What it was sealed with, for a tree this product built; null for others. */
  sealed: { lockSha256: string; manifestDigest: string } | null;
  /** Sentences: what hands changed since a run verified it, with the way out. Absent: nothing, or an earlier version did not look. */
  drift?: string[];
}

/** A file of the plan: what will be installed, by hash. */
export interface PlannedFile {
  /** Normalised project name (PEP 503). */
  project: string;
  version: string;
  /** Wheel file name. */
  name: string;
  /** Hex. */
  sha256: string;
}

/** The plan's look at the real host, taken by its agent. */
export interface HostLook {
  env: EnvironmentRef;
  project: string;
  owner: Owner;
  linkState: LinkState;
  current: Tree | null;
  interpreters: Interpreter[];
  lock: { path: string; sha256: string; pins: number };
  disk: { freeBytes: number; freeInodes: number; needBytes: number };
  riders: Rider[];
  onSwitch: OnSwitch;
  units: string[];
  /** Seconds of refused service the agent file announces for a restart of all units. */
  restartWindowSeconds: number;
  /** The package index by its address without credentials, or the words for a tool's own default. */
  index: string;
  /** True when no index is configured and the installer's public default would be used. */
  publicIndex: boolean;
  installer: 'uv' | 'pip';
  /** The project file's settings, as far as they matter to the plan. */
  settings: ProjectSettings;
  /** What the host is for beside its own environments. Absent in what earlier versions recorded. */
  roles?: 'builder'[];
  /** Whether the host checks signatures itself. Absent in what earlier versions recorded: it does not. */
  trust?: 'server' | 'signatures';
  /** Reasons of the host itself to refuse: what, expected, got, way out in each. */
  objections: Objection[];
}

/** What `runbook.yaml` says, defaults filled in. */
export interface ProjectSettings {
  name: string;
  lock: string;
  link: string;
  importModule: string | null;
  /** Modules to import in verification; empty: the top-level modules of every locked package. */
  imports: string[];
  /** Arguments after the environment's Python that run the project's tests; empty: none. */
  tests: string[];
  testsTimeoutSeconds: number;
  /** Prefix of the version variables (`PRICER` gives `PRICER_PYTHON_VERSION`). */
  envPrefix: string | null;
  /** File that holds those variables, relative to the project. */
  envFile: string | null;
  configFiles: { path: string; format: 'keyvalue' | 'yaml' }[];
  expectedFreezeHash: string | null;
  /** What its own runs report; absent: nothing. */
  metrics?: string;
  /** The project's own timed probe; null: the policy's. Absent in what earlier versions recorded. */
  performance?: (PerformanceProbe & { maxSlowdown: number | null }) | null;
}

/** A reason to refuse, in the four parts every refusal has. */
export interface Objection {
  what: string;
  expected: string;
  got: string;
  wayOut: string;
}

/** Verdict of one pin for one interpreter on this host's platform. */
export type WheelVerdict = 'wheel' | 'sdist-only' | 'no-wheel' | 'requires-python' | 'yanked' | 'version-not-found' | 'project-not-found' | 'index-error';

export interface PinVerdict {
  project: string;
  version: string;
  verdict: WheelVerdict;
  /** The chosen wheel, when there is one. */
  file: { name: string; sha256: string } | null;
  /** Why, in a line. */
  why: string;
  /** WF-01, where the files tell it. */
  cause?: WheelFailureCause;
  /** `sha256:HEX` the lock approves, for a pin that has no wheel: a source build must start from one of them. Absent: the lock has none. */
  hashes?: string[];
}

/** A whole lock judged for one interpreter. */
export interface LockVerdict {
  /** Interpreter version, full. */
  version: string;
  /** Marker-excluded pins are left out. */
  pins: PinVerdict[];
  missing: string[];
  /** The class of failure that kept the question from being answered, when one did (`NET_REFUSED` …). */
  error: { class: FailureClass; text: string } | null;
  durationMs: number;
}

/** What will be done. `digest` covers every other field but `facts` and `text`. */
export interface Plan {
  kind: RunKind;
  env: EnvironmentRef;
  policyDigest: string;
  /** The present tree, or null where none stands. */
  present: { id: string; path: string; version: string | null; manifestDigest: string; manifestScope: 'all' | 'without-bytecode' } | null;
  adopt: boolean;
  interpreter: { version: string; build: string; realpath: string };
  lock: { path: string; sha256: string };
  files: PlannedFile[];
  rungs: Rung[];
  serviceActions: string[];
  onSwitch: OnSwitch;
  /** Tree the undo returns to; null: undo removes the link again. */
  undoTarget: string | null;
  /** ISO instant when the change ends by itself; null: stays. */
  end: string | null;
  /** It ends this many hours after its grant. Absent: it does not. */
  hours?: number;
  digest: string;
  /** Measurements for people; not in the digest. */
  facts: { freeBytes: number; needBytes: number; restartWindowSeconds: number; riders: Rider[]; index: string; installer: string; owner: Owner; drift?: string[] };
  settings: ProjectSettings;
}

/** Outcome of a verification, four verdicts kept apart, and what they stand on. */
export interface Verification {
  ok: boolean;
  /** RECORD hashes. */
  files: { ok: boolean; checked: number; bad: string[] };
  /** Installed set against the lock. */
  lock: { ok: boolean; installed: number; expected: number; differences: string[] };
  interpreter: { ok: boolean; expected: string; got: string };
  imports: { ok: boolean; passed: number; total: number; failures: { module: string; error: string; class: FailureClass }[] };
  tests: { ok: boolean; ran: boolean; summary: string; outputPath: string };
  manifestDigest: string;
  manifestFiles: number;
  /** Freeze digest: sha256 of the normalised, sorted `name==version` lines. */
  freezeHash: string;
  durationMs: number;
  /** By the agent's own key, over `verdictText` of `signed-texts.ts`. Absent in what earlier versions recorded. */
  signed?: SignedText;
}

/** How long a step took and the one fact worth a line. */
export interface StepReport {
  step: string;
  ok: boolean;
  fact: string;
  /** Milliseconds of the step's own work, as the side that did it measured. */
  workMs: number;
  /** ISO instants in workflow time. */
  startedAt: string;
  endedAt: string;
}

/** What every run returns. */
export interface RunResult {
  run: string;
  kind: RunKind;
  env: EnvironmentRef;
  outcome: Outcome;
  message: string;
  from: string | null;
  to: string | null;
  planDigest: string | null;
  steps: StepReport[];
  /** Why it was refused, when it was. */
  objections: Objection[];
  /** What a change left and what it built, where it came so far. */
  trees?: { from: string | null; to: string };
  /** Where it was measured. */
  performance?: Performance;
  /** First execution run id of the run that switched, for who must undo it later. Absent in what earlier versions recorded. */
  chain?: string;
  /** Of an exception. */
  exception?: ExceptionClock;
  /** Who allowed it, where somebody did. */
  approval?: { by: string[]; at: string };
}
