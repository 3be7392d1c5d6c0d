/**
 * What a failed command's output means: a class, whether trying again can help, and what a person can do. The rules are data, in
 * order; the first one that hits decides. Exit codes of pip say nothing (every cause is 1), so text decides first.
 */
import { failureRules } from './failure-rules.js';
import { shown } from './mask.js';
import type { FailureClass, WheelFailureCause } from './model.js';

/** Who wrote the output: an installer, the `venv` module, or Python itself (imports, probes). */
export type Tool = 'uv' | 'pip' | 'venv' | 'python';

/** One line of the table in docs/when-things-go-wrong.md. */
export interface FailureRule {
  pattern: RegExp;
  /** A second pattern the same output must hold. */
  also?: RegExp;
  /** The rule holds for these exit codes only. */
  exitCodes?: number[];
  tools: Tool[];
  class: FailureClass;
  retryable: boolean;
  /** What to do, one sentence. */
  remedy: string;
  /** WF-01, where the class alone does not tell: null is none of the four. */
  cause?: WheelFailureCause | null;
}

export interface ClassifiedFailure {
  class: FailureClass;
  retryable: boolean;
  remedy: string;
  /** The line that decided, masked; or the exit code when none did. */
  evidence: string;
  /** Of the rule that hit, where it names one; else the class's own (`causeOf`) holds. */
  cause?: WheelFailureCause | null;
}

/** Characters of output and of one line that rules look at; the longest line seen that mattered had some 1,500. */
const MAX_TEXT = 1024 * 1024;
const MAX_LINE = 4000;
const UNKNOWN_REMEDY = 'read the command output; the last lines name the cause in the tool\'s own words';

/**
 * Classifies a failed command by its whole output (pip: with its `--log` file). Text that no rule knows is UNKNOWN and not
 * retried: every attempt costs a build, and the run's undo is safe.
 * @param exitCode null when a signal ended the command.
 */
export function classifyOutput(rawText: string, tool: Tool, exitCode: number | null): ClassifiedFailure {
  const text = boundedText(rawText);
  for (const rule of failureRules) {
    if (!rule.tools.includes(tool)) continue;
    if (rule.exitCodes !== undefined && !(exitCode !== null && rule.exitCodes.includes(exitCode))) continue;
    const hit = rule.pattern.exec(text);
    if (hit === null || (rule.also !== undefined && !rule.also.test(text))) continue;
    return { class: rule.class, retryable: rule.retryable, remedy: rule.remedy, evidence: lineAt(text, hit) || exitText(exitCode), ...(rule.cause === undefined ? {} : { cause: rule.cause }) };
  }
  if (exitCode === null && text.trim() === '') return { ...killed(), evidence: exitText(exitCode) };
  return { class: 'UNKNOWN', retryable: false, remedy: UNKNOWN_REMEDY, evidence: lastLine(text) || exitText(exitCode) };
}

/** A log of any size is judged in bounded time: head and tail of the output, head of each line. */
export function boundedText(text: string): string {
  const kept = text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT / 4)}\n${text.slice(-MAX_TEXT * 3 / 4)}`;
  return kept.split('\n').map((line) => line.slice(0, MAX_LINE)).join('\n');
}

/** Remedy of a class where no text is at hand: the first rule's. */
export function remedyOf(failure: FailureClass): string {
  return failureRules.find((rule) => rule.class === failure)?.remedy ?? UNKNOWN_REMEDY;
}

/** Whether trying again can help. */
export function isRetryable(failure: FailureClass): boolean {
  return failureRules.find((rule) => rule.class === failure)?.retryable ?? false;
}

function killed(): Pick<ClassifiedFailure, 'class' | 'retryable' | 'remedy'> {
  return { class: 'KILLED', retryable: true, remedy: remedyOf('KILLED') };
}

/** The line a match ends on (of a match over several lines the last says most); the last line for a rule without text. */
function lineAt(text: string, hit: RegExpExecArray): string {
  if (hit[0] === '') return lastLine(text);
  const end = hit.index + hit[0].trimEnd().length;
  const from = text.lastIndexOf('\n', Math.max(hit.index, end - 1)) + 1;
  const to = text.indexOf('\n', end);
  return shown(text.slice(from, to === -1 ? undefined : to).trim(), 300);
}

function lastLine(text: string): string {
  return shown(text.trimEnd().split('\n').at(-1)?.trim() ?? '', 300);
}

function exitText(exitCode: number | null): string {
  return exitCode === null ? 'ended by a signal, no output' : `exit code ${exitCode}, no output`;
}
