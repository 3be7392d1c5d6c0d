/** Building the request of a run from the words of a command. */
import type { ChangeRequest, EnvironmentRef, RunKind } from '../../policy/model.js';
import { readPolicy } from './files.js';
import type { Instance } from './instance.js';
import { refusal } from './io.js';
import { newRunIds } from './runs.js';

export const STARTABLE = ['change', 'fallback'] as const;
export type Startable = (typeof STARTABLE)[number];

export interface ChangeWords {
  to?: string;
  reason?: string;
  create?: boolean;
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
  };
  return { request, workflowId };
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
  throw refusal([{ what: `kind ${JSON.stringify(raw)}`, expected: STARTABLE.join(' or '), got: raw, wayOut: 'runbook run change PATH' }]);
}

function readVersion(raw: string): string {
  if (/^\d+\.\d+(\.(x|\d+((a|b|rc)\d+)?))?$/.test(raw)) return raw;
  throw refusal([{ what: `--to ${JSON.stringify(raw)}`, expected: 'a version like 3.12, 3.12.x or 3.11.13', got: raw, wayOut: 'runbook policy versions lists what is approved' }]);
}

const defaultReason = (kind: RunKind): string => (kind === 'fallback' ? 'wheels missing for the primary interpreter' : 'change asked for by hand');
