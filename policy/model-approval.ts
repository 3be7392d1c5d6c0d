/** The words of approvals: who may decide, what is signed, what was counted. Types only. */
import type { ExceptionGround } from './model-exception.js';
import type { EnvironmentRef, Objection, RunKind } from './model.js';

/** `-n` of `ssh-keygen -Y`: a signature made for one purpose is none for another. */
export const SIGNATURE_NAMESPACE = {
  approval: 'runbook.approval',
  request: 'runbook.request',
  policy: 'runbook.policy',
  statement: 'runbook.statement',
  verdict: 'runbook.verdict',
} as const;
export type SignatureNamespace = (typeof SIGNATURE_NAMESPACE)[keyof typeof SIGNATURE_NAMESPACE];

/** A text and its armoured SSH signature. The signature is the identity: the text names no signer. */
export interface SignedText {
  text: string;
  signature: string;
}

/** M of the people with a role. */
export interface ApprovalStage {
  role: string;
  quorum: number;
}

/** What a decision needs, frozen with the run. People and keys are not: they are read at each vote. */
export interface ApprovalRules {
  stages: (ApprovalStage & {
    /** People with the role when it was asked, without the requester: for telling that a quorum can't be reached any more. */
    eligible: number;
  })[];
  /** Stages take votes one after the other; else all at once. */
  inOrder: boolean;
  /** Roles of which one counted rejection denies. Without veto a stage is denied when its quorum can't be reached any more. */
  veto: string[];
}

/** What is decided on; the signed text is made from it, and nothing else. */
export interface ApprovalFacts {
  /** Made by the workflow; not a run id, which a reset changes (decision 5). */
  request: string;
  /** Short id of the run. */
  run: string;
  kind: RunKind;
  /** `change`, `grant`, `technical-review`, `cab` …: one run may ask several times. */
  purpose: string;
  /** Temporal namespace. */
  namespace: string;
  env: EnvironmentRef;
  /** Further environments it names (AP-13); empty: `env` alone. */
  environments: string[];
  from: string | null;
  to: string;
  /** An exception's life from its grant; null: no end. */
  hours: number | null;
  requester: string;
  reason: string;
  /** Hex; null where no host is changed by it. */
  planDigest: string | null;
  policyDigest: string;
  /** Named by digest in the text. */
  evidence: { name: string; sha256: string }[];
  /** ISO: what was approved may be begun until then. */
  useBy: string;
  /** Head of the trail when it was asked (invariant 15). */
  head: { seq: number; hash: string };
}

export type VoteVerdict = 'approve' | 'reject';

/** Everything the `decision` workflow is started with. */
export interface DecisionRequest {
  facts: ApprovalFacts;
  rules: ApprovalRules;
  /** Workflow id of the run that asks. */
  workflowId: string;
  /** The requester's signed request. */
  asked: SignedText | null;
  openedAt: string;
  /** ISO; votes count before it, and not at it. */
  deadline: string;
  /** EE-04: first counted vote of this role by then; overdue is told, and the wait goes on. */
  convene: { role: string; by: string } | null;
  /** Who is told when time grows short, in order. */
  escalateTo: string[];
  /** ISO instants at which who has not voted is reminded. */
  reminders: string[];
  /** The plan in words, for voters. */
  lines: string[];
}

/** A vote as it came in. */
export interface VoteInput extends SignedText {
  /** Who carried it; anybody may. Not an identity. */
  carrier: string;
}

/** A vote that the handler took: its place and its time (decision 1). */
export interface Vote extends VoteInput {
  seq: number;
  /** Workflow time, ISO. */
  t: string;
}

/** Why a signature is none, or whose it is. From live people, keys and revocations. */
export interface SignatureVerdict {
  valid: boolean;
  /** Person whose key it is; also where the key may not be used any more. */
  person: string | null;
  /** Roles of that person at the time, deputies included. */
  roles: { role: string; deputyFor: string | null }[];
  /** `SHA256:…` of the key. */
  fingerprint: string | null;
  /** The `allowed_signers` line it was verified with: for the export, years later. */
  signer: string | null;
  /** Words; empty when valid. */
  reason: string;
  /** Digest of people, roles, deputies and keys as they were read. */
  signersDigest: string;
}

