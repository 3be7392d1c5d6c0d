/**
 * The record of a fallback as the audit trail holds it: what runs put into their entries, and the way back from entries
 * to the record, so that a report needs nothing but the trail (AU-09).
 */
import { sha256Hex } from './canonical.js';
import { MOST, boundBuild, boundDiagnosis, boundProposal, boundVerification } from './fallback-bounds.js';
import type { FallbackRecord, RecordedProposal } from './fallback-record.js';
import { planFacts } from './fallback-record.js';
import type { Diagnosis, LockProposal, LockVerdict, Objection, Outcome, Performance, PinVerdict, Plan, RunKind, StepReport, Verification, WheelBuild, WheelFailureCause } from './model.js';
import type { AuditEntry, EvidenceRef } from './records.js';
import { oneLine } from './text.js';

type Facts = AuditEntry['data'];

/** A verdict as entries hold it: reasons of the first pins without a wheel, names of the others, `name==version`. */
interface RecordedVerdict {
  version: string;
  error: LockVerdict['error'];
  durationMs: number;
  /** Pins without a wheel that are told with their reason. */
  pins: Pick<PinVerdict, 'project' | 'version' | 'verdict' | 'why' | 'cause'>[];
  /** The other pins by verdict. */
  others: Partial<Record<PinVerdict['verdict'], string[]>>;
}

/** What an assessment came to, as the last `assessed` tells it: after a source build the answer may be another. */
interface RecordedDecision {
  decision: string;
  text: string;
  causes: Record<string, WheelFailureCause>;
}

export interface Assessment {
  python: string;
  tools: Record<string, string>;
  verdicts: LockVerdict[];
  decision: RecordedDecision | null;
  hostClass?: string;
}

/** Data of `assessed`; noted anew whenever the lock is judged anew. */
export function assessedFacts({ python, tools, verdicts, decision, hostClass }: Assessment): Facts {
  const missing = Object.fromEntries(verdicts.map((verdict) => [verdict.version, verdict.missing.slice(0, MOST.pins)]));
  const told = decision && { decision: decision.decision, text: decision.text, causes: decision.causes };
  return { python, tools, missing, decision: told, verdicts: verdicts.map(recordVerdict), ...(hostClass === undefined ? {} : { hostClass }) };
}

/** Data of `planned`, beside what the run table is made from. */
export const plannedFacts = (plan: Plan): Facts => ({ plan: planFacts(plan) });

/** Data of the step that made it. */
export const diagnosisFacts = (diagnosis: Diagnosis): Facts => ({ diagnosis: boundDiagnosis(diagnosis) });

/** Data of the step that built. */
export const buildFacts = (build: WheelBuild): Facts => ({ build: boundBuild(build) });

/** Largest text the records keep as evidence, in bytes of UTF-8. */
export const KEPT_BYTES = 256 * 1024;

/** Data of the step that proposed, and the locks themselves, to be appended with it: they are kept as evidence by their digest. */
export function proposalFacts(proposals: LockProposal[]): { data: Facts; evidence: string[] } {
  const refs = proposals.map(({ lock, rung }): EvidenceRef => {
    const bytes = new TextEncoder().encode(lock).length;
    const kept = bytes <= KEPT_BYTES;
    return { name: `proposed lock, ${rung}`, sha256: sha256Hex(lock), bytes, kept, where: kept ? 'records' : 'the project' };
  });
  return { data: { proposals: proposals.map(({ lock: _lock, ...told }) => boundProposal(told)), evidence: refs }, evidence: proposals.filter((_, at) => refs[at]!.kept).map(({ lock }) => lock) };
}

/** Data of the step that measured. */
export const performanceFacts = (performance: Performance): Facts => ({ performance });

/** Data of the step `verify`, beside what it tells already. */
export const verificationFacts = (verification: Verification): Facts => ({ verification: boundVerification(verification) });

function recordVerdict({ version, error, durationMs, pins }: LockVerdict): RecordedVerdict {
  const without = pins.filter(({ verdict }) => verdict !== 'wheel');
  const told = new Set(without.slice(0, MOST.reasons));
  const others: RecordedVerdict['others'] = {};
  for (const pin of pins.slice(0, MOST.pins)) if (!told.has(pin)) (others[pin.verdict] ??= []).push(`${pin.project}==${pin.version}`);
  return { version, error, durationMs, pins: [...told].map(({ file: _file, hashes: _hashes, ...rest }) => ({ ...rest, why: oneLine(rest.why, MOST.line) })), others };
}

function readVerdict({ version, error, durationMs, pins, others }: RecordedVerdict, missing: string[]): LockVerdict {
  const rest = Object.entries(others).flatMap(([verdict, names]) => names.map((name): PinVerdict => {
    const [project, release] = name.split('==') as [string, string];
    return { project, version: release, verdict: verdict as PinVerdict['verdict'], file: null, why: '' };
  }));
  return { version, error, durationMs, missing, pins: [...pins.map((pin) => ({ ...pin, file: null })), ...rest] };
}

