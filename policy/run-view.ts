/** The run table's row, made from the audit entries alone: one source for `list`, `show` and `why`. */
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
}

/** Where rows are looked up: a table in the records, a map in a verification. */
export interface RunLookup {
  byChain(chain: string): RunView | null;
  /** The newest row with this short id. */
  byRun(run: string): RunView | null;
  /** Rows of an environment that wait for a person's decision. */
  unsettledOf(host: string, link: string): RunView[];
}

/** News of hosts tell of no run; these two tell of another run than the one that wrote them. */
const ABOUT_HOSTS: ReadonlySet<AuditEvent> = new Set<AuditEvent>(['check-in', 'changed', 'host-unreachable', 'host-back']);
const ABOUT_OTHERS: ReadonlySet<AuditEvent> = new Set<AuditEvent>(['unsettled', 'lease-freed']);

/** The rows that are other after one more entry. Entries come in the order of their numbers. */
export function foldEntry(rows: RunLookup, entry: AuditEntry, seq: number): RunView[] {
  if (ABOUT_HOSTS.has(entry.event)) return [];
  const row = rowOf(rows, entry);
  if (!row && ABOUT_OTHERS.has(entry.event)) return [];
  const next = foldRun(row, entry, seq);
  return [next, ...settledBy(rows, next, entry)];
}

/** An entry belongs to its chain's row; from a part of a run with a chain of its own, to that run's open row. */
function rowOf(rows: RunLookup, entry: AuditEntry): RunView | null {
  if (ABOUT_OTHERS.has(entry.event)) return rows.byRun(entry.run);
  const own = rows.byChain(entry.chain);
  if (own || entry.event === 'run-started') return own;
  const sameName = rows.byRun(entry.run);
  return sameName?.endedAt === null ? sameName : null;
}

function foldRun(row: RunView | null, entry: AuditEntry, seq: number): RunView {
  const next: RunView = { ...(row ?? opened(entry, seq)), lastSeq: seq };
  if (entry.workflowId === next.workflowId) next.executionRunId = entry.runId;
  applyFacts(next, entry, row === null);
  switch (entry.event) {
    case 'step-done':
    case 'step-failed':
      applyStep(next, entry);
      break;
    case 'outcome':
      end(next, entry, (text(entry.data, 'outcome') ?? 'done') as Outcome);
      break;
    case 'settle':
      end(next, entry, entry.data['decision'] === 'keep' ? 'done' : 'rolled-back');
      break;
    case 'undo':
      // An undo that no run of the server ordered (`--local`) is a run of its own, whole in one entry.
      if (row === null) end(next, entry, entry.data['verified'] === false ? 'rollback-incomplete' : 'rolled-back');
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
  };
}

/** Facts any entry may carry; absent ones leave the row as it is. */
function applyFacts(view: RunView, { event, data }: AuditEntry, first: boolean): void {
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

function applyStep(view: RunView, entry: AuditEntry): void {
  const { step, fact, workMs, startedAt, endedAt } = entry.data as Partial<StepReport>;
  view.steps = [...view.steps, {
    step: step ?? 'step', ok: entry.event === 'step-done', fact: fact ?? '', workMs: workMs ?? 0, startedAt: startedAt ?? entry.at, endedAt: endedAt ?? entry.at,
  }];
  if (entry.event === 'step-done' && step === SWITCH_STEP) Object.assign(view, { changed: 'yes', changedAt: entry.at });
}

function end(view: RunView, entry: AuditEntry, outcome: Outcome): void {
  const steps = entry.data['steps'];
  if (Array.isArray(steps)) view.steps = steps as StepReport[];
  const changed = changedBy(view, outcome);
  Object.assign(view, { outcome, changed, changedAt: changed === 'no' ? null : (view.changedAt ?? entry.at), phase: 'ended', waitsFor: [], endedAt: entry.at });
}

/** What an outcome says about the environment: what a rollback did is a change; what it kept, its run had done. */
function changedBy(view: RunView, outcome: Outcome): RunView['changed'] {
  switch (outcome) {
    case 'done':
      return view.kind === 'rollback' ? 'no' : 'yes';
    case 'rolled-back':
      return view.kind === 'rollback' ? 'yes' : 'no';
    case 'rollback-incomplete':
      return 'uncertain';
    default:
      return view.changed;
  }
}

const text = (data: Record<string, unknown>, field: string): string | undefined => (typeof data[field] === 'string' ? data[field] : undefined);
