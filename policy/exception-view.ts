/** An exception as its entries tell it: the clock of its row (EE-12), and how it ended. */
import type { AuditEntry } from './records.js';

/** The way back from an exception, by its own run or by its host alone. */
export interface Reverted {
  /** When the records were told. */
  at: string;
  /** Version that stands now; null: no environment, or not known. */
  to: string | null;
  /** False: tried, and not proven. */
  verified: boolean;
  by: 'run' | 'host';
  /** Empty when verified. */
  problem: string;
}

/** ISO instants; null: not yet, or nobody told. */
export interface ExceptionView {
  ground: string | null;
  hours: number | null;
  declaredAt: string;
  conveneBy: string | null;
  convenedAt: string | null;
  /** When it was told that the board did not convene in time. */
  overdueAt: string | null;
  grantedAt: string | null;
  grantedBy: string[];
  expiresAt: string | null;
  rootCause: { by: string; at: string; sha256: string } | null;
  /** The newest rehearsal of the way back. */
  rehearsed: { at: string; ok: boolean; problem: string } | null;
  /** Run of the final review that made it permanent. */
  permanentBy: string | null;
  permanentAt: string | null;
  reverted: Reverted | null;
}

export const declaredAt = (at: string): ExceptionView => ({
  ground: null, hours: null, declaredAt: at, conveneBy: null, convenedAt: null, overdueAt: null, grantedAt: null, grantedBy: [], expiresAt: null,
  rootCause: null, rehearsed: null, permanentBy: null, permanentAt: null, reverted: null,
});

/** Its clock after one more entry. */
export function foldException(clock: ExceptionView, entry: AuditEntry): ExceptionView {
  const { event, at, data } = entry;
  const text = (field: string): string | null => (typeof data[field] === 'string' ? data[field] : null);
  switch (event) {
    case 'step-done':
    case 'step-failed':
      return data['step'] === 'declare' ? { ...clock, ground: text('ground') ?? clock.ground, hours: numberOf(data['hours']) ?? clock.hours } : clock;
    case 'approval-asked':
      return data['purpose'] === 'grant' ? asked(clock, data) : clock;
    case 'vote':
      return convened(clock, data['vote'] as { t?: string } | undefined);
    case 'decided':
      return data['purpose'] === 'grant' && data['outcome'] === 'approved' ? { ...clock, grantedBy: approvers(data['by']) } : clock;
    case 'overdue':
      return { ...clock, overdueAt: at, conveneBy: text('by') ?? clock.conveneBy };
    case 'granted':
      return { ...clock, hours: numberOf(data['hours']) ?? clock.hours, grantedAt: text('grantedAt') ?? at, expiresAt: text('expiresAt') };
    case 'root-cause':
      return { ...clock, rootCause: { by: text('by') ?? entry.actor, at, sha256: text('sha256') ?? '' } };
    case 'rehearsed':
      return { ...clock, rehearsed: { at, ok: data['ok'] === true, problem: text('problem') ?? '' } };
    case 'made-permanent':
      return { ...clock, permanentAt: at, permanentBy: text('review') };
    case 'undo':
      return reverted(clock, entry);
    default:
      return clock;
  }
}

function asked(clock: ExceptionView, data: AuditEntry['data']): ExceptionView {
  const { hours } = (data['facts'] ?? {}) as { hours?: unknown };
  const { by } = (data['convene'] ?? {}) as { by?: unknown };
  return { ...clock, hours: clock.hours ?? numberOf(hours), conveneBy: typeof by === 'string' ? by : clock.conveneBy };
}

/** People of `alice: approve`, in order. */
const approvers = (by: unknown): string[] => (Array.isArray(by) ? by.map(String).filter((one) => one.endsWith(': approve')).map((one) => one.slice(0, -': approve'.length)) : []);

/** EE-04: the board has convened with its first counted vote. Only boards vote before the grant. */
function convened(clock: ExceptionView, vote: { t?: string } | undefined): ExceptionView {
  return clock.convenedAt !== null || clock.grantedAt !== null || typeof vote?.t !== 'string' ? clock : { ...clock, convenedAt: vote.t };
}

/** The first verified way back stays; what was tried before it is told by the newest. */
function reverted(clock: ExceptionView, entry: AuditEntry): ExceptionView {
  const { at, data } = entry;
  if (clock.reverted?.verified || !isRevert(entry)) return clock;
  const isVerified = data['verified'] !== false;
  return { ...clock, reverted: { at, to: typeof data['to'] === 'string' ? data['to'] : null, verified: isVerified, by: isByHost(entry) ? 'host' : 'run', problem: isVerified ? '' : String(data['problem'] ?? '') } };
}

/** An undo of what stood, not of an attempt of its own: a change undoes itself under its own chain. */
const isRevert = ({ chain, data }: AuditEntry): boolean => typeof data['of'] === 'string' && data['of'] !== chain;

/** The host went back by itself, because an end had come; its watch told so. */
export const isByHost = ({ event, data }: AuditEntry): boolean => event === 'undo' && data['by'] === 'host';

const numberOf = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null);

/** What a host says about a change whose end came. */
export interface ExpiredChange {
  link: string;
  run: string;
  chain: string;
  end: string;
  verified: boolean;
  version: string | null;
  problem: string;
}

/**
 * The entry about a change that a host took back by itself, made from the entry of its watch about the same news. One entry a change
 * and news: what is told again says so under another key.
 */
export function expiredEntry(news: AuditEntry, { link, run, chain, end, verified, version, problem }: ExpiredChange): AuditEntry {
  return {
    ...news, key: `${news.key}/expired/${chain}`, run, kind: 'exception', event: 'undo', link, justification: `its end came: ${end}`,
    data: { to: version, of: chain, verified, problem, end, by: 'host' },
  };
}
