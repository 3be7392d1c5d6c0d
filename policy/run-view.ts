/** The run table's row, made from the audit entries alone: one source for `list`, `show` and `why`. */
import { declaredAt, foldException, isByHost, type ExceptionView } from './exception-view.js';
import { SWITCH_STEP } from './records.js';
import type { AuditEntry, AuditEvent } from './records.js';
import type { Outcome, StepReport } from './model.js';

/** One run as its entries tell it. */
export interface RunView {
  /** Short id. */
  run: string;
  workflowId: string;
  /** First execution run id; the row's identity. */
  chain: string;
  /** Latest execution. */
  executionRunId: string;
  kind: string;
  host: string;
  link: string;
  requester: string;
  reason: string;
  phase: string;
  message: string;
  /** null while open. */
  outcome: Outcome | null;
  /** Interpreter before and after, full versions; null where there is none or it is not known yet. */
  from: string | null;
  to: string | null;
  startedAt: string;
  endedAt: string | null;
  waitsFor: string[];
  /** Path of the report on the host. */
  report: string | null;
  planDigest: string | null;
  policyDigest: string | null;
  /** Who allowed it: `policy pre-approved`, `alice, carol`. */
  approval: string;
  /** ISO instant when the change ends by itself; null: stays. */
  end: string | null;
  /** Short id of the run that ordered this one. */
  parent: string | null;
  steps: StepReport[];
  /** Whether the environment is other than before because of this run; `uncertain` after an incomplete undo. */
  changed: 'no' | 'yes' | 'uncertain';
  changedAt: string | null;
  /** Numbers of its first and newest entry. */
  firstSeq: number;
  lastSeq: number;
  /** Of an exception alone. */
  exception?: ExceptionView;
}

/** Where rows are looked up: a table in the records, a map in a verification. */
export interface RunLookup {
  byChain(chain: string): RunView | null;
  /** The newest row with this short id. */
  byRun(run: string): RunView | null;
  /** Rows of an environment that wait for a person's decision. */
  unsettledOf(host: string, link: string): RunView[];
}

/** News of hosts tell of no run; the two below tell of another run than the one that wrote them. */
const ABOUT_HOSTS: ReadonlySet<AuditEvent> = new Set<AuditEvent>(['check-in', 'changed', 'host-unreachable', 'host-back', 'host-accepted', 'reminder', 'health', 'foreign-interpreter', 'warnings-accepted', 'preflight-signed']);
const ABOUT_OTHERS: ReadonlySet<AuditEvent> = new Set<AuditEvent>(['unsettled', 'lease-freed']);
/** Told by the parts of a run that have a chain of their own and may outlive it: these open no row. */
const OF_PARTS: ReadonlySet<AuditEvent> = new Set<AuditEvent>(['approval-asked', 'vote', 'vote-refused', 'decided', 'overdue', 'notified', 'undelivered']);

/** The rows that are other after one more entry. Entries come in the order of their numbers. */
export function foldEntry(rows: RunLookup, entry: AuditEntry, seq: number): RunView[] {
  if (ABOUT_HOSTS.has(entry.event)) return [];
  const row = rowOf(rows, entry);
  if (!row && (isAboutOther(entry) || OF_PARTS.has(entry.event))) return [];
  // What a part tells late belongs to the run's trail, and says nothing new about its end.
  if (row && row.endedAt !== null && OF_PARTS.has(entry.event)) return [{ ...row, lastSeq: seq }];
  const next = foldRun(row, entry, seq);
  return [next, ...settledBy(rows, next, entry)];
}

/** An entry belongs to its chain's row; from a part of a run with a chain of its own, to that run's open row. */
function rowOf(rows: RunLookup, entry: AuditEntry): RunView | null {
  if (ABOUT_OTHERS.has(entry.event)) return rows.byRun(entry.run);
  if (isByHost(entry)) return sameEnvironment(rows.byRun(entry.run), entry);
  const own = rows.byChain(entry.chain);
  if (own || entry.event === 'run-started') return own;
  const sameName = rows.byRun(entry.run);
  if (OF_PARTS.has(entry.event)) return sameEnvironment(sameName, entry);
  return sameName?.endedAt === null ? sameName : null;
}

const isAboutOther = (entry: AuditEntry): boolean => ABOUT_OTHERS.has(entry.event) || isByHost(entry);

