/** The control worker's own copy of the policy: a run names a digest, never a content (decision 8). */
import { ApplicationFailure } from '@temporalio/common';
import { canonicalJson, digestOf } from '../../policy/canonical.js';
import { parsePolicy, type LoadedPolicy } from '../../policy/files/load.js';
import type { PolicyFile } from '../../policy/files/policy-file.js';
import type { SignedText } from '../../policy/model-approval.js';
import type { Objection } from '../../policy/model.js';
import { FAILURE } from '../../policy/names.js';
import { readSignedRevision, revisionProblem } from '../../policy/revision.js';
import { policyText } from '../../policy/signed-texts.js';
import { judgeSignatureSync } from '../ssh-keygen.js';
import { openPolicyFolder, readIfThere, type PolicyFolder } from './policy-files.js';

export interface PolicyStore {
  /** The policy in force. Where it wants its revisions signed, an unsigned one does not come into force: see `problem`. */
  current(): LoadedPolicy;
  /** Why what stands in the policy file is not in force; null: it is. */
  problem(): Objection | null;
  /** A policy that was in force when a run began; refuses digests never seen here. */
  pinned(digest: string): PolicyFile;
  /** Whether a digest is of the policy in force, also as an earlier release wrote it, without fields that came later. */
  isCurrent(digest: string): boolean;
  /** A policy as it was signed; null: nobody signed it. `content`: canonical JSON whose sha256 is the digest. */
  signedRevision(digest: string): { content: string; revision: string; replaces: string | null; signatures: SignedText[] } | null;
}

/** What was found about a revision counts this long: keys begin and end, and ssh-keygen comes back. */
const JUDGED_FOR_MS = 10_000;

/** Keeps every policy it saw in force, by digest, so that open runs keep theirs. `now`: for keys that begin or end. */
export function openPolicyStore(file: string, keepIn: string, now: () => Date = () => new Date()): PolicyStore {
  const folder = openPolicyFolder(keepIn);
  const look = reader(file, folder, now);
  const current = (): LoadedPolicy => look().policy;
  const pinned = (digest: string): PolicyFile => {
    // What stands in the file is kept by looking at it.
    const found = folder.kept(digest) ?? (current().digest === digest ? current() : null);
    if (found) return found.policy;
    const { policy, problem } = look();
    throw ApplicationFailure.nonRetryable(`unknown policy digest ${digest.slice(0, 12)}: the control worker's policy is ${policy.digest.slice(0, 12)}; ${problem ? `${problem.what}: expected ${problem.expected}, got ${problem.got}` : 'runbook policy show prints it'}`, FAILURE.PolicyUnknown);
  };
  return {
    current,
    problem: () => look().problem,
    pinned,
    isCurrent(digest) {
      const inForce = current();
      const kept = digest === inForce.digest ? inForce : folder.kept(digest);
      return kept !== null && (kept === inForce || digestOf(kept.policy) === digestOf(inForce.policy));
    },
    signedRevision(digest) {
      look();
      const kept = folder.kept(digest);
      const signed = folder.signatures(digest);
      if (!kept || !signed) return null;
      const { revision, replaces } = signed;
      // Of a draft, or of nobody's making: whoever reads them wants one text under all.
      const signatures = signed.signatures.filter(({ text }) => text === policyText(revision, digest, replaces));
      return signatures.length === 0 ? null : { content: canonicalJson(kept.raw), revision, replaces, signatures };
    },
  };
}

interface InForce {
  policy: LoadedPolicy;
  problem: Objection | null;
}

/** Reads the file anew at every question; what it may not replace stays in force. */
function reader(file: string, folder: PolicyFolder, now: () => Date): () => InForce {
  let judged: { key: string; until: number; problem: Objection | null } | null = null;

  const take = (policy: LoadedPolicy): InForce => {
    if (folder.marked() !== policy.digest || !folder.kept(policy.digest)) {
      folder.keep(policy.digest, policy.policy);
      folder.mark(policy.digest);
    }
    const signed = readSignedRevision(readIfThere(`${file}.signatures`));
    if (signed?.digest === policy.digest && signed.revision === policy.policy.header.version) folder.keepSignatures(signed);
    return { policy, problem: null };
  };

  const problemOf = (before: LoadedPolicy, after: LoadedPolicy): Objection | null => {
    const text = readIfThere(`${file}.signatures`);
    const key = digestOf([before.digest, after.digest, text]);
    if (judged?.key !== key || judged.until <= now().getTime()) judged = { key, until: now().getTime() + JUDGED_FOR_MS, problem: judge(before, after, text, now().toISOString()) };
    return judged.problem;
  };

  return () => {
    const loaded = parsePolicy(readIfThere(file), file);
    const before = inForce(folder);
    if (!before?.policy.policyRevision.signed) {
      if ('objections' in loaded) throw ApplicationFailure.retryable(`the policy ${file} can't be read: ${loaded.objections[0]!.got}`, FAILURE.PolicyUnknown);
      return take(loaded);
    }
    if ('objections' in loaded) return { policy: before, problem: loaded.objections[0]! };
    // The second: the same policy, with fields that this release added.
    if (loaded.digest === before.digest || loaded.digest === digestOf(before.policy)) return take(loaded);
    const problem = problemOf(before, loaded);
    return problem ? { policy: before, problem } : take(loaded);
  };
}

/** Never falls back to what stands in the file: whoever could damage the folder could then put any policy into force. */
function inForce(folder: PolicyFolder): LoadedPolicy | null {
  const digest = folder.marked();
  if (digest === null) return null;
  const kept = folder.kept(digest);
  if (kept) return { policy: kept.policy, digest };
  throw ApplicationFailure.retryable(`the policy in force, ${digest.slice(0, 12)}, is not among the policies kept any more: restore the folder of policies from a backup`, FAILURE.PolicyUnknown);
}

function judge(before: LoadedPolicy, after: LoadedPolicy, text: string, t: string): Objection | null {
  const signed = readSignedRevision(text);
  try {
    const verdicts = (signed?.signatures ?? []).map((it) => judgeSignatureSync({ signers: before.policy, namespace: 'runbook.policy', ...it, t }));
    return revisionProblem({ before, after, signed, verdicts, t });
  } catch (error) {
    if (!(error instanceof ApplicationFailure)) throw error;
    return { what: `policy revision ${after.policy.header.version}`, expected: 'signatures that can be judged', got: error.message, wayOut: 'runbook doctor; it is tried again' };
  }
}
