/** Which place of a decision a person's vote can take, and why it can take none. The one place where votes are told apart from voices. */
import type { ApprovalRules, CountedVote, SignatureVerdict, VoteVerdict } from './model-approval.js';

/** A stage and how far it has come. */
export interface StageTally {
  role: string;
  quorum: number;
  approvals: number;
  /** Counted rejections by its role. */
  rejections: number;
  isReached: boolean;
  /** Its turn has come. */
  isOpen: boolean;
  /** What is left of those who could vote is fewer than the quorum. */
  isOutOfReach: boolean;
}

/** The place a vote takes, or the words why there is none. */
export type Place = { role: string; deputyFor: string | null } | { refused: string };

/** Everything `placeOf` looks at. */
export interface Voice {
  rules: ApprovalRules;
  counted: CountedVote[];
  requester: string;
  person: string;
  /** Roles of the person at the time of the vote. */
  roles: SignatureVerdict['roles'];
  verdict: VoteVerdict;
}

/**
 * Whether a person is who asked. Requesters are names of accounts, people are lower case; `Bob` and `bob@laptop` are held to be `bob`, because
 * the other mistake would let somebody approve what they asked for.
 */
export function isRequester(person: string, requester: string): boolean {
  const [account = ''] = requester.trim().toLowerCase().split('@');
  return person === requester || person === account || person === requester.trim().toLowerCase();
}

/** Stages with what was counted for them. Two stages of one role take its approvals one after the other. */
export function tallyOf(rules: ApprovalRules, counted: CountedVote[]): StageTally[] {
  const left = new Map<string, number>();
  const needed = new Map<string, number>();
  const byRole = (role: string, verdict: VoteVerdict): number => counted.filter((vote) => vote.role === role && vote.verdict === verdict).length;
  let turn = true;
  return rules.stages.map(({ role, quorum, eligible }) => {
    const free = left.get(role) ?? byRole(role, 'approve');
    const approvals = Math.min(quorum, free);
    left.set(role, free - approvals);
    needed.set(role, (needed.get(role) ?? 0) + quorum);
    const isOpen = turn || !rules.inOrder;
    const isReached = approvals === quorum;
    turn &&= isReached;
    const rejections = byRole(role, 'reject');
    return { role, quorum, approvals, rejections, isReached, isOpen, isOutOfReach: eligible - rejections < needed.get(role)! };
  });
}

/** The place of a vote by a person with a valid signature. Own roles go before those stood in for; a veto before other rejections. */
export function placeOf(voice: Voice): Place {
  const { person, requester, roles, rules, counted } = voice;
  const barred = barOf(voice);
  if (barred !== null) return { refused: barred };
  const stages = tallyOf(rules, counted);
  const named = roles.filter(({ role }) => stages.some((stage) => stage.role === role));
  if (named.length === 0) return { refused: `${person} has none of the roles asked: ${[...new Set(stages.map(({ role }) => role))].join(', ')}` };
  const usable = named.filter(({ deputyFor }) => deputyBar(person, deputyFor, requester, counted) === null);
  if (usable.length === 0) return { refused: deputyBar(person, named[0]!.deputyFor, requester, counted)! };
  const place = wantedStages(stages, voice).flatMap(({ role }) => usable.filter((it) => it.role === role)).sort((a, b) => rank(a, voice) - rank(b, voice))[0];
  return place ?? { refused: noPlace(stages, usable.map(({ role }) => role), person) };
}

/** Stages a vote can do something in, in their order: approvals where some are missing; a veto also where none are. */
function wantedStages(stages: StageTally[], { verdict, rules }: Voice): StageTally[] {
  return stages.filter(({ role, isOpen, isReached }) => isOpen && (!isReached || (verdict === 'reject' && rules.veto.includes(role))));
}

/** `Array.sort` is stable: within a rank the stages' order stands. */
function rank({ role, deputyFor }: { role: string; deputyFor: string | null }, { verdict, rules }: Voice): number {
  const isVeto = verdict === 'reject' && rules.veto.includes(role);
  return (isVeto ? 0 : 2) + (deputyFor === null ? 0 : 1);
}

/** Why a person has no vote here, whatever their roles. */
function barOf({ person, requester, counted }: Voice): string | null {
  if (isRequester(person, requester)) return `${person} asked for this run`;
  const own = counted.find((vote) => vote.person === person);
  if (own !== undefined) return `${person} has voted already (${own.verdict}, as ${own.role})`;
  const deputy = counted.find((vote) => vote.deputyFor === person);
  return deputy === undefined ? null : `${deputy.person} has voted for ${person} already, as deputy`;
}

/** Why nobody can stand in for a person here; null: somebody can, or nobody is stood in for. */
function deputyBar(person: string, deputyFor: string | null, requester: string, counted: CountedVote[]): string | null {
  if (deputyFor === null) return null;
  if (isRequester(deputyFor, requester)) return `${person} stands in for ${deputyFor}, who asked for this run`;
  if (deputyFor === person) return `${person} can't stand in for ${person}`;
  const own = counted.find((vote) => vote.person === deputyFor);
  if (own !== undefined) return `${person} stands in for ${deputyFor}, who has voted already`;
  const other = counted.find((vote) => vote.deputyFor === deputyFor);
  return other === undefined ? null : `${person} stands in for ${deputyFor}, for whom ${other.person} has voted already`;
}

/** For somebody who has a role of this decision: full, or not yet their turn. */
function noPlace(stages: StageTally[], roles: string[], person: string): string {
  const own = stages.filter(({ role }) => roles.includes(role));
  const later = own.find(({ isOpen }) => !isOpen);
  const first = stages.find(({ isReached }) => !isReached);
  if (later !== undefined && first !== undefined) return `first ${first.role}, then ${later.role}; ${person} may vote again then`;
  return own.map(({ role, quorum, approvals }) => `${role} has its ${approvals} of ${quorum} already`).join(', ');
}
