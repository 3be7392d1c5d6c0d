/** The report of a run of any kind: what, why, who, its steps with their times, how it ended, how to get back. */
import { decisionsTold, type DecisionTold } from '../decisions-told.js';
import { seconds } from '../describe.js';
import { formatEnvironment } from '../ids.js';
import type { Objection } from '../model.js';
import type { AuditEntry, StoredEntry } from '../records.js';
import type { RunView } from '../run-view.js';
import { decisionBlocks, signatureSection } from './decisions.js';
import { badgeOf } from './fallback.js';
import { code, fields, list, preformatted, table, words } from './page.js';
import type { Block, Page, Section, Words } from './page.js';
import { instant, objectionBlocks, stepTable } from './steps.js';

export function runPage(view: RunView, entries: readonly AuditEntry[]): Page {
  const decisions = decisionsTold(entries);
  return {
    title: `${view.kind} ${view.run}`,
    badge: view.outcome ? badgeOf(view.outcome) : { word: view.phase, tone: 'open' },
    lead: lead(view),
    sections: [
      { title: 'Summary', blocks: [fields(...facts(view))] },
      { title: 'Steps', blocks: stepTable(view.steps, 'No step has ended.') },
      ...decided(decisions),
      ...said(entries),
      { title: 'How to go back', blocks: wayBack(view) },
      ...signatureSection(view.run, decisions),
    ],
  };
}

const decided = (decisions: DecisionTold[]): Section[] => (decisions.length > 0 ? [{ title: 'Decision', blocks: decisionBlocks(decisions) }] : []);

function lead(view: RunView): Words {
  const where = code(`${view.host}:${view.link}`);
  if (view.outcome === null) return [where, `, Python ${versions(view)}: ${view.phase}${view.message === '' ? '' : `, ${view.message}`}`];
  return [where, `, Python ${versions(view)}: ${view.outcome}. ${view.message}`];
}

export const versions = ({ from, to }: RunView): string => `${from ?? 'none'} → ${to ?? 'not decided'}`;

function facts(run: RunView): [string, Words][] {
  const all: [string, Words | null][] = [
    ['asked by', run.requester],
    ['why', run.reason],
    ['allowed by', run.approval === '' ? null : run.approval],
    ['began', instant(run.startedAt)],
    ['ended', run.endedAt === null ? 'still open' : `${instant(run.endedAt)}, after ${seconds({ startedAt: run.startedAt, endedAt: run.endedAt })}`],
    ['waits for', run.waitsFor.length > 0 ? run.waitsFor.join(', ') : null],
    ['ends by itself', run.end === null ? null : instant(run.end)],
    ['ordered by', run.parent],
    ['plan', run.planDigest === null ? null : ['sha256 ', code(run.planDigest)]],
    ['policy', run.policyDigest === null ? null : ['sha256 ', code(run.policyDigest)]],
    ['report on the host', run.report === null ? null : code(run.report)],
    ['workflow', [code(run.workflowId), ', execution ', code(run.executionRunId)]],
  ];
  return all.filter((fact): fact is [string, Words] => fact[1] !== null);
}

/** Who stopped it, and what it was refused for. */
export function said(entries: readonly AuditEntry[]): Section[] {
  const stopped = entries.filter(({ event }) => event === 'aborted').map(({ at, actor, data }) => `${instant(at)}: ${actor} asked to stop: ${String(data['reason'] ?? '')}`);
  const refused = entries.filter(({ event }) => event === 'outcome').flatMap(({ data }) => (data['objections'] ?? []) as Objection[]);
  const blocks = [...(stopped.length > 0 ? [list(stopped)] : []), ...objectionBlocks(refused)];
  return blocks.length > 0 ? [{ title: 'Why it went no further', blocks }] : [];
}

export function wayBack(view: RunView): Block[] {
  const where = formatEnvironment(view);
  if (view.phase === 'unsettled') return [words('A person decides: '), preformatted(`runbook settle ${view.run} --undo --reason …\nrunbook settle ${view.run} --keep --reason …`)];
  if (view.outcome === null) return [words(view.end === null ? 'While it runs: ' : `By itself, on its host: ${instant(view.end)}. Before: `), preformatted(`runbook abort ${view.run} --reason …`)];
  if (view.outcome === 'rollback-incomplete') return [words('The way back is not complete. On the host itself, after mending what the message names:'), preformatted(`runbook undo ${view.link} --local --reason …`)];
  if (view.changed !== 'yes' || view.kind === 'rollback') return [words('Nothing is left to undo.')];
  return [words(`Undo returns to Python ${view.from ?? 'none'}:`), preformatted(`runbook undo ${where} --reason …`)];
}

/** Who said what when, chained. */
export function trailSection(entries: readonly StoredEntry[]): Section {
  const last = entries.at(-1);
  if (!last) return { title: 'Trail', blocks: [words('No entries.')] };
  // Every entry, however many: this is the record itself.
  const rows = entries.map(({ seq, hash, entry }): Words[] => [String(seq), instant(entry.at), eventWords(entry), entry.actor, code(hash.slice(0, 12))]);
  const [head] = table(['->entry', 'at', 'event', 'who', 'hash'], []) as [Extract<Block, { kind: 'table' }>];
  return { title: 'Trail', blocks: [{ ...head, rows }, words(`${entries.length === 1 ? '1 entry' : `${entries.length} entries`}, the last is ${last.seq} sha256:${last.hash}.`)] };
}

const eventWords = ({ event, data }: AuditEntry): string => (typeof data['step'] === 'string' ? `${event}: ${data['step']}` : event);
