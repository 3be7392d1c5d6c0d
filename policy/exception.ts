/** EE-01 to EE-06: what no board may grant, and how the grants of one environment add up. */
import type { PolicyFile } from './files/policy-file.js';
import { EXCEPTION_GROUNDS } from './model-approval.js';
import type { ChangeRequest, Objection } from './model.js';
import type { AuditEntry } from './records.js';
import { isFinal, parsePythonVersion, type PythonVersion } from './versions.js';

/** The documents' figure: a policy may ask for less, never for more (EE-05). */
export const MAX_EXCEPTION_HOURS = 72;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** One exception that was granted for an environment, as the records tell it. */
export interface Grant {
  /** Short id. */
  run: string;
  chain: string;
  /** As granted. */
  hours: number;
  grantedAt: string;
  expiresAt: string;
  /** When it was over: made permanent, gone back, given up. null: nobody has told, whatever the clock says. */
  endedAt: string | null;
}

/** Reads a `granted` entry. Facts that are missing are taken at their longest. */
export function grantOf({ run, chain, at, data }: AuditEntry, endedAt: string | null): Grant {
  const text = (field: string): string | null => (typeof data[field] === 'string' && !Number.isNaN(Date.parse(data[field])) ? data[field] : null);
  const hours = typeof data['hours'] === 'number' && data['hours'] > 0 ? data['hours'] : MAX_EXCEPTION_HOURS;
  const grantedAt = text('grantedAt') ?? at;
  return { run, chain, hours, grantedAt, expiresAt: text('expiresAt') ?? new Date(Date.parse(grantedAt) + hours * HOUR_MS).toISOString(), endedAt };
}

/**
 * Hours of a grant that count: all that were granted while it is not over, and afterwards the time from its grant to its end.
 * What was given back early permitted nothing.
 */
export function countedHours({ hours, grantedAt, endedAt }: Grant): number {
  return endedAt === null ? hours : Math.max(0, Date.parse(endedAt) - Date.parse(grantedAt)) / HOUR_MS;
}

/**
 * EE-06. Grants that overlap, or follow each other with less than `restDays` from the end of one to the grant of the next, are
 * one exception that goes on: they count together, back from `t`, where the next one is asked for. A longer rest ends the row.
 * @returns the row's hours, its grants newest first, and when the rest is over (null: there is no row)
 */
export function rowOfGrants(grants: readonly Grant[], t: string, restDays: number): { hours: number; grants: Grant[]; restUntil: string | null } {
  const over = (grant: Grant): number => Date.parse(grant.endedAt ?? grant.expiresAt);
  const newestFirst = [...grants].sort((a, b) => over(b) - over(a));
  const row: Grant[] = [];
  let since = Date.parse(t);
  for (const grant of newestFirst) {
    if (since - over(grant) >= restDays * DAY_MS && over(grant) <= since) break;
    row.push(grant);
    since = Math.min(since, Date.parse(grant.grantedAt));
  }
  const hours = row.reduce((sum, grant) => sum + countedHours(grant), 0);
  return { hours, grants: row, restUntil: row.length === 0 ? null : new Date(over(row[0]!) + restDays * DAY_MS).toISOString() };
}

/** The newest grant of an environment that is not over; null: it stands under none. */
export const unfinishedGrant = (grants: readonly Grant[]): Grant | null => grants.filter((grant) => grant.endedAt === null).at(-1) ?? null;

/** EE-01, EE-05, EE-06, DIS-04: what of the request itself no board may grant. */
export function exceptionObjections({ ground, hours, to }: ChangeRequest, policy: PolicyFile): Objection[] {
  return [groundObjection(ground), hoursObjection(hours, policy.timers.exceptionHours), versionObjection(to, policy)].filter((it) => it !== null);
}

function groundObjection(ground: string | undefined): Objection | null {
  if (EXCEPTION_GROUNDS.some((known) => known === ground)) return null;
  return { what: 'the ground of the exception', expected: `one of ${EXCEPTION_GROUNDS.join(', ')}`, got: ground ?? 'none', wayOut: 'name it with --ground; for anything else: runbook run interpreter-change' };
}

function hoursObjection(hours: number | undefined, limit: number): Objection | null {
  const most = Math.min(limit, MAX_EXCEPTION_HOURS);
  if (hours !== undefined && Number.isFinite(hours) && hours > 0 && hours <= most) return null;
  return { what: 'the hours of the exception', expected: `more than 0, at most ${most}`, got: hours === undefined ? 'none' : String(hours), wayOut: `name them with --hours; what is needed for longer than ${most} hours is an interpreter-change` };
}

/** A version an exception can name: one exact final release, not below the policy's minimum; else why not. */
export function versionObjection(to: string | null, policy: Pick<PolicyFile, 'minimum'>): Objection | null {
  const version = to === null ? null : parsePythonVersion(to);
  if (version === null || !isFinal(version)) {
    return { what: 'the version of the exception', expected: 'one exact final version like 3.13.1', got: to ?? 'none', wayOut: 'name it with --to; a line or a pre-release is no exact version' };
  }
  if (!isBelow(version, policy.minimum)) return null;
  return { what: `Python ${to}`, expected: `${policy.minimum} or newer, the policy's minimum`, got: to!, wayOut: 'name a newer version with --to: nothing below the minimum is allowed, by no exception either' };
}

/** Whether a version's line is older than `minimum` (`3.11`). */
export function isBelow(version: Pick<PythonVersion, 'major' | 'minor'>, minimum: string): boolean {
  const [major, minor] = minimum.split('.').map(Number);
  return version.major < major! || (version.major === major && version.minor < minor!);
}

/** EE-06: what earlier grants of this environment leave no room for. */
export function repeatObjections(grants: readonly Grant[], hours: number, t: string, policy: PolicyFile): Objection[] {
  const open = unfinishedGrant(grants);
  if (open !== null) return [unfinishedObjection(open, t)];
  const row = rowOfGrants(grants, t, policy.exception.restDays);
  const most = Math.min(policy.timers.exceptionHours, MAX_EXCEPTION_HOURS);
  if (row.hours + hours <= most || row.restUntil === null) return [];
  const left = Math.floor(most - row.hours);
  const ask = left > 0 ? `ask for ${left} hours at most, or wait` : 'wait';
  return [{
    what: 'the hours of the exception',
    expected: `at most ${most} together with earlier grants of this environment less than ${policy.exception.restDays} days apart`,
    got: `${hours} asked for, and ${row.grants.map((grant) => `${inHours(countedHours(grant))} of ${grant.run}`).join(', ')}`,
    wayOut: `${ask} until ${row.restUntil}; what is needed for longer is an interpreter-change`,
  }];
}

/** Another exception holds the environment. */
export function unfinishedObjection({ run, expiresAt }: Grant, t: string): Objection {
  const due = t < expiresAt;
  return {
    what: `the exception ${run} of this environment`,
    expected: 'none, or one that is over',
    got: due ? `one that lasts until ${expiresAt}` : `one whose end was ${expiresAt} and whose way back nobody has told yet`,
    wayOut: due ? `runbook show ${run}; it can be ended before: runbook abort ${run} --reason …` : `runbook show ${run} says what it waits for; runbook undo goes back by hand`,
  };
}

const inHours = (hours: number): string => `${Math.round(hours * 10) / 10} h`;
