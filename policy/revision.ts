/** Whether a revision of the policy may take the place of the one in force (AP-11). Pure: signatures are judged before. */
import { z } from 'zod';
import { applySigned, openDecision } from './approval.js';
import type { LoadedPolicy } from './files/load.js';
import type { ApprovalFacts, SignatureVerdict } from './model-approval.js';
import type { Objection } from './model.js';
import { policyText } from './signed-texts.js';
import { askedFor, notReached } from './warrant-checks.js';

/** More than the stages of any policy need; each is judged while the control worker does nothing else. */
const MAX_SIGNATURES = 20;

const digest = z.string().regex(/^[0-9a-f]{64}$/);

const signedRevisionSchema = z.strictObject({
  /** `header.version` of the policy. */
  revision: z.string().min(1).max(200),
  digest,
  /** Revision that it follows; null: none. */
  replaces: digest.nullable(),
  signatures: z.array(z.strictObject({ text: z.string(), signature: z.string() })).max(MAX_SIGNATURES),
});

/** The file beside the policy, `policy.yaml.signatures`. */
export type SignedRevision = z.infer<typeof signedRevisionSchema>;

/** null for what is no such file: signatures that can't be read are none. */
export function readSignedRevision(text: string): SignedRevision | null {
  try {
    return signedRevisionSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

/** Order of revisions written as dotted numbers: negative when `a` is older; null where one of them is none. */
export function compareRevisions(a: string, b: string): number | null {
  const [left, right] = [a, b].map((revision) => (/^\d{1,9}(\.\d{1,9})*$/.test(revision) ? revision.split('.').map(Number) : null));
  if (!left || !right) return null;
  const length = Math.max(left.length, right.length);
  const at = Array.from({ length }, (_, index) => index).find((index) => (left[index] ?? 0) !== (right[index] ?? 0));
  return at === undefined ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
}

export interface Revision {
  before: LoadedPolicy;
  after: LoadedPolicy;
  /** What stands beside `after`. */
  signed: SignedRevision | null;
  /** One a signature, in order, by the people of `before`. */
  verdicts: SignatureVerdict[];
  /** ISO. */
  t: string;
}

/** Why `after` is not taken; null: it is. */
export function revisionProblem(revision: Revision): Objection | null {
  const { before, after, signed } = revision;
  const { version } = after.policy.header;
  const old = `${before.policy.header.version} (${before.digest.slice(0, 12)})`;
  const refuse = (what: string, expected: string, got: string, wayOut: string): Objection => ({ what: `policy revision ${version}: ${what}`, expected, got, wayOut: `${wayOut}; until then ${old} stays in force` });
  const order = compareRevisions(before.policy.header.version, version);
  if (order === null || order >= 0) return refuse('header.version', `dotted numbers, higher than ${before.policy.header.version}`, version, 'raise header.version and have it signed');
  if (signed?.digest !== after.digest) return refuse('signatures', `signatures over it as it stands (${after.digest.slice(0, 12)})`, signed === null ? 'none' : `signatures over ${signed.digest.slice(0, 12)}`, 'runbook policy sign');
  const follows = signed.revision === version && signed.replaces === before.digest;
  if (!follows) return refuse('signatures', `over revision ${version}, which replaces ${before.digest.slice(0, 12)}`, `over revision ${signed.revision}, which replaces ${signed.replaces?.slice(0, 12) ?? 'nothing'}`, 'remove the file of signatures and sign again: runbook policy sign');
  const missing = missingOf(revision, signed);
  return missing && refuse('signatures', `${missing.expected}, of the people of revision ${before.policy.header.version}`, missing.got, 'have the others sign: runbook policy sign');
}

/** Counted by the function that counts votes. Who can fill fewer places goes first, so that the order of signing does not matter. */
function missingOf({ before, after, verdicts, t }: Revision, { revision, signatures }: SignedRevision): Objection | null {
  const { stages } = before.policy.policyRevision;
  const facts = factsOf(revision, after.digest, t);
  const texts = { approve: policyText(revision, after.digest, before.digest), reject: '' };
  const places = ({ seq }: { seq: number }): number => stages.filter(({ role }) => verdicts[seq - 1]!.roles.some((held) => held.role === role)).length;
  const votes = signatures.map((signed, index) => ({ ...signed, carrier: '', seq: index + 1, t })).sort((a, b) => places(a) - places(b));
  const state = votes.reduce((now, vote) => applySigned(now, vote, verdicts[vote.seq - 1]!, texts).state, openDecision(askedFor(facts, stages, false, [])));
  return state.outcome === 'approved' ? null : notReached(facts, stages, state);
}

/** What the one function that counts votes wants to know of what is voted on. */
function factsOf(revision: string, policyDigest: string, t: string): ApprovalFacts {
  return {
    request: `revision-${revision}`, run: revision, kind: 'interpreter-change', purpose: 'policy', namespace: '', env: { host: '', link: '' }, environments: [], from: null, to: revision, hours: null,
    requester: '', reason: '', planDigest: null, policyDigest, evidence: [], useBy: new Date(Date.parse(t) + 60_000).toISOString(), head: { seq: 0, hash: '' },
  };
}
