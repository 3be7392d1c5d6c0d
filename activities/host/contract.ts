/** What the agent of a host can be asked to do. Workflows see only this type. */
import type { Warrant } from '../../policy/model-approval.js';
import type { PolicyFile } from '../../policy/files/policy-file.js';
import type { CheckPolicy } from '../../policy/checks/model.js';
import type { ForeignInterpreter, HealthState } from '../../policy/checks/results.js';
import type { Diagnosis, EnvironmentRef, HostLook, Interpreter, LockProposal, LockVerdict, Performance, PerformanceProbe, Plan, ProjectLitter, Rider, Verification, WheelBuild } from '../../policy/model.js';

/** The right to act: who orders, under which lease, as which step. Everything that changes a host carries one. */
export interface Order {
  env: EnvironmentRef;
  /** Short id of the run. */
  run: string;
  workflowId: string;
  /** First execution run id: the holder's chain, unchanged by reset. */
  chain: string;
  /** Of the lease. */
  epoch: number;
  /** Grows with every order of one run; with epoch and attempt it is the fencing token. */
  seq: number;
  /** Name of the step; with chain and seq it is the operation id. */
  step: string;
  /** How often the same order was given before because the host did not answer; each raises the attempt by 1,000. */
  reissued: number;
}

export interface LeaseHolder {
  workflowId: string;
  chain: string;
  run: string;
}

/** Details of the retryable failure `LeaseBusy`. */
export interface LeaseBusyDetails {
  holder: LeaseHolder;
  /** 1: next in line. */
  position: number;
  since: string;
}

/** The environment's state as the agent's store knows it. */
export interface LeaseView {
  env: EnvironmentRef;
  holder: LeaseHolder | null;
  epoch: number;
  state: 'free' | 'held' | 'unsettled';
  /** True once the holder's run has switched the link. */
  switched: boolean;
  waiters: LeaseHolder[];
}

export interface Armed {
  /** Tree id to return to; null: remove the link. */
  undoTarget: string | null;
  /** ISO; absent: it does not end by itself. */
  end?: string;
  files: number;
  manifestDigest: string;
  interpreterRuns: boolean;
  workMs: number;
}

export interface Prepared {
  /** Tree id: `RUN-ATTEMPT`. */
  id: string;
  path: string;
  installer: 'uv' | 'pip';
  packages: number;
  asUser: string;
  workMs: number;
}

export interface Switched {
  from: string | null;
  to: string;
  adopted: boolean;
  /** Milliseconds of the rename with its sync. */
  renameMs: number;
  workMs: number;
}

export interface RidersSettled {
  restarted: string[];
  /** Processes still on the tree that was left; empty unless `tolerate`. */
  left: Rider[];
  healthy: boolean;
  /** Why not, when not. */
  problem: string;
  workMs: number;
}

export interface Undone {
  outcome: 'restored' | 'nothing-to-undo' | 'superseded';
  /** Version of the environment that was left; absent where none was, and in what earlier versions recorded. */
  from?: string | null;
  /** Version that answers through the link now. */
  version: string | null;
  verified: boolean;
  problem: string;
  /** Not verified, and asking again can't change that: a file of the tree is not as it was armed. Absent otherwise, and in what earlier versions recorded. */
  final?: true;
  workMs: number;
}

/** A directory that became a tree with a link before it; the environment is the one it was. */
export interface Adopted {
  tree: string;
  /** Version that answers through the link now. */
  version: string | null;
  workMs: number;
}

export interface Closed {
  pruned: string[];
  kept: string[];
  workMs: number;
}

