/** Source builds and proposed locks: the rungs above wheels. */
import { formatMs } from '../describe.js';
import { MOST } from '../fallback-bounds.js';
import type { FallbackRecord, RecordedProposal } from '../fallback-record.js';
import { rungText } from '../ladder.js';
import type { WheelBuild } from '../model.js';
import { counted, oneLine } from '../text.js';
import { LISTED, code, preformatted, table, words } from './page.js';
import type { Block, Words } from './page.js';

export const buildBlocks = ({ builds = [] }: FallbackRecord): Block[] => builds.flatMap(buildTable);

function buildTable({ host, wheelhouse, built, failed, workMs }: WheelBuild): Block[] {
  const rows: Words[][] = [
    ...built.map(({ project, version, file, durationMs, warnings }): Words[] => [`✓ ${project} ${version}`, formatMs(durationMs), ['sha256 ', code(file.sha256)], warnings.join('; ') || 'no warnings']),
    ...failed.map(({ project, version, class: kind, remedy, logPath }): Words[] => [`✗ ${project} ${version}`, '—', code(`${host}:${logPath}`), `${kind}: ${remedy}`]),
  ];
  const intro = words(`${counted(built.length, 'wheel')} built and ${failed.length} failed on ${host}, in ${formatMs(workMs)}; the wheelhouse is `, code(wheelhouse), '.');
  return rows.length > 0 ? [intro, ...table(['package', '->took', 'wheel or log', 'what it says'], rows)] : [intro];
}

export function proposalBlocks({ proposals = [] }: FallbackRecord): Block[] {
  if (proposals.length === 0) return [];
  return [
    words('None of these was taken. Each deviates from the pins and needs the approval of whoever approves locks.'),
    ...proposals.flatMap((proposal, at): Block[] => [
      words(`${sentence(rungText(proposal.rung))}, for Python ${proposal.interpreter}: ${triedText(proposal)}.`, ...(proposal.lockSha256 === '' ? [] : [' ', code(proposalName(proposals, at)), ', sha256 ', code(proposal.lockSha256)])),
      preformatted(diffText(proposal), 'diff'),
    ]),
  ];
}

/** File of a proposal: `proposed-RUNG.lock`; a second one of the same rung names its interpreter too. */
export function proposalName(proposals: readonly RecordedProposal[], at: number): string {
  const { rung, interpreter } = proposals[at]!;
  const isSecond = proposals.slice(0, at).some((other) => other.rung === rung);
  return isSecond ? `proposed-${rung}-${interpreter}.lock` : `proposed-${rung}.lock`;
}

export function triedText({ tried: { installed, imports, problem } }: RecordedProposal): string {
  const words = installed ? `tried in a scratch tree, installed, ${imports.passed} of ${imports.total} imports` : 'tried in a scratch tree, did not install';
  return problem === '' ? words : `${words}; ${problem}`;
}

function diffText({ changes }: RecordedProposal): string {
  if (changes.length === 0) return 'no pin changes';
  const lines = changes.slice(0, LISTED).flatMap(({ project, from, to }) => [...(from === '' ? [] : [`-${oneLine(project)}==${oneLine(from)}`]), ...(to === '' ? [] : [`+${oneLine(project)}==${oneLine(to)}`])]);
  const beyond = changes.length - LISTED;
  return [...lines, ...(beyond > 0 ? [` and ${changes.length === MOST.changes ? 'at least ' : ''}${beyond} more`] : [])].join('\n');
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
