/** Asking people: one decision as a child, its end, and the warrant it gives. Nobody holds a lease meanwhile. */
import { setHandler, startChild, uuid4, workflowInfo } from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import { remindersBetween } from '../../policy/approval-rules.js';
import { openDecision } from '../../policy/approval.js';
import { summaryLine } from '../../policy/describe.js';
import { formatEnvironment } from '../../policy/ids.js';
import type { ApprovalFacts, ApprovalRules, DecisionRequest, DecisionResult, SignedText, Warrant } from '../../policy/model-approval.js';
import type { ApprovalNeeds } from '../../activities/control/contract.js';
import type { decision } from '../decision.js';
import { decisionSignal } from '../messages.js';
import { memoOf } from './decision-display.js';
import type { Run } from './run.js';
import { HOUR_MS, iso } from './time.js';

const keyword = (name: string) => defineSearchAttributeKey(name, 'KEYWORD');
const WAITS_FOR = defineSearchAttributeKey('RunbookWaitsFor', 'KEYWORD_LIST');
const DEADLINE = defineSearchAttributeKey('RunbookDeadline', 'DATETIME');

/** How a run ends whose decision ended so; approved, it goes on. */
export const OUTCOME_OF = { denied: 'denied', expired: 'expired', withdrawn: 'rolled-back' } as const;

/** What is asked, beyond what the run itself knows. */
export interface Question extends Pick<ApprovalFacts, 'purpose' | 'from' | 'to' | 'hours' | 'planDigest' | 'policyDigest' | 'evidence' | 'environments'> {
  needs: ApprovalNeeds;
  asked: SignedText | null;
  lines: string[];
  /** EE-04; `by`: ISO. */
  convene?: { role: string; by: string };
}

export interface Decided {
  result: DecisionResult;
  /** What entitles to a change, where it was approved. */
  warrant: Warrant;
}

/** Asks and waits: as long as the policy says, and no longer. */
export async function decide(run: Run, question: Question): Promise<Decided> {
  const request = await open(run, question);
  const { facts, rules } = request;
  setHandler(decisionSignal, ({ request: id, progress, convenedAt }) => {
    if (id === facts.request) run.showDecision({ progress }, convenedAt);
  });
  const workflowId = `decision/${facts.request}`;
  run.showDecision({ request: facts.request, workflowId, purpose: facts.purpose, outcome: null, progress: stagesText(rules) });
  const result = await run.waitingFor({ what: `approval: ${stagesText(rules)}`, until: request.deadline, command: `runbook approve ${facts.run}` }, async () => {
    const child = await startChild<typeof decision>('decision', { args: [request], workflowId, parentClosePolicy: 'REQUEST_CANCEL', ...listed(request) });
    return child.result();
  });
  run.showDecision({ outcome: result.outcome, progress: result.message }, result.convenedAt);
  return { result, warrant: warrantOf(facts, rules, question.asked, result) };
}

/** The facts are made when the trail's head is known, which they name. */
async function open(run: Run, question: Question): Promise<DecisionRequest> {
  const { needs, asked, lines, convene, ...about } = question;
  const { state } = run;
  const id = uuid4();
  run.note('phase', { phase: 'waiting', message: `asks for ${about.purpose}`, request: id, approval: 'asked' });
  const head = (await run.record())!;
  const openedAt = Date.now();
  const deadline = iso(openedAt + needs.decideHours * HOUR_MS);
  const facts: ApprovalFacts = {
    request: id, run: state.run, kind: run.kind, namespace: workflowInfo().namespace, env: run.env, requester: state.requester, reason: state.reason,
    useBy: iso(openedAt + (needs.decideHours + needs.useWithinHours) * HOUR_MS), head, ...about,
  };
  return {
    facts, rules: needs.rules, workflowId: workflowInfo().workflowId, asked, openedAt: iso(openedAt), deadline,
    convene: convene ?? null,
    escalateTo: needs.escalateTo, reminders: remindersBetween(iso(openedAt), deadline, needs.reminderHours), lines,
  };
}

/** `2 of cab`, `1 of engineering, then 2 of cab`. */
const stagesText = ({ stages, inOrder }: ApprovalRules): string => stages.map(({ role, quorum }) => `${quorum} of ${role}`).join(inOrder ? ', then ' : ' and ');

/** How it is found: by whoever may vote, before its first task. */
function listed(request: DecisionRequest) {
  const { facts, deadline } = request;
  const memo = memoOf(openDecision(request));
  return {
    staticSummary: summaryLine(`${facts.purpose} of ${facts.run}`, formatEnvironment(facts.env), facts.reason, facts.requester),
    memo: { ...memo },
    typedSearchAttributes: [
      { key: keyword('RunbookKind'), value: 'decision' }, { key: keyword('RunbookHost'), value: facts.env.host }, { key: keyword('RunbookEnvironment'), value: facts.env.link },
      { key: keyword('RunbookRequester'), value: facts.requester }, { key: WAITS_FOR, value: memo.roles }, { key: DEADLINE, value: new Date(deadline) },
    ],
  };
}

function warrantOf(facts: ApprovalFacts, rules: ApprovalRules, asked: SignedText | null, { counted, decidedAt }: DecisionResult): Warrant {
  const votes = counted.filter(({ verdict }) => verdict === 'approve').map(({ text, signature, t }) => ({ text, signature, t }));
  return { facts, rules, votes, asked, grantedAt: decidedAt, policy: null };
}