export interface CountedVote extends SignedText {
  seq: number;
  t: string;
  person: string;
  /** Role it counts for. */
  role: string;
  deputyFor: string | null;
  verdict: VoteVerdict;
  fingerprint: string;
  signer: string;
  signersDigest: string;
}

export interface RefusedVote {
  seq: number;
  t: string;
  person: string | null;
  reason: string;
  /** sha256 of text and signature: what was refused stays provable without being kept. */
  digest: string;
}

export type DecisionOutcome = 'approved' | 'denied' | 'expired' | 'withdrawn';

/** Where a decision stands; answered to queries, and what `policy/approval.ts` folds. */
export interface DecisionState {
  request: DecisionRequest;
  counted: CountedVote[];
  refused: RefusedVote[];
  /** Next vote's number. */
  nextSeq: number;
  /** Votes whose signature is being verified, by seq, oldest first; with its verdict once it is there. */
  inFlight: { vote: Vote; verdict: SignatureVerdict | 'unavailable' | null }[];
  convenedAt: string | null;
  outcome: DecisionOutcome | null;
  decidedAt: string | null;
  /** One sentence. */
  message: string;
}

/** What each open decision keeps in Temporal's visibility for lists. */
export interface OpenDecision {
  run: string;
  purpose: string;
  kind: string;
  /** `web-01:/srv/pricer`. */
  where: string;
  from: string | null;
  to: string;
  hours: number | null;
  requester: string;
  /** `1 of 2 of cab`. */
  progress: string;
  /** Roles that may vote now. */
  roles: string[];
  /** People whose vote was counted. */
  voted: string[];
  deadline: string;
  /** EE-04; null: convened, or nothing to convene. */
  conveneBy: string | null;
}

export interface VoteAnswer {
  counted: boolean;
  /** `counted: 1 of 2`, `not counted: bob asked for this run`. */
  message: string;
  outcome: DecisionOutcome | null;
}

export interface DecisionResult {
  outcome: DecisionOutcome;
  message: string;
  counted: CountedVote[];
  refusals: number;
  /** Time of the first counted vote (EE-12). */
  convenedAt: string | null;
  /** Time of the deciding vote, or of the end. */
  decidedAt: string;
}

/** What entitles a run to change a host; the host checks it itself. */
export interface Warrant {
  facts: ApprovalFacts;
  rules: ApprovalRules;
  /** Signed texts that were counted, with their time. */
  votes: (SignedText & { t: string })[];
  /** The requester's signed request. */
  asked: SignedText | null;
  /** ISO: time of the deciding vote. */
  grantedAt: string;
  /**
   * For a kind that the policy itself approves: the policy as it was signed. `content`: canonical JSON; its sha256 is the plan's
   * policy digest. Signatures are over `policyText`.
   */
  policy: { content: string; revision: string; signatures: SignedText[] } | null;
}

/** A signed request: intent, before any plan is agreed to by others (decision 8). */
export interface RequestFacts {
  run: string;
  kind: RunKind;
  /** ULID of the workflow id: the request starts one run, once. */
  ulid: string;
  namespace: string;
  env: EnvironmentRef;
  environments: string[];
  to: string | null;
  hours: number | null;
  ground: ExceptionGround | null;
  reason: string;
  requester: string;
  planDigest: string | null;
  policyDigest: string;
  /** ISO: not taken later than `REQUEST_VALID_MINUTES` after it. */
  at: string;
  /** A machine's request: the gateway's authenticated source; null for a person. */
  source: string | null;
}

export type Refusable<T> = ({ refused: null } & T) | { refused: Objection[] };

export { EXCEPTION_GROUNDS } from './model-exception.js';
export type { ExceptionClock, ExceptionEnding, ExceptionGround, ExceptionTerms, PlacedEnd, ReviewState, ReviewStep } from './model-exception.js';