/** What entries tell beside how the run ended. */
function factsIn(entries: readonly AuditEntry[]): Partial<FallbackRecord> {
  const last = <T>(field: string): T | undefined => entries.findLast(({ data }) => data[field] !== undefined && data[field] !== null)?.data[field] as T | undefined;
  const all = <T>(field: string): T[] => entries.flatMap(({ data }) => (data[field] === undefined ? [] : [data[field] as T]));
  const told: { [K in keyof FallbackRecord]?: FallbackRecord[K] | undefined } = {
    hostClass: last<string>('hostClass'), plan: last<NonNullable<FallbackRecord['plan']>>('plan'), verification: last<Verification>('verification'), diagnosis: last<Diagnosis>('diagnosis'),
    performance: last<Performance>('performance'), recipients: last<string[]>('recipients'), builds: all<WheelBuild>('build'), proposals: all<RecordedProposal[]>('proposals').flat(), evidence: all<EvidenceRef[]>('evidence').flat(),
  };
  return Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0)));
}

/** The record with what only the trail knows: the ordered change has a history of its own. What the record says wins; evidence adds up. */
export function completeRecord(record: FallbackRecord, entries: readonly AuditEntry[]): FallbackRecord {
  const known = Object.entries(record).filter(([, value]) => value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0));
  const told = factsIn(entries);
  const digests = new Set(told.evidence?.map(({ sha256 }) => sha256));
  const evidence = [...(told.evidence ?? []), ...(record.evidence ?? []).filter(({ sha256 }) => !digests.has(sha256))];
  return { ...record, ...told, ...Object.fromEntries(known), evidence };
}

/** The record of an ended fallback from its run's entries, in their order; null before its end, or for a run of another kind. */
export function fallbackRecordFromEntries(entries: readonly AuditEntry[]): FallbackRecord | null {
  const opened = entries.find(({ event }) => event === 'run-started');
  const ended = entries.findLast(({ event, chain }) => event === 'outcome' && chain === opened?.chain);
  if (!opened || !ended || opened.kind !== 'fallback') return null;
  const decision = decisionIn(entries);
  const document = entries.findLast(({ data, chain }) => data['step'] === 'document' && chain === opened.chain);
  return {
    ...factsIn(entries),
    result: resultOf(entries, opened, ended),
    reason: opened.justification,
    requester: opened.actor,
    verdicts: verdictsIn(entries),
    decision: decision?.text ?? '',
    causes: decision?.causes ?? {},
    // The instant at which the documents on the host were made: the same report then and now.
    at: document ? String(document.data['startedAt']) : ended.at,
  };
}

/** The last one told with a judgement of the lock; else what the step said, as earlier versions recorded it. */
function decisionIn(entries: readonly AuditEntry[]): RecordedDecision | null {
  const told = entries.findLast(({ event }) => event === 'assessed')?.data['decision'];
  if (told) return told as RecordedDecision;
  const data = entries.findLast((entry) => entry.data['step'] === 'assess')?.data;
  const decision = data?.['decision'];
  if (data === undefined || decision === undefined || decision === 'refused') return null;
  return { decision: String(decision), text: String(data['fact']), causes: (data['causes'] ?? {}) as RecordedDecision['causes'] };
}

function resultOf(entries: readonly AuditEntry[], opened: AuditEntry, { data }: AuditEntry): FallbackRecord['result'] {
  const version = (field: string): string | null => (typeof data[field] === 'string' ? data[field] : null);
  return {
    run: opened.run, kind: opened.kind as RunKind, env: { host: opened.host, link: opened.link },
    outcome: data['outcome'] as Outcome, message: String(data['message'] ?? ''), from: version('from'), to: version('to'), planDigest: version('planDigest'),
    steps: stepsIn(entries).filter(({ step }) => step !== 'document'), objections: (data['objections'] ?? []) as Objection[],
  };
}

/** Every step of the run and of the change it ordered. */
export function stepsIn(entries: readonly AuditEntry[]): StepReport[] {
  return entries.filter(({ event }) => event === 'step-done' || event === 'step-failed').map(({ event, at, data }) => {
    const { step = 'step', fact = '', workMs = 0, startedAt = at, endedAt = at } = data as Partial<StepReport>;
    return { step, ok: event === 'step-done', fact, workMs, startedAt, endedAt };
  });
}

function verdictsIn(entries: readonly AuditEntry[]): LockVerdict[] {
  const assessed = entries.findLast(({ event }) => event === 'assessed');
  const missing = (assessed?.data['missing'] ?? {}) as Record<string, string[]>;
  // Absent in what earlier versions recorded.
  const recorded = (assessed?.data['verdicts'] ?? []) as RecordedVerdict[];
  return recorded.map((verdict) => readVerdict(verdict, missing[verdict.version] ?? []));
}
