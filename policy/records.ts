/** The audit trail: what one entry says, and how entries are chained so that none can change unnoticed. */
import { canonicalJson, sha256Hex } from './canonical.js';
import type { Objection } from './model.js';

/** Everything an entry can be about. Closed: another event is a change of this list. */
export const AUDIT_EVENTS = {
  'run-started': 'a run began; data: kind, requester, parent?, to?, policyDigest?, approval?',
  planned: 'the plan was made; data: from, to, planDigest, end?',
  phase: 'the run moved on; data: phase, message, waitsFor?',
  assessed: 'the lock was judged; data: python, tools, missing by interpreter, decision',
  'step-done': 'a step did its work; data: the step report',
  'step-failed': 'a step failed; data: the step report',
  'fallback-activated': 'wheels for the primary are missing and the fallback begins; data: from, to, affected',
  aborted: 'somebody asked to stop and undo; actor says who',
  undo: 'an environment went back to its undo target; data: from, to, of?, verified',
  outcome: 'the run ended; data: outcome, message, from, to, report?, steps?',
  unsettled: 'the holder of a lease ended after the switch without closing; a person decides',
  'lease-freed': 'the holder of a lease ended before the switch; its attempt was removed',
  settle: 'a person decided about an unsettled environment; data: decision (keep or undo)',
  'check-in': 'an agent said that it is there',
  changed: 'an agent saw an environment change outside any run',
  'host-unreachable': 'an agent missed its heartbeat',
  'host-back': 'an unreachable agent checked in again',
  'approval-asked': 'a decision was opened; data: request, purpose, facts, rules, deadline, asked? (SignedText of the requester)',
  vote: 'a vote was counted; data: request, vote (CountedVote), message',
  'vote-refused': 'a vote was not counted; data: request, vote (RefusedVote)',
  decided: 'a decision ended; data: request, purpose, outcome, message, by (people), decidedAt',
  overdue: 'a board did not convene in time; data: request, role, by',
  notified: 'somebody was told; data: event, role, channels',
  undelivered: 'nobody could be told; data: event, roles, problem',
  granted: 'an exception was granted; data: hours, grantedAt, expiresAt, from, to',
  'root-cause': 'the root cause of an exception was handed in; data: by, sha256, signed',
  evidence: 'a document was handed in for a step of a review; data: step, name, sha256, by',
  rehearsed: 'the way back of an exception was proven again; data: ok, problem, version, role',
  'made-permanent': 'an exception became permanent; data: review, from, to',
  'host-accepted': "a host's key was accepted; data: key, fingerprint",
  reminder: 'a date of the policy comes near; data: what, on',
  health: 'the health of an environment changed, as its host judged it by itself; data: HealthState',
  'foreign-interpreter': 'interpreters that no policy approves are in use on a host; data: foreign (ForeignInterpreter[])',
  'warnings-accepted': 'a person accepted the warnings of a gate; data: digest, by, text, signature, document',
  'preflight-signed': 'a person signed off a manual preflight; data: digest, by, text, signature, document',
} as const;

export type AuditEvent = keyof typeof AUDIT_EVENTS;

/** Events about a host rather than a run: `run` and `link` may be empty in them. */
const HOST_EVENTS: ReadonlySet<AuditEvent> = new Set<AuditEvent>(['check-in', 'changed', 'host-unreachable', 'host-back', 'host-accepted', 'reminder', 'health', 'foreign-interpreter', 'warnings-accepted', 'preflight-signed']);

/** Events that change an interpreter or decide about it: these need a justification (AU-01). */
const CHANGE_EVENTS: ReadonlySet<AuditEvent> = new Set<AuditEvent>(['run-started', 'fallback-activated', 'aborted', 'undo', 'outcome', 'settle', 'approval-asked', 'granted', 'made-permanent', 'host-accepted', 'warnings-accepted', 'preflight-signed']);

/** Step at which the interpreter under the link changes; its `step-done` needs a justification too. */
export const SWITCH_STEP = 'switch';

export interface AuditEntry {
  /** Idempotency: one key, one entry, however often it is sent. By custom `CHAIN/NUMBER`. */
  key: string;
  /** Short id of the run (`fb-7k2m`); empty for news of a host. */
  run: string;
  /** Kind of the run, or `host` for news of a host. */
  kind: string;
  event: AuditEvent;
  /** ISO instant, UTC, milliseconds: workflow time. */
  at: string;
  workflowId: string;
  /** Execution. */
  runId: string;
  /** First execution run id: the same over continue-as-new. */
  chain: string;
  /** Who: a person, or the part that acted (`policy`, `agent`). */
  actor: string;
  host: string;
  /** The environment's link path; empty for news of a host. */
  link: string;
  /** Why, in the words of whoever asked. */
  justification: string;
  /** Facts of the event as plain JSON; `AUDIT_EVENTS` names the ones the run table is made from. */
  data: Record<string, unknown>;
}

