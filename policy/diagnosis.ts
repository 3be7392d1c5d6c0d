/**
 * From what an installer printed to findings: cause, evidence, remedy and the branch each leads to (WF-14, WF-15, WF-20). A
 * network or index failure is never "no wheel".
 */
import { causeOf, causeOfFiles } from './assess.js';
import { branchOf } from './branches.js';
import { boundedText, classifyOutput } from './failures.js';
import type { ClassifiedFailure, Tool } from './failures.js';
import { saidBy } from './installer-text.js';
import { maskSecrets, shown } from './mask.js';
import type { FailureClass, Finding, Interpreter, WheelFailureCause } from './model.js';
import { lastCollected, namesProject, projectsNamed } from './named-projects.js';
import { parseWheelName, tagRanks } from './tags.js';

export { branchOf } from './branches.js';

const MAX_EVIDENCE = 2000;
const MAX_LINES = 50;
const MAX_LINE = 400;
/** A line of ours in a log: what was run, which says `wheel` in its options. */
const OUR_COMMAND = '$ ';
const OUTSTANDING = /error|failed|wheel/i;
/** pip's log has one line for each file an index lists, thousands of them with "wheel", and talk of its temporary folders. */
const LISTING = /^ *(?:Skipping link|Found link|Created temporary directory|Removed )/;

/** Classes that are about a package; all others are about the host, the network or the index, whatever package was asked for. */
const OF_A_PACKAGE: ReadonlySet<FailureClass> = new Set<FailureClass>([
  'WHEEL_MISSING', 'NO_DISTRIBUTION', 'VERSION_NOT_FOUND', 'PROJECT_NOT_FOUND', 'REQUIRES_PYTHON', 'CONFLICT', 'AMBIGUOUS',
  'HASH_MISMATCH', 'HASH_MISSING', 'WHEEL_WRONG_TAG', 'WHEEL_CORRUPT', 'BUILD', 'KILLED',
]);

/** Whether a failure is a statement about the package that was asked for. */
export const isOfPackage = (failure: FailureClass): boolean => OF_A_PACKAGE.has(failure);

/**
 * What a whole output says: one finding for the attempt, and one for each package it names. None for a command that succeeded.
 * @param exitCode null when a signal ended the command.
 * @param suspects projects that were asked for; one alone is what an output is about that names none.
 */
export function findingsOf(output: string, tool: Tool, exitCode: number | null, interpreter: Interpreter, suspects: readonly string[] = []): Finding[] {
  if (exitCode === 0) return [];
  const text = boundedText(saidBy(maskSecrets(output)));
  const known = classifyOutput(text, tool, exitCode);
  const about = (project: string | null): Finding => finding(known, project, text, interpreter);
  return [about(null), ...projectsOf(text, known, suspects).map(about)];
}

function projectsOf(text: string, known: ClassifiedFailure, suspects: readonly string[]): string[] {
  const named = projectsNamed(text);
  if (named.length > 0) return named;
  if (!isOfPackage(known.class)) return [];
  const collected = lastCollected(text);
  if (collected !== null) return [collected];
  return suspects.length === 1 ? [...suspects] : [];
}

function finding(known: ClassifiedFailure, project: string | null, text: string, interpreter: Interpreter): Finding {
  const cause = causeFor(known, text, interpreter);
  return { project, class: known.class, cause, evidence: evidenceOf(known, project, text), remedy: known.remedy, branch: branchOf(known.class, cause) };
}

/** A file for another platform and one for another Python are refused with the same words: its name tells. */
function causeFor(known: ClassifiedFailure, text: string, interpreter: Interpreter): WheelFailureCause | null {
  if (known.cause !== undefined) return known.cause;
  if (known.class === 'WHEEL_WRONG_TAG') {
    const name = /([A-Za-z0-9][\w.+-]{0,200}\.whl)/.exec(text)?.[1] ?? '';
    if (parseWheelName(name) !== null) return causeOfFiles([{ name }], tagRanks(interpreter)) ?? null;
  }
  return causeOf(known.class);
}

/** The line that decided, then those that name the package. */
function evidenceOf(known: ClassifiedFailure, project: string | null, text: string): string {
  const naming = project === null ? [] : text.split('\n').filter((line) => namesProject(line, project)).slice(-MAX_LINES).map((line) => shown(line.trim(), MAX_LINE));
  const lines = [...new Set([known.evidence, ...naming])].filter((line) => line !== '');
  const kept: string[] = [];
  for (const line of lines) {
    if (kept.join('\n').length + line.length + 1 > MAX_EVIDENCE) break;
    kept.push(line);
  }
  return kept.join('\n');
}

/** WF-15: the lines that mention an error, a failure or a wheel, each once, masked; the first 50. */
export function outstandingLines(output: string): string[] {
  const lines = saidBy(output).split('\n').filter((line) => OUTSTANDING.test(line) && !LISTING.test(line) && !line.startsWith(OUR_COMMAND)).map((line) => shown(line.trim(), MAX_LINE));
  return [...new Set(lines)].slice(0, MAX_LINES);
}
