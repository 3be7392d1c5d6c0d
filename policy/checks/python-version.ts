/** Check 1 (PF-05, PF-06): the interpreter is one that the policy approves, or that an exception allows for now. */
import type { EnvironmentFacts } from './facts.js';
import type { Check, CheckRules } from './model.js';
import { mayRun, pythonStatus } from './python-status.js';
import { changeCommands } from './remedies.js';
import type { Judged } from './verdict.js';

export const pythonVersion: Check = {
  name: 'python-version',
  title: 'Python version',
  blocking: true,
  judge(facts, rules) {
    const { status, text } = pythonStatus(facts, rules);
    const passes = mayRun(status);
    return {
      status: passes ? 'pass' : 'fail',
      lines: [text, ...versionLines(facts)],
      evidence: evidenceOf(facts, rules, status),
      remedy: passes ? null : changeCommands(facts, rules),
    };
  },
};

function versionLines({ interpreter }: EnvironmentFacts): string[] {
  return interpreter.ok ? [`${interpreter.value.executable} is ${interpreter.value.implementation} ${interpreter.value.version}`] : [];
}

function evidenceOf({ interpreter, foundBy, standing }: EnvironmentFacts, { primary, fallback }: CheckRules, status: string): Judged['evidence'] {
  const approved = { status, foundBy, primary, fallback };
  if (!interpreter.ok) return { ...approved, version: null, problem: interpreter.problem };
  const { version, implementation, executable, realpath } = interpreter.value;
  return { ...approved, version, implementation, executable, realpath, ...(standing ? { run: standing.run, end: standing.end } : {}) };
}
