/** Where people see a decision: search attributes, memo (what `inbox` lists), the Web UI's details, and the pages that ask for votes. */
import { defineSearchAttributeKey } from '@temporalio/common';
import { setCurrentDetails, upsertMemo, upsertSearchAttributes } from '@temporalio/workflow';
import { progressOf } from '../../policy/approval.js';
import { formatEnvironment } from '../../policy/ids.js';
import type { DecisionState, OpenDecision } from '../../policy/model-approval.js';
import { markdownCode, markdownText, oneLine } from '../../policy/text.js';
import type { Page } from './paging.js';

const WAITS_FOR = defineSearchAttributeKey('RunbookWaitsFor', 'KEYWORD_LIST');

/** Roles whose votes are still wanted. */
function openRoles({ request: { rules }, counted, outcome }: DecisionState): string[] {
  if (outcome !== null) return [];
  const open = rules.stages.filter(({ role, quorum }) => counted.filter((vote) => vote.role === role && vote.verdict === 'approve').length < quorum);
  return (rules.inOrder ? open.slice(0, 1) : open).map(({ role }) => role);
}

export function memoOf(state: DecisionState): OpenDecision {
  const { facts, deadline, convene } = state.request;
  const { run, purpose, kind, env, from, to, hours, requester } = facts;
  return { run, purpose, kind, where: formatEnvironment(env), from, to, hours, requester, progress: progressOf(state), roles: openRoles(state), voted: state.counted.map(({ person }) => person), deadline, conveneBy: state.convenedAt === null ? (convene?.by ?? null) : null };
}

export class DecisionDisplay {
  private shown = '';

  show(state: DecisionState): void {
    setCurrentDetails(details(state));
    const memo = memoOf(state);
    const shown = `${memo.progress} ${memo.roles.join()} ${memo.voted.join()} ${state.outcome}`;
    // Each is an event in history: only what changed is said.
    if (shown === this.shown) return;
    this.shown = shown;
    upsertMemo({ ...memo });
    upsertSearchAttributes([{ key: WAITS_FOR, value: memo.roles.length > 0 ? memo.roles : null }]);
  }
}

const shift = ({ facts }: DecisionState['request']): string => `${facts.from ?? 'nothing'} → ${facts.to}${facts.hours === null ? '' : ` for ${facts.hours} h`}`;

function details(state: DecisionState): string {
  const { request, counted, refused, outcome, message } = state;
  const { facts, deadline, lines } = request;
  return [
    `### ${facts.run} · ${facts.purpose} · ${outcome ?? 'waits for votes'}`,
    `**${markdownText(formatEnvironment(facts.env))}** ${shift(request)}`,
    '',
    `Asked by ${markdownText(facts.requester)}: ${markdownText(facts.reason)}`,
    '',
    outcome === null ? `${progressOf(state)}, until ${deadline}. To act: ${markdownCode(`runbook approve ${facts.run}`)} or ${markdownCode(`runbook reject ${facts.run}`)}` : markdownText(message),
    '',
    ...counted.map(({ t, person, role, verdict }) => `- ${t} ${markdownText(person)} (${role}): ${verdict}`),
    ...refused.slice(-5).map(({ t, person, reason }) => `- ${t} not counted, ${markdownText(person ?? 'unknown')}: ${markdownText(reason)}`),
    '',
    '```',
    ...lines.slice(0, 40).map((line) => oneLine(line).replaceAll('`', "'")),
    '```',
  ].join('\n');
}

function page(state: DecisionState, what: Pick<Page, 'event' | 'subject' | 'severity' | 'to' | 'otherwise'>): Page {
  const { facts, deadline } = state.request;
  const lines = [`${shift(state.request)} on ${formatEnvironment(facts.env)}`, `asked by ${facts.requester}: ${facts.reason}`, progressOf(state), ...(facts.planDigest === null ? [] : [`plan sha256:${facts.planDigest}`])];
  return { ...what, lines, command: `runbook approve ${facts.run}`, deadline };
}

export const openedPage = (state: DecisionState): Page =>
  page(state, { event: 'asked', subject: `${state.request.facts.run} asks for ${state.request.facts.purpose}`, severity: state.request.convene ? 'critical' : 'info', to: openRoles(state), otherwise: state.request.escalateTo });

export const reminderPage = (state: DecisionState): Page =>
  page(state, { event: 'reminder', subject: `${state.request.facts.run} still waits: ${progressOf(state)}`, severity: 'warning', to: openRoles(state), otherwise: state.request.escalateTo });

/** EE-04: the board did not convene in time; whoever comes next is told at once. */
export const overduePage = (state: DecisionState): Page =>
  page(state, { event: 'overdue', subject: `${state.request.facts.run}: ${state.request.convene?.role ?? 'nobody'} did not convene in time`, severity: 'critical', to: [...openRoles(state), ...state.request.escalateTo], otherwise: [] });

/** Decision 2: so many votes that don't count are no accident. */
export const closedPage = (state: DecisionState): Page =>
  page(state, { event: 'escalated', subject: `${state.request.facts.run}: closed after ${state.refused.length} refused votes`, severity: 'critical', to: [...openRoles(state), ...state.request.escalateTo], otherwise: [] });