/** News of a host, told through its `hostWatch` run. */
export interface HostEvent {
  cursor: number;
  at: string;
  kind: 'check-in' | 'changed' | 'hourly' | 'lease-quiet';
  agentVersion: string;
  environments: { link: string; tree: string; version: string | null; state: LeaseView['state'] }[];
  /** For `lease-quiet`: leases whose holder has ordered nothing for a while. */
  quiet: LeaseView[];
  /** What hands changed in an environment, as sentences; absent: nothing. */
  drift?: { link: string; what: string }[];
  /** Changes whose end came, and what the host did by itself about it; told until it is verified. Absent: none. */
  expired?: { link: string; run: string; chain: string; end: string; verified: boolean; version: string | null; problem: string }[];
  /** Ends that are still to come. Absent: none. */
  ends?: { link: string; run: string; end: string }[];
  /** The agent's own public key, with which it signs verdicts. Absent in what earlier versions told. */
  key?: string;
  /** By environment: those whose health changed; all of them in check-ins and every hour. Absent: health is not watched yet. */
  health?: HealthState[];
  /** PV-35: what the last full check found; told with check-ins and every hour. Absent: none, or not looked for yet. */
  foreign?: ForeignInterpreter[];
  /** Digest of the rules by which it checks; absent: it has none yet. */
  rules?: string;
}

/** What an agent needs to check its host by itself. It keeps the last ones it was given. */
export interface HealthRules {
  digest: string;
  everySeconds: number;
  policy: CheckPolicy;
}

export interface NextEventInput {
  cursor: number;
  /** New rules for its health checks; absent: as before. */
  health?: HealthRules;
  /** It was silent: answer at once that it is there. */
  greet?: true;
}

/** An edit of a configuration file by key, kept so that it can be undone where our value still stands. */
export interface ConfigEdit {
  /** Relative to the project. */
  path: string;
  format: 'keyvalue' | 'yaml' | 'env';
  set: Record<string, string>;
}

/** Text for a log or report in the project; `append` adds once per run. */
export interface DocumentWrite {
  path: string;
  mode: 'append' | 'replace';
  text: string;
}