/** Evidence an entry rests on: `data.evidence` is a list of these. */
export interface EvidenceRef {
  /** What it is, for people: `tests`, `plan`. */
  name: string;
  /** Hex, over the UTF-8 bytes. */
  sha256: string;
  bytes: number;
  /** true: the records keep the text; false: it stays at `where`. */
  kept: boolean;
  /** `HOST:PATH`, or `records`. */
  where: string;
}

/** Where a trail ends: enough to find a rewritten or shortened one later. */
export interface Head {
  seq: number;
  /** Hex. */
  hash: string;
}

/** One entry as the chain sees it: `body` is the entry's canonical JSON, byte for byte. */
export interface ChainLink extends Head {
  previous: string;
  body: string;
}

/** One entry as readers see it. */
export interface StoredEntry extends Head {
  previous: string;
  entry: AuditEntry;
}

/** Head of an empty trail. */
export const EMPTY_HEAD: Head = { seq: 0, hash: '0'.repeat(64) };

/** Longest canonical entry, in UTF-16 units (256 Ki); what is longer is evidence and goes in by digest. */
export const MAX_ENTRY_LENGTH = 256 * 1024;

/** sha256 over the canonical JSON of `{entry, previous, seq}`, put together from the entry's own canonical text. */
export function linkHash(seq: number, previous: string, body: string): string {
  return sha256Hex(`{"entry":${body},"previous":${canonicalJson(previous)},"seq":${canonicalJson(seq)}}`);
}

/** The link that follows `head`. @throws TypeError when the entry can't be written as JSON. */
export function nextLink(head: Head, entry: AuditEntry): ChainLink {
  const body = canonicalJson(entry);
  const seq = head.seq + 1;
  return { seq, previous: head.hash, hash: linkHash(seq, head.hash, body), body };
}

export const toStored = (link: ChainLink): StoredEntry => ({ seq: link.seq, previous: link.previous, hash: link.hash, entry: JSON.parse(link.body) as AuditEntry });

/** An exported entry back in the chain's form, for verifying a file somebody was given. */
export const toLink = (stored: StoredEntry): ChainLink => ({ seq: stored.seq, previous: stored.previous, hash: stored.hash, body: canonicalJson(stored.entry) });

/** What makes an entry unfit for the trail, or null (AU-01: a change has a justification; AU-12: run, actor, host, time). */
export function entryProblem(entry: AuditEntry): Objection | null {
  const refuse = (what: string, expected: string, got: unknown, wayOut: string): Objection => ({ what: `audit entry ${entry.key || 'without a key'}, ${what}`, expected, got: show(got), wayOut });
  if (!Object.hasOwn(AUDIT_EVENTS, entry.event)) return refuse('event', Object.keys(AUDIT_EVENTS).join(', '), entry.event, 'use one of these, or add the event to AUDIT_EVENTS');
  const aboutHost = HOST_EVENTS.has(entry.event);
  for (const field of ['key', 'run', 'kind', 'workflowId', 'runId', 'chain', 'actor', 'host', 'link'] as const) {
    const mayBeEmpty = aboutHost && (field === 'run' || field === 'link');
    const fit = typeof entry[field] === 'string' && (mayBeEmpty || entry[field].trim() !== '') && !/[\0-\x1f\x7f]/.test(entry[field]);
    if (!fit) return refuse(field, 'text without control characters', entry[field], `say ${field} for every entry`);
  }
  if (!isInstant(entry.at)) return refuse('at', 'an instant like 2025-11-22T11:32:08.000Z', entry.at, 'use toISOString() of the workflow time');
  const isChange = CHANGE_EVENTS.has(entry.event) || (entry.event === 'step-done' && entry.data?.['step'] === SWITCH_STEP);
  if (typeof entry.justification !== 'string' || (isChange && entry.justification.trim() === '')) {
    return refuse('justification', `why ${entry.event} was done`, entry.justification, 'carry the requester\'s --reason into the entry');
  }
  if (typeof entry.data !== 'object' || entry.data === null || Array.isArray(entry.data)) return refuse('data', 'an object of facts', entry.data, 'use {} for none');
  return null;
}

function isInstant(text: unknown): boolean {
  if (typeof text !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text)) return false;
  const parsed = new Date(text);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString() === text;
}

const show = (value: unknown): string => (value === '' ? 'nothing' : String(typeof value === 'string' ? JSON.stringify(value) : value));