/** A short id may be another run's by then. */
const sameEnvironment = (row: RunView | null, { host, link }: AuditEntry): RunView | null => (row?.host === host && row.link === link ? row : null);

function foldRun(row: RunView | null, entry: AuditEntry, seq: number): RunView {
  const next: RunView = { ...(row ?? opened(entry, seq)), lastSeq: seq };
  if (entry.workflowId === next.workflowId) next.executionRunId = entry.runId;
  if (next.exception) next.exception = foldException(next.exception, entry);
  applyFacts(next, entry, row === null);
  switch (entry.event) {
    case 'step-done':
    case 'step-failed':
      applyStep(next, entry);
      break;
    case 'overdue':
      next.message = `${text(entry.data, 'role') ?? 'the board'} did not convene by ${text(entry.data, 'by') ?? entry.at}`;
      break;
    case 'decided':
      applyDecision(next, text(entry.data, 'outcome') ?? 'decided');
      break;
    case 'made-permanent':
      next.end = null;
      break;
    case 'outcome':
      if (isStandingStill(next, entry)) Object.assign(next, { phase: 'waiting', waitsFor: [ITS_END] });
      else end(next, entry, (text(entry.data, 'outcome') ?? 'done') as Outcome);
      break;
    case 'settle':
      end(next, entry, entry.data['decision'] === 'keep' ? 'done' : 'rolled-back');
      break;
    case 'undo':
      // An undo that no run of the server ordered (`--local`) is a run of its own, whole in one entry.
      if (row === null) end(next, entry, entry.data['verified'] === false ? 'rollback-incomplete' : 'rolled-back');
      else if (next.exception?.reverted) applyRevert(next, entry);
      break;
    case 'unsettled':
      Object.assign(next, { phase: 'unsettled', waitsFor: ['settle'], changed: 'yes', changedAt: next.changedAt ?? entry.at });
      break;
    case 'lease-freed':
      if (next.endedAt === null) end(next, entry, 'rolled-back');
      break;
    default:
      break;
  }
  return next;
}

/** Nothing is waited for any more; whom the run names as having allowed it, it says itself. */
function applyDecision(view: RunView, outcome: string): void {
  Object.assign(view, { phase: outcome, waitsFor: [], ...(outcome === 'approved' ? {} : { approval: outcome }) });
}

/** EE-09. The host alone may be the last to know of an exception: what it tells ends the row; what the run tells later, it says. */
function applyRevert(view: RunView, entry: AuditEntry): void {
  const { verified, to, problem } = view.exception!.reverted!;
  view.changed = verified ? 'no' : 'uncertain';
  if (!isByHost(entry)) return;
  const isOpen = view.endedAt === null;
  if (verified && (isOpen || view.outcome === 'rollback-incomplete')) {
    end(view, entry, 'expired');
    view.message = `${isOpen ? '' : `${view.message}; then `}its end came: the host went back by itself to ${to ?? 'no environment'}, verified`;
  } else if (!verified && isOpen) {
    Object.assign(view, { phase: 'reverting', waitsFor: [], message: `its end came, and the way back is not verified: ${problem || 'the host tries again'}` });
  }
}

/** A change that was ordered by an exception and outlives its run: what stands ends on its host. */
const isStandingStill = ({ exception, chain }: RunView, { chain: by, data }: AuditEntry): boolean => exception !== undefined && by !== chain && data['outcome'] === 'done';

/** A rollback that came to a verified end decides about every run of its environment that waited for that. */
function settledBy(rows: RunLookup, by: RunView, entry: AuditEntry): RunView[] {
  if (entry.event !== 'outcome' || by.kind !== 'rollback' || (by.outcome !== 'done' && by.outcome !== 'rolled-back')) return [];
  return rows.unsettledOf(by.host, by.link)
    .filter((row) => row.chain !== by.chain)
    .map((row) => ({ ...row, phase: 'ended', outcome: by.outcome, message: `settled by ${by.run}: ${by.message}`, waitsFor: [], endedAt: entry.at }));
}

