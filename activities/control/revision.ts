/** AP-07, AP-11: whether the policy in force is a newer revision than the one a review began under, signed, and approves what was reviewed. */
import { classOf, type LoadedPolicy } from '../../policy/files/load.js';
import type { PolicyFile } from '../../policy/files/policy-file.js';
import { approves } from '../../policy/review-request.js';
import { compareRevisions, revisionProblem } from '../../policy/revision.js';
import { judgeSignature } from '../ssh-keygen.js';
import type { ApprovalActivities } from './contract-approval.js';
import type { PolicyStore } from './policy-store.js';

/** What of the policy store is asked. */
export type RevisionStore = Pick<PolicyStore, 'current' | 'pinned' | 'signedRevision'>;

type Judged = Awaited<ReturnType<ApprovalActivities['checkRevision']>>;

/** `ok` with a `problem`: it counts, and that is to be said. `t`: ISO. @throws ApplicationFailure SignaturesUnavailable, PolicyUnknown */
export async function judgeRevision(policies: RevisionStore, { policyDigest, to, host }: Parameters<ApprovalActivities['checkRevision']>[0], t: string): Promise<Judged> {
  const after = policies.current();
  const before = policies.pinned(policyDigest);
  const revision = after.policy.header.version;
  const said = (ok: boolean, problem: string): Judged => ({ ok, problem, revision, digest: after.digest });
  const old = notNewer(before, after, policyDigest) ?? notApproved(after.policy, to, host);
  if (old !== null) return said(false, old);
  const unsigned = await signatureProblem(policies, after, t);
  if (unsigned === null) return said(true, '');
  // A revision can't waive on its own that revisions are signed.
  const mustBe = after.policy.policyRevision.signed || before.policyRevision.signed;
  return mustBe ? said(false, `revision ${revision} ${unsigned}: runbook policy sign`) : said(true, `revision ${revision} ${unsigned}; the policy does not ask for it`);
}

function notNewer(before: PolicyFile, { policy, digest }: LoadedPolicy, policyDigest: string): string | null {
  const [old, now] = [before.header.version, policy.header.version];
  if (digest === policyDigest) return `the policy in force is still revision ${old}, with which the review began`;
  const order = compareRevisions(old, now);
  return order !== null && order < 0 ? null : `the policy in force has other content, and its header.version is ${now}: expected dotted numbers above ${old}`;
}

function notApproved(policy: PolicyFile, to: string, host: string): string | null {
  if (approves(policy, to, classOf(policy, host).rules.allowPreReleases)) return null;
  const { interpreters, header } = policy;
  return `revision ${header.version} does not approve ${to}: it approves ${interpreters.primary.version} and ${interpreters.fallback.version}`;
}

/** Why its signatures are not those that the revision it replaced asked for; null: they are. */
async function signatureProblem(policies: RevisionStore, after: LoadedPolicy, t: string): Promise<string | null> {
  const signed = policies.signedRevision(after.digest);
  if (!signed) return 'is not signed';
  const before = signed.replaces === null ? null : knownPolicy(policies, signed.replaces);
  if (before === null) return 'is signed as one that replaces no revision that was in force here';
  const verdicts = await Promise.all(signed.signatures.map((it) => judgeSignature({ signers: before.policy, namespace: 'runbook.policy', ...it, t })));
  const { revision, replaces, signatures } = signed;
  const problem = revisionProblem({ before, after, signed: { revision, replaces, signatures, digest: after.digest }, verdicts, t });
  return problem && `is not signed by all who must: expected ${problem.expected}, got ${problem.got}`;
}

function knownPolicy(policies: RevisionStore, digest: string): LoadedPolicy | null {
  try {
    return { policy: policies.pinned(digest), digest };
  } catch {
    return null;
  }
}
