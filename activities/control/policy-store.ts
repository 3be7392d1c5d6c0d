/** The control worker's own copy of the policy: a run names a digest, never a content (decision 8). */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { digestOf } from '../../policy/canonical.js';
import { parsePolicy, type LoadedPolicy } from '../../policy/files/load.js';
import type { PolicyFile } from '../../policy/files/policy-file.js';
import { FAILURE } from '../../policy/names.js';

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

export interface PolicyStore {
  /** The policy in force. */
  current(): LoadedPolicy;
  /** A policy that was in force when a run began; refuses digests never seen here. */
  pinned(digest: string): PolicyFile;
}

/** Keeps every policy it saw in force, by digest, so that open runs keep theirs. */
export function openPolicyStore(file: string, keepIn: string): PolicyStore {
  mkdirSync(keepIn, { recursive: true, mode: 0o700 });
  const current = (): LoadedPolicy => {
    const loaded = parsePolicy(readIfThere(file), file);
    if ('objections' in loaded) throw ApplicationFailure.retryable(`the policy ${file} can't be read: ${loaded.objections[0]!.got}`, FAILURE.PolicyUnknown);
    writeFileSync(path.join(keepIn, `${loaded.digest}.json`), JSON.stringify(loaded.policy));
    return loaded;
  };
  const pinned = (digest: string): PolicyFile => {
    const now = current();
    if (now.digest === digest) return now.policy;
    const kept = /^[0-9a-f]{64}$/.test(digest) ? readIfThere(path.join(keepIn, `${digest}.json`)) : '';
    const policy = JSON.parse(kept || '{}') as PolicyFile;
    if (digestOf(policy) !== digest) throw ApplicationFailure.nonRetryable(`unknown policy digest ${digest.slice(0, 12)}: the control worker's policy is ${now.digest.slice(0, 12)}; runbook policy show prints it`, FAILURE.PolicyUnknown);
    return policy;
  };
  return { current, pinned };
}