function opened(entry: AuditEntry, seq: number): RunView {
  return {
    run: entry.run, workflowId: entry.workflowId, chain: entry.chain, executionRunId: entry.runId, kind: entry.kind,
    host: entry.host, link: entry.link, requester: entry.actor, reason: entry.justification,
    phase: 'starting', message: '', outcome: null, from: null, to: null, startedAt: entry.at, endedAt: null, waitsFor: [],
    report: null, planDigest: null, policyDigest: null, approval: '', end: null, parent: null, steps: [], changed: 'no', changedAt: null,
    firstSeq: seq, lastSeq: seq,
    // Only where there is one: rows of other runs, and of earlier versions, stay what they are.
    ...(entry.kind === 'exception' ? { exception: declaredAt(entry.at) } : {}),
  };
}

/** Facts any entry may carry; absent ones leave the row as it is. */
function applyFacts(view: RunView, { event, data }: AuditEntry, first: boolean): void {
  // A vote that did not count says nothing of the run; nor does what its run still does where the host told the end already.
  if (event === 'vote-refused' || (event === 'phase' && view.exception && view.endedAt !== null)) return;
  for (const field of ['phase', 'message', 'report', 'planDigest', 'policyDigest', 'approval', 'end', 'parent', 'requester'] as const) {
    const value = text(data, field);
    if (value !== undefined) view[field] = value;
  }
  // Steps name trees by these words, and an undo within a run names the way back: the row keeps the way there.
  if (TELLS_VERSIONS.has(event) || (first && event === 'undo')) {
    for (const field of ['from', 'to'] as const) {
      if (typeof data[field] === 'string' || data[field] === null) view[field] = data[field];
    }
  }
  if (Array.isArray(data['waitsFor'])) view.waitsFor = data['waitsFor'].map(String);
}

const TELLS_VERSIONS: ReadonlySet<AuditEvent> = new Set<AuditEvent>(['run-started', 'planned', 'fallback-activated', 'outcome']);

/** A rehearsal comes while the end is waited for; its own wait, for a host that does not answer, is over. */
function applyWaited(view: RunView, step: string | undefined): void {
  if (step !== 'rehearse') Object.assign(view, { phase: 'starting', waitsFor: [] });
  else if (!view.waitsFor.some((what) => what.startsWith(ITS_END))) view.waitsFor = [ITS_END];
}

const ITS_END = 'the end of the exception';

/** Kinds that wait again and again: each step ends what was waited for in it. */
const BETWEEN_WAITS: ReadonlySet<string> = new Set(['exception', 'interpreter-change']);

function applyStep(view: RunView, entry: AuditEntry): void {
  const { step, fact, workMs, startedAt, endedAt } = entry.data as Partial<StepReport>;
  view.steps = [...view.steps, {
    step: step ?? 'step', ok: entry.event === 'step-done', fact: fact ?? '', workMs: workMs ?? 0, startedAt: startedAt ?? entry.at, endedAt: endedAt ?? entry.at,
  }];
  if (BETWEEN_WAITS.has(view.kind) && view.endedAt === null) applyWaited(view, step);
  if (entry.event === 'step-done' && step === SWITCH_STEP) Object.assign(view, { changed: 'yes', changedAt: entry.at });
}

function end(view: RunView, entry: AuditEntry, outcome: Outcome): void {
  const steps = entry.data['steps'];
  if (Array.isArray(steps)) view.steps = steps as StepReport[];
  const changed = changedBy(view, outcome);
  Object.assign(view, { outcome, changed, changedAt: changed === 'no' && !view.exception?.reverted ? null : (view.changedAt ?? entry.at), phase: 'ended', waitsFor: [], endedAt: entry.at });
}

/**
 * What an outcome says about the environment: what a rollback did is a change; what it kept, its run had done. A run that ends
 * on the version it began with changed it where it switched, and else only tidied up.
 */
function changedBy(view: RunView, outcome: Outcome): RunView['changed'] {
  // A review touches no host; and an exception that stood changed nothing any more once it is back.
  if (view.kind === 'interpreter-change' || view.exception?.reverted?.verified) return 'no';
  switch (outcome) {
    case 'done':
      if (view.kind === 'rollback') return 'no';
      return view.to === view.from ? view.changed : 'yes';
    case 'rolled-back':
      return view.kind === 'rollback' ? 'yes' : 'no';
    case 'rollback-incomplete':
      return 'uncertain';
    default:
      return view.changed;
  }
}

const text = (data: Record<string, unknown>, field: string): string | undefined => (typeof data[field] === 'string' ? data[field] : undefined);
