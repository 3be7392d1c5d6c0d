/** PF-05: what the interpreter that answers for a project is to the policy. */
import { behindText } from '../security-patch.js';
import { oneLine } from '../text.js';
import { classifyInterpreter } from '../versions.js';
import type { EnvironmentFacts, InterpreterFacts } from './facts.js';
import type { CheckRules } from './model.js';
import type { PythonStatus } from './results.js';

/** A status and the sentence for it. */
export interface JudgedPython {
  status: PythonStatus;
  text: string;
}

/** Whether a project may run on an interpreter of this status. */
export const mayRun = (status: PythonStatus): boolean => status === 'primary' || status === 'fallback' || status === 'exception';

/**
 * The same classification as everywhere (DIS-01), with the least patch (PV-34). What the policy does not approve is an `exception`
 * only at the project's own link, and only before the end that was granted (EE-11).
 */
export function pythonStatus(facts: Pick<EnvironmentFacts, 'interpreter' | 'standing' | 'foundBy' | 'at'>, rules: CheckRules): JudgedPython {
  const { interpreter } = facts;
  if (!interpreter.ok) {
    const problem = oneLine(interpreter.problem);
    return { status: 'not_found', text: interpreter.kind === 'broken' ? `the interpreter that is there does not run: ${problem}` : `no Python was found: ${problem}` };
  }
  const { role, text } = judgeVersion(interpreter.value, rules);
  return role === null ? judgeStanding(facts, interpreter.value.version, text) : { status: role, text };
}

function judgeVersion({ version, implementation }: InterpreterFacts, rules: CheckRules): { role: 'primary' | 'fallback' | null; text: string } {
  const { primary, fallback, allowPreReleases, minPatch } = rules;
  if (implementation.toLowerCase() !== 'cpython') {
    return { role: null, text: `${oneLine(implementation)} ${oneLine(version)} is not CPython; approved are CPython ${primary} (primary) and ${fallback} (fallback)` };
  }
  const judged = classifyInterpreter(version, { interpreters: { primary: { version: primary }, fallback: { version: fallback } } }, allowPreReleases);
  if (judged.role === 'prohibited') return { role: null, text: judged.text };
  const behind = behindText(version, { minPatch });
  return behind === null ? { role: judged.role, text: judged.text } : { role: null, text: `Python ${behind}` };
}

function judgeStanding({ standing, foundBy, at }: Pick<EnvironmentFacts, 'standing' | 'foundBy' | 'at'>, version: string, why: string): JudgedPython {
  if (foundBy !== 'link' || standing === null || standing.end === null) return { status: 'unsupported', text: why };
  const { run, end } = standing;
  // An end that can't be read is past: nothing is allowed by it.
  if (Date.parse(end) > Date.parse(at)) return { status: 'exception', text: `Python ${version} stands by exception ${run} until ${end}; ${why}` };
  return { status: 'unsupported', text: `exception ${run} that allowed Python ${version} ended at ${end}; ${why}` };
}
