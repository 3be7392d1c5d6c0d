/** What an attempt on the primary said, and what the host is. */
import { MOST, atLeast } from '../fallback-bounds.js';
import type { FallbackRecord } from '../fallback-record.js';
import type { Diagnosis, Finding } from '../model.js';
import { oneLine } from '../text.js';
import { code, fields, list, preformatted, table, words } from './page.js';
import type { Block, Words } from './page.js';

/** Findings whose lines are shown; the others are in the output the host keeps. */
const SHOWN = 10;

/** Lines of the attempt's output that are shown. */
const LINES = 20;

export function diagnosisBlocks({ diagnosis, result }: FallbackRecord): Block[] {
  if (!diagnosis) return [words('Diagnosis: none was made by this run.')];
  const { attempt, findings, interpreter } = diagnosis;
  return [
    words(`Diagnosis: an attempt with wheels alone on Python ${interpreter} could install ${attempt.installable} of ${attempt.expected}. Its whole output: `, code(`${result.env.host}:${attempt.logPath}`), ', sha256 ', code(attempt.logSha256), '.'),
    ...(findings.length > 0 ? table(['package', 'class', 'cause', 'leads to', 'remedy'], findings.map(findingRow)) : [words('It found nothing.')]),
    ...(findings.length === MOST.findings ? [words(`${atLeast(findings.length, MOST.findings)} findings; all of them are in the output.`)] : []),
    ...evidenceOf(findings, attempt.lines),
    ...hostBlocks(diagnosis),
  ];
}

export const findingRow = ({ project, class: kind, cause, branch, remedy }: Finding): Words[] => [
  project ?? 'the whole attempt', kind, cause?.replaceAll('-', ' ') ?? 'not one of the four', branch.replaceAll('-', ' '), remedy,
];

/** The lines each finding was read from; where there are none, what stood out in the output. */
function evidenceOf(findings: Finding[], lines: string[]): Block[] {
  const told = findings.slice(0, SHOWN).filter(({ evidence }) => evidence.trim() !== '').map(({ project, evidence }) => `# ${oneLine(project ?? 'the whole attempt')}\n${evidence.trim()}`);
  if (told.length > 0) return [preformatted(told.join('\n\n'))];
  return lines.length > 0 ? [preformatted(lines.slice(0, LINES).join('\n'))] : [];
}

function hostBlocks({ system, tools, cache, advice }: Diagnosis): Block[] {
  return [
    fields(
      ['System', platformText(system)],
      ['Memory', system.memoryBytes > 0 ? `${Math.round(system.memoryBytes / 2 ** 20)} MiB` : 'not known'],
      ['Cache', [code(cache.location), ` with ${cache.wheels} wheels, ${Math.round(cache.bytes / 2 ** 20)} MiB`]],
      ['Tools', Object.entries(tools).map(([name, found]) => `${name} ${found}`).join(', ') || 'none looked for'],
    ),
    ...(advice.length > 0 ? [words('To install on the host, by whoever administers it:'), list(advice.map(({ what, command }): Words => [`${what}: `, code(command)]))] : []),
  ];
}

export const platformText = ({ platform, machine, libc, distribution }: Diagnosis['system']): string => [platform, machine, libc, distribution].filter((part) => part !== '').join(', ') || 'not known';