export interface HostActivities {
  /** Answers when the host is there. */
  ping(): Promise<{ agentVersion: string }>;
  /** The plan's look. `manifest` also hashes the present tree. */
  look(input: { env: EnvironmentRef; to: string | null; manifest: boolean; create: boolean }): Promise<HostLook>;
  /** Judges the project's lock for each interpreter. */
  assess(input: { env: EnvironmentRef; interpreters: Interpreter[] }): Promise<LockVerdict[]>;
  /** Imports modules in the live environment (WF-10), and tells tool versions (WF-07) and the installed set as `name==version` (WF-22). */
  probeLive(input: { env: EnvironmentRef; modules: string[] }): Promise<{ python: string; tools: Record<string, string>; imports: Verification['imports']; frozen: string[] }>;
  /** Step 2: an attempt for one interpreter that installs nothing, read line by line, with the facts of the host. Changes no environment. */
  diagnose(input: {
    env: EnvironmentRef;
    run: string;
    interpreter: Interpreter;
    suspects: string[];
    /** What would install: pip is asked first then, and uv again where pip does not tell. Absent: uv where it can be had. */
    installer?: 'uv' | 'pip';
    /** Of the policy (WF-06); absent: its defaults. */
    systemDependencies?: PolicyFile['systemDependencies'];
  }): Promise<Diagnosis>;
  /**
   * Rungs 3 and 4, on a host with the role `builder`: wheels from source, by hash, into its wheelhouse. `one`: each pin with its
   * dependencies as wheels; `all`: everything from source. What is there already is not built again. `hashes`: the lock's, for the
   * source release; `native`: it has a compiled part (wheels exist for others), so that a missing compiler is told before a build.
   */
  buildWheels(input: { run: string; interpreter: string; pins: { project: string; version: string; hashes?: string[]; native?: boolean }[]; mode: 'one' | 'all' }): Promise<WheelBuild>;
  /** Other locks that would install, each tried in a scratch tree. Changes no environment. */
  proposeLocks(input: { env: EnvironmentRef; run: string; interpreter: Interpreter; missing: string[]; knownGood: Record<string, string> }): Promise<LockProposal[]>;
  /** WF-48: one probe in two trees in turns (`before` null: in one), kept as the baseline of the environment. */
  measure(input: { env: EnvironmentRef; run: string; probe: PerformanceProbe; before: string | null; after: string }): Promise<Performance>;
  acquireLease(input: { env: EnvironmentRef; holder: LeaseHolder; priority: 'forward' | 'undo' | 'expiry' }): Promise<{ epoch: number }>;
  describeLease(input: { env: EnvironmentRef }): Promise<LeaseView>;
  /** Told by a run that asked Temporal: this holder's chain is closed without `close`. */
  holderEnded(input: { env: EnvironmentRef; chain: string }): Promise<{ result: 'freed' | 'unsettled' | 'not-holder' }>;
  /** `until.end`: the change ends by itself then; written to the host's disk with the way back, and kept there after `closeChange` (invariant 7). */
  armUndo(order: Order, plan: Plan, until?: { end: string }): Promise<Armed>;
  /** With `trust: signatures` the warrant is checked first, kept, and checked again before the switch. */
  prepare(order: Order, plan: Plan, warrant?: Warrant): Promise<Prepared>;
  verifyTree(order: Order, input: { plan: Plan; tree: string; seal: boolean }): Promise<Verification>;
  /** Adoption by itself: the armed directory becomes a tree of `.venvs` in one exchange, and is proven through the link; if it is not the same there, it is given back. */
  adoptLink(order: Order): Promise<Adopted>;
  switchLink(order: Order, input: { plan: Plan; tree: string }): Promise<Switched>;
  settleRiders(order: Order, input: { plan: Plan; leftTree: string | null; nowTree: string | null }): Promise<RidersSettled>;
  verifyLink(order: Order, input: { plan: Plan; tree: string; manifestDigest: string }): Promise<{ ok: boolean; version: string | null; problem: string; workMs: number }>;
  configure(order: Order, edits: ConfigEdit[]): Promise<{ edited: string[]; workMs: number }>;
  /** Needs no lease: appends once per run id, and changes no environment. */
  writeDocuments(input: { env: EnvironmentRef; run: string; documents: DocumentWrite[] }): Promise<{ written: string[] }>;
  /**
   * WF-71: looks for what Python left beside the sources and, unless `dryRun`, removes it: inside the project only, following no
   * link, in no environment, nothing that git tracks. Needs no lease: changes no environment.
   */
  cleanProject(input: { env: EnvironmentRef; run: string; dryRun: boolean }): Promise<ProjectLitter>;
  /**
   * Returns to what was armed, riders included, and verifies it. `chain` is the run whose change is undone; null: the
   * environment's last change, whoever made it. Nothing armed, or not yet switched: `nothing-to-undo`.
   */
  undo(order: Order, input: { chain: string | null }): Promise<Undone>;
  /** For `settle --keep`: the tree that stands is the one its run sealed, and riders are settled on it. */
  keep(order: Order): Promise<{ ok: boolean; tree: string; version: string | null; problem: string; workMs: number }>;
  /** Of a change that ends by itself: undo target whole, base interpreter runs, by whose version; changes nothing. `known`: false when no such change stands. */
  rehearse(input: { env: EnvironmentRef; chain: string }): Promise<{ known: boolean; ok: boolean; problem: string; version: string | null; end: string | null; workMs: number }>;
  /** The end of a change is taken away: it stays. With `trust: signatures` by a warrant of the final review. */
  makePermanent(order: Order, input: { chain: string; warrant: Warrant | null }): Promise<{ ok: boolean; problem: string; workMs: number }>;
  /** Releases lease and pin, prunes what nothing needs, writes `.venvs/README`. */
  closeChange(order: Order, input: { keepPin: boolean }): Promise<Closed>;
  /** Pending until there is news. Runs on the queue `host.NAME.events`. */
  nextEvent(input: NextEventInput): Promise<HostEvent>;
}
