/** Building the request of a run from the words of a command. */
import type { Command } from 'commander';
import type { PolicyFile } from '../../policy/files/policy-file.js';
import { EXCEPTION_GROUNDS, type ExceptionGround } from '../../policy/model-approval.js';
import type { ChangeRequest, EnvironmentRef, RunKind } from '../../policy/model.js';
import { readPolicy } from './files.js';
import type { Instance } from './instance.js';
import { refusal } from './io.js';
import { newRunIds } from './runs.js';

export const STARTABLE = ['change', 'fallback', 'exception'] as const;
export type Startable = (typeof STARTABLE)[number];

export interface ChangeWords {
  to?: string;
  reason?: string;
  create?: boolean;
  /** Of an exception, as typed. */
  hours?: string;
  ground?: string;
}

/** Refuses unknown kinds, specs that are no version, and changes without a reason (AU-01) before anything starts. */
export function changeRequest(instance: Instance, kind: Startable, env: EnvironmentRef, words: ChangeWords): { request: ChangeRequest; workflowId: string } {
  const { policy, digest } = readPolicy(instance.paths);
  const { run, workflowId } = newRunIds(kind, env);
  const request: ChangeRequest = {
    run,
    kind,
    env,
    to: words.to === undefined ? null : readVersion(words.to),
    reason: words.reason ?? defaultReason(kind),
    requester: instance.requester,
    policyDigest: digest,
    planDigest: null,
    create: words.create ?? false,
    assessImports: policy.fallback.assessImports,
    ...exceptionTerms(kind, words, policy),
  };
  return { request, workflowId };
}

/** Options of an exception, which other kinds refuse. */
export const exceptionOptions = (command: Command): Command =>
  command.option('--hours <number>', 'exception: its life from the grant; default: the most the policy allows').option('--ground <ground>', `exception: ${EXCEPTION_GROUNDS.join(', ')}`);

/** EE-01, EE-05: ground and hours of an exception, which nothing else has. */
function exceptionTerms(kind: Startable, { to, reason, hours, ground }: ChangeWords, policy: PolicyFile): { hours?: number; ground?: ExceptionGround } {
  const wayOut = 'runbook run exception HOST:PATH --to 3.13.9 --hours 24 --ground security-vulnerability --reason CVE-…';
  const refuse = (what: string, expected: string, got: string): Error => refusal([{ what, expected, got, wayOut }]);
  if (kind !== 'exception') {
    const extra = hours !== undefined ? '--hours' : ground !== undefined ? '--ground' : null;
    if (extra !== null) throw refuse(`${extra} for kind ${kind}`, 'it with kind exception only', kind);
    return {};
  }
  if (to === undefined) throw refuse('--to', 'the exact version of the exception', 'none');
  if (reason === undefined || reason.trim() === '') throw refuse('--reason', 'why the exception is needed', 'none');
  const found = EXCEPTION_GROUNDS.find((known) => known === ground);
  if (!found) throw refuse('--ground', EXCEPTION_GROUNDS.join(', '), ground ?? 'none');
  const most = policy.timers.exceptionHours;
  const wanted = hours === undefined ? most : Number(hours);
  if (!(wanted > 0 && wanted <= most)) throw refuse('--hours', `more than 0, at most ${most} (timers.exceptionHours)`, hours ?? 'none');
  return { hours: wanted, ground: found };
}

/** A plan's digest, or enough of it; refuses what can't be one. */
export function readDigest(raw: string | undefined, wayOut: string): void {
  if (raw === undefined || /^[0-9a-f]{8,64}$/.test(raw)) return;
  throw refusal([{ what: '--plan', expected: '8 to 64 hexadecimal characters of a plan digest', got: raw, wayOut }]);
}

/** The kind of a command line, or a refusal that lists what there is. */
export function readKind(raw: string): Startable {
  const kind = STARTABLE.find((known) => known === raw);
  if (kind) return kind;
  throw refusal([{ what: `kind ${JSON.stringify(raw)}`, expected: `${STARTABLE.join(', ')} or interpreter-change`, got: raw, wayOut: 'runbook run change PATH' }]);
}

/** A version or a line of versions, as `flag` takes it. */
export function readVersion(raw: string, flag = '--to'): string {
  if (/^\d+\.\d+(\.(x|\d+((a|b|rc)\d+)?))?$/.test(raw)) return raw;
  throw refusal([{ what: `${flag} ${JSON.stringify(raw)}`, expected: 'a version like 3.12, 3.12.x or 3.11.13', got: raw, wayOut: 'runbook policy versions lists what is approved' }]);
}

const defaultReason = (kind: RunKind): string => (kind === 'fallback' ? 'wheels missing for the primary interpreter' : 'change asked for by hand');
