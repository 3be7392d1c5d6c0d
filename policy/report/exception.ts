/** The incident report of an emergency exception (EE-13): what, on which ground, who decided with which key, and how it ended. */
import { decisionsTold, type DecisionTold } from '../decisions-told.js';
import { clockLines } from '../exception-text.js';
import type { ExceptionView } from '../exception-view.js';
import type { AuditEntry } from '../records.js';
import type { RunView } from '../run-view.js';
import { decisionBlocks, signatureSection } from './decisions.js';
import { badgeOf } from './fallback.js';
import { code, fields, list, preformatted, table, words } from './page.js';
import type { Block, Page, Section, Words } from './page.js';
import { said, versions, wayBack } from './run.js';
import { instant, stepTable } from './steps.js';

/** A run with its entries. */
export interface RunRecord {
  view: RunView;
  entries: readonly AuditEntry[];
}

export interface ExceptionRecord extends RunRecord {
  /** The final review, where it began. */
  review: RunRecord | null;
  /** The root cause in its author's words; null: not handed in, or not kept. */
  rootCause: string | null;
  /** Its end in local time with the zone; null: not known. */
  expiresLocal: string | null;
  /** ISO: when the report was made. */
  at: string;
}

/** Longest part of a root cause that the report repeats, in characters; its digest tells of all of it. */
const REPEATED = 20_000;

export function exceptionPage(record: ExceptionRecord): Page {
  const { view, entries, review } = record;
  const decisions = decisionsTold(entries);
  return {
    title: `Emergency exception ${view.run}`,
    badge: view.outcome ? badgeOf(view.outcome) : { word: view.phase, tone: 'open' },
    lead: [code(`${view.host}:${view.link}`), `, Python ${versions(view)}: ${view.outcome === null ? view.phase : `${view.outcome}, ${endingText(view)}`}. ${view.message}`],
    sections: [
      { title: 'Summary', blocks: [fields(...summary(record))] },
      { title: 'Clock', blocks: [fields(...clock(record))] },
      { title: 'Decision', blocks: decisionBlocks(decisions) },
      { title: 'Root cause', blocks: rootCauseBlocks(record) },
      { title: 'Final review', blocks: reviewBlocks(review) },
      { title: 'Steps', blocks: stepTable(view.steps, 'Nothing was begun.') },
      ...said(entries),
      ...toldSection(entries),
      { title: 'How to go back', blocks: wayBack(view) },
      ...signatureSection(view.run, decisions),
    ],
  };
}

/** How it ended, in the words of the policy. */
export function endingText({ outcome, exception }: RunView): string {
  if (exception?.permanentAt && !exception.reverted) return 'made permanent';
  if (exception?.reverted?.verified) return `reverted${exception.reverted.by === 'host' ? ' by the host itself' : ''}`;
  if (exception?.reverted || outcome === 'rollback-incomplete') return 'not reverted yet: somebody has to look';
  if (outcome === 'denied') return 'denied, nothing was changed';
  return exception?.grantedAt ? 'granted, and not carried out or superseded' : 'ended before it was granted, nothing was changed';
}

function summary({ view }: ExceptionRecord): [string, Words][] {
  const { ground, hours } = view.exception ?? NO_CLOCK;
  return [
    ['Ground', ground ?? 'not on record'],
    ['Environment', code(`${view.host}:${view.link}`)],
    ['Python', `${versions(view)}${hours === null ? '' : `, for ${hours} h`}`],
    [`Declared by ${view.requester}`, view.reason],
    ['Outcome', view.outcome === null ? `open: ${view.phase}` : `${view.outcome}: ${endingText(view)}`],
    ['Began', instant(view.startedAt)],
    ['Ended', view.endedAt === null ? 'still open' : instant(view.endedAt)],
    ['Plan', view.planDigest === null ? 'none was made' : ['sha256 ', code(view.planDigest)]],
    ['Policy', view.policyDigest === null ? 'not on record' : ['sha256 ', code(view.policyDigest)]],
    ['Workflow', [code(view.workflowId), ', chain ', code(view.chain)]],
  ];
}

const NO_CLOCK: Pick<ExceptionView, 'ground' | 'hours'> = { ground: null, hours: null };

function clock({ view, expiresLocal, at }: ExceptionRecord): [string, Words][] {
  if (!view.exception) return [['declared', `${instant(view.startedAt)} by ${view.requester}`]];
  const lines = clockLines({ exception: view.exception, requester: view.requester, outcome: view.outcome, now: at, formatTime: instant });
  return [...lines, ...(expiresLocal === null ? [] : [['expires, local time', expiresLocal] as [string, Words]])];
}

function rootCauseBlocks({ view, rootCause }: ExceptionRecord): Block[] {
  const handed = view.exception?.rootCause;
  if (!handed) return [words('None was handed in.')];
  const where = words(`By ${handed.by}, ${instant(handed.at)}, sha256 `, code(handed.sha256), '.');
  if (rootCause === null) return [where, words('The records do not keep its text.')];
  const beyond = rootCause.length - REPEATED;
  return [where, preformatted(rootCause.slice(0, REPEATED)), ...(beyond > 0 ? [words(`and ${beyond} more characters.`)] : [])];
}

function reviewBlocks(review: RunRecord | null): Block[] {
  if (!review) return [words('None was begun.')];
  const { view, entries } = review;
  const decisions: DecisionTold[] = decisionsTold(entries);
  return [
    fields(['run', code(view.run)], ['outcome', view.outcome === null ? `open: ${view.phase}` : `${view.outcome}. ${view.message}`], ['began', instant(view.startedAt)], ['ended', view.endedAt === null ? 'still open' : instant(view.endedAt)]),
    ...stepTable(view.steps, 'No step has ended.'),
    ...(decisions.length > 0 ? decisionBlocks(decisions) : []),
  ];
}

/** Who was told of it; what reached nobody is named as such. */
function toldSection(entries: readonly AuditEntry[]): Section[] {
  const missed = entries.filter(({ event }) => event === 'undelivered').map(({ at, data }) => `${instant(at)}: ${String(data['event'])} reached nobody (${String(data['problem'] ?? '')})`);
  const told = entries.filter(({ event }) => event === 'notified').map(({ at, data }): Words[] => [instant(at), String(data['event']), String(data['role']), (Array.isArray(data['channels']) ? data['channels'].map(String) : []).join(' ')]);
  if (told.length + missed.length === 0) return [];
  return [{ title: 'Who was told', blocks: [...(told.length > 0 ? table(['at', 'what', 'role', 'by'], told) : []), ...(missed.length > 0 ? [list(missed)] : [])] }];
}
