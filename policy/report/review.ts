/** The report of an interpreter change: each step with its evidence and who decided on it (AP-09, AP-13). It touches no host. */
import { decisionsTold } from '../decisions-told.js';
import { approvalOnRecord } from '../approval-record.js';
import type { AuditEntry } from '../records.js';
import type { RunView } from '../run-view.js';
import { decisionBlocks, signatureSection } from './decisions.js';
import { badgeOf } from './fallback.js';
import { code, fields, list, table, words } from './page.js';
import type { Block, Page, Words } from './page.js';
import { said, versions } from './run.js';
import { instant, stepTable } from './steps.js';

export function reviewPage(view: RunView, entries: readonly AuditEntry[]): Page {
  const decisions = decisionsTold(entries);
  const { environments, to, from } = approvalOnRecord(view, entries);
  const named = environments.length > 0 ? environments : [`${view.host}:${view.link}`];
  return {
    title: `Interpreter change ${view.run}`,
    badge: view.outcome ? badgeOf(view.outcome) : { word: view.phase, tone: 'open' },
    lead: [`Python ${versions(view)} for `, code(named[0]!), named.length > 1 ? ` and ${named.length - 1} more: ` : ': ', `${view.outcome ?? view.phase}. ${view.message}`],
    sections: [
      { title: 'Summary', blocks: [fields(
        [`Asked by ${view.requester}`, view.reason],
        ['Began', instant(view.startedAt)],
        ['Ended', view.endedAt === null ? 'still open' : instant(view.endedAt)],
        ['Waits for', view.waitsFor.length > 0 ? view.waitsFor.join(', ') : 'nothing'],
        ['Approved last', environments.length === 0 ? 'nothing' : `${from ?? 'none'} → ${to}`],
        ['Policy', view.policyDigest === null ? 'not on record' : ['sha256 ', code(view.policyDigest)]],
      ), list(named.map((name): Words => code(name)))] },
      { title: 'Steps', blocks: stepTable(view.steps, 'No step has ended.') },
      { title: 'Evidence', blocks: evidenceBlocks(entries) },
      { title: 'Decisions', blocks: decisionBlocks(decisions) },
      ...said(entries),
      ...signatureSection(view.run, decisions),
    ],
  };
}

function evidenceBlocks(entries: readonly AuditEntry[]): Block[] {
  const handed = entries.filter(({ event }) => event === 'evidence');
  if (handed.length === 0) return [words('None was handed in.')];
  return table(['at', 'step', 'document', 'from', 'sha256'], handed.map(({ at, actor, data }): Words[] => [instant(at), String(data['step']), String(data['name']), String(data['by'] ?? actor), code(String(data['sha256']))]));
}
