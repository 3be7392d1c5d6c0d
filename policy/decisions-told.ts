/** The decisions of a run and their votes, as the records tell them: who, as what, when, counted or why not. */
import type { ApprovalFacts, ApprovalRules, CountedVote, RefusedVote, SignedText } from './model-approval.js';
import type { AuditEntry } from './records.js';

export interface VoteTold {
  /** Workflow time of the vote, ISO. */
  at: string;
  person: string;
  /** Role it counted for; null: it did not count. */
  role: string | null;
  deputyFor: string | null;
  verdict: 'approve' | 'reject' | null;
  counted: boolean;
  /** Why it did not count; empty where it did. */
  reason: string;
  /** `SHA256:…`; null for a vote that was not counted. */
  fingerprint: string | null;
}

export interface DecisionTold {
  request: string;
  purpose: string;
  /** `2 of cab`. */
  needs: string;
  askedAt: string;
  deadline: string;
  /** The requester signed the request. */
  isSigned: boolean;
  evidence: ApprovalFacts['evidence'];
  /** null while it is open. */
  outcome: string | null;
  message: string;
  decidedAt: string | null;
  /** In the order they were told in. */
  votes: VoteTold[];
}

interface Asked {
  request?: string;
  purpose?: string;
  facts?: Partial<ApprovalFacts>;
  rules?: ApprovalRules;
  deadline?: string;
  asked?: SignedText | null;
}

/** Oldest first. A vote for a request that nobody asked is none. */
export function decisionsTold(entries: readonly AuditEntry[]): DecisionTold[] {
  const told = new Map<string, DecisionTold>();
  for (const entry of entries) {
    const { event, data } = entry;
    const request = String(data['request'] ?? '');
    if (event === 'approval-asked' && !told.has(request)) told.set(request, opened(request, entry));
    const decision = told.get(request);
    if (decision === undefined) continue;
    if (event === 'vote') decision.votes.push(counted(data['vote'] as CountedVote));
    if (event === 'vote-refused') decision.votes.push(refused(data['vote'] as RefusedVote));
    if (event === 'decided') Object.assign(decision, { outcome: String(data['outcome']), message: String(data['message'] ?? ''), decidedAt: String(data['decidedAt'] ?? entry.at) });
  }
  return [...told.values()];
}

function opened(request: string, { at, data }: AuditEntry): DecisionTold {
  const { purpose = '', facts, rules, deadline = at, asked } = data as Asked;
  return { request, purpose, needs: needsText(rules), askedAt: at, deadline, isSigned: Boolean(asked), evidence: facts?.evidence ?? [], outcome: null, message: '', decidedAt: null, votes: [] };
}

const needsText = (rules: ApprovalRules | undefined): string => (rules ? rules.stages.map(({ role, quorum }) => `${quorum} of ${role}`).join(rules.inOrder ? ', then ' : ' and ') : 'not on record');

const counted = ({ t, person, role, deputyFor, verdict, fingerprint }: CountedVote): VoteTold => ({ at: t, person, role, deputyFor, verdict, counted: true, reason: '', fingerprint });

const refused = ({ t, person, reason }: RefusedVote): VoteTold => ({ at: t, person: person ?? 'unknown', role: null, deputyFor: null, verdict: null, counted: false, reason, fingerprint: null });

/** `cab`, `cab, for dan`; a dash where it did not count. */
export const roleText = ({ role, deputyFor }: VoteTold): string => (role === null ? '—' : `${role}${deputyFor === null ? '' : `, for ${deputyFor}`}`);

/** `approve, counted`; `not counted: bob asked for this run`. */
export const voteText = ({ verdict, counted: isCounted, reason }: VoteTold): string => (isCounted ? `${verdict}, counted` : `not counted: ${reason}`);
