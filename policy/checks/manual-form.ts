/**
 * The manual list as a form that a person signs off (PF-27): verdicts are filled in as they were measured, the boxes are open. It is
 * the written procedure, too: how to look by hand, and what to do where something is wrong (PF-28).
 */
import { sha256Hex } from '../canonical.js';
import { markdownCode, markdownText, oneLine } from '../text.js';
import { MANUAL_SECTIONS, measuredFor, type ManualItem } from './manual-items.js';
import type { CheckStatus } from './model.js';
import type { PreflightReport } from './results.js';
import { STATUS_WORDS } from './preflight-log.js';
import { targetWord } from './remedies.js';

const HEAD = '# Manual preflight, form 1';

/** What somebody handed in. */
export interface FilledForm {
  /** The form with all boxes open, byte for byte as it was written out. */
  text: string;
  /** sha256 of that text: what a signature is for. */
  digest: string;
  /** Numbers of items that are not ticked: `2.3`. */
  open: string[];
  /** What the form says was measured, by number; to be held against what is measured now. */
  verdicts: Record<string, CheckStatus>;
  /** ISO instant at which it says so. */
  at: string;
  /** Its lines of project, Python, status and counts. */
  head: string[];
}

/** What a person looked at is signed the day it was measured. */
const OLDEST_HOURS = 24;
const HOUR_MS = 3_600_000;

/** The form of a report of `manualPreflight`, as Markdown; ends with a newline. The same report gives the same text. */
export function manualForm(report: PreflightReport): string {
  const sections = MANUAL_SECTIONS.flatMap(({ title, items }, at) => ['', `## ${at + 1}. ${title}`, '', ...items.map((item, index) => itemLine(`${at + 1}.${index + 1}`, item, report)), ...detailLines(items, report), ...byHandLines(items, report)]);
  return [HEAD, '', ...placeLines(report), ...headLines(report), '', 'Tick `[x]` what you looked at and confirm; leave open what you do not. Change nothing else.', ...sections, '', '## Sign-off', '', `Sign with ${markdownCode(`runbook preflight ${targetWord(report)} --manual --sign-off FILE`)}; the signature is for this text.`]
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

const AT = /^- Measured at: (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)$/;
/** The words of an item have no colon: what was measured, which may have one, comes after the first. */
const BOX = /^- \[([ xX])\] (\d+\.\d+) ([^:]+): (pass|warn|fail|unknown); /;

/** Reads a form that came back; null for a text that is no form, or none of this environment. What editors do to line ends is undone. */
export function readManualForm(raw: string, place: Pick<PreflightReport, 'host' | 'link'>): FilledForm | null {
  const lines = raw.replace(/^\ufeff/, '').split(/\r\n|\r|\n/).map((line) => line.trimEnd());
  while (lines.at(-1) === '') lines.pop();
  const isOurs = lines[0] === HEAD && placeLines(place).every((line, at) => lines[at + 2] === line);
  const boxes = lines.map((line) => BOX.exec(line)).filter((match) => match !== null);
  const expected = MANUAL_SECTIONS.flatMap(({ items }, at) => items.map(({ confirm }, index) => `${at + 1}.${index + 1} ${confirm}`));
  const [project, measuredAt, ...others] = lines.slice(4, 9);
  const at = AT.exec(measuredAt ?? '')?.[1];
  if (!isOurs || at === undefined || boxes.map(([, , number, words]) => `${number} ${words}`).join('\n') !== expected.join('\n')) return null;
  const text = lines.map((line) => `${BOX.test(line) ? line.replace(/^- \[.\]/, '- [ ]') : line}\n`).join('');
  return {
    text,
    digest: sha256Hex(text),
    open: boxes.filter(([, mark]) => mark === ' ').map(([, , number]) => number!),
    verdicts: Object.fromEntries(boxes.map(([, , number, , verdict]) => [number!, verdict as CheckStatus])),
    at,
    head: [project!, ...others],
  };
}

/** What a form says other than is so now, as an expectation and what came; null: it may be signed. */
export function formDifference({ verdicts, head, at }: FilledForm, report: PreflightReport): { expected: string; got: string } | null {
  const now = readManualForm(manualForm(report), report);
  if (now === null) throw new Error(`the form of ${report.link} can't be read back`);
  const expected = 'what is measured now';
  const other = Object.keys(now.verdicts).filter((number) => now.verdicts[number] !== verdicts[number]);
  if (other.length > 0) return { expected, got: `other verdicts: ${other.map((number) => `${number} was ${verdicts[number]}, is ${now.verdicts[number]}`).join(', ')}` };
  const line = now.head.findIndex((own, index) => own !== head[index]);
  if (line >= 0) return { expected, got: `"${oneLine(head[line] ?? '')}" where it is "${oneLine(now.head[line]!)}"` };
  const hours = (Date.parse(report.at) - Date.parse(at)) / HOUR_MS;
  return hours >= 0 && hours <= OLDEST_HOURS ? null : { expected: `a form of the last ${OLDEST_HOURS} h`, got: `one measured at ${at}` };
}

const placeLines = ({ host, link }: Pick<PreflightReport, 'host' | 'link'>): string[] => [`- Host: ${markdownCode(host)}`, `- Environment: ${markdownCode(link)}`];

function headLines({ at, project, python, status, passed, warned, failed, unknown, total }: PreflightReport): string[] {
  return [
    `- Project: ${markdownCode(project)}`,
    `- Measured at: ${at}`,
    `- Python: ${python.status}${python.version === null ? '' : ` (${markdownText(python.version, 80)})`}`,
    `- Status: ${status.replaceAll('_', '\\_')}: ${STATUS_WORDS[status]}`,
    `- Checks: ${passed} passed, ${failed} failed, ${warned} warned, ${unknown} unknown, of ${total}`,
  ];
}

function itemLine(number: string, item: ManualItem, report: PreflightReport): string {
  const { status, line } = measuredFor(report, item);
  return `- [ ] ${number} ${item.confirm}: ${status}; ${markdownText(line)}`;
}

/** What else was found, and the way out: of what did not pass, each check once. */
function detailLines(items: readonly ManualItem[], report: PreflightReport): string[] {
  const names = [...new Set(items.map(({ check }) => check))];
  const results = report.checks.filter(({ check, status }) => names.includes(check) && status !== 'pass');
  return results.flatMap(({ check, status, lines, remedy }) => {
    return ['', `${markdownCode(check)}, ${status}:`, '', ...lines.map((line) => `- ${markdownText(line)}`), ...(remedy === null ? [] : ['', 'Way out:', '', ...remedy.split('\n').map((line) => `    ${oneLine(line, 2000)}`)])];
  });
}

function byHandLines(items: readonly ManualItem[], report: PreflightReport): string[] {
  return ['', 'By hand:', '', ...[...new Set(items.map((item) => item.byHand(report)))].map((line) => `    ${oneLine(line, 2000)}`)];
}
