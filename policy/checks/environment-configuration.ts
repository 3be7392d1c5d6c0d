/** Check 5 (PF-13): the variables that tell programs their Python and the state of its wheels. It only warns. */
import { oneLine } from '../text.js';
import { matchesSpec } from '../versions.js';
import type { EnvironmentFacts } from './facts.js';
import type { Check, CheckRules } from './model.js';
import { pythonStatus } from './python-status.js';
import { pythonWord } from './remedies.js';
import { verdictOf, type Finding } from './verdict.js';

export const environmentConfiguration: Check = {
  name: 'environment-configuration',
  title: 'Environment configuration',
  blocking: false,
  judge(facts, rules) {
    if (rules.variables === null) return { status: 'pass', lines: ['the project asks for no variables (envPrefix of runbook.yaml)'], evidence: {}, remedy: null };
    const { python, wheels } = rules.variables;
    const findings = [python, wheels].map((name) => findingOf(name, name === python, facts));
    const evidence = Object.fromEntries([python, wheels].map((name) => [name, valueOf(facts, name) ?? null]));
    return verdictOf(findings, evidence, exportCommands([python, wheels].filter((_, at) => findings[at]!.status !== 'pass'), facts, rules));
  },
};

const valueOf = ({ variables }: EnvironmentFacts, name: string): string | null | undefined => (Object.hasOwn(variables, name) ? variables[name] : undefined);

function findingOf(name: string, isVersion: boolean, facts: EnvironmentFacts): Finding {
  const value = valueOf(facts, name);
  if (value === undefined) return { status: 'unknown', line: `${name}: it was not looked for` };
  if (value === null || value === '') return { status: 'warn', line: `${name}: not set` };
  const { interpreter } = facts;
  if (isVersion && interpreter.ok && value !== interpreter.value.version && !matchesSpec(interpreter.value.version, value)) {
    return { status: 'warn', line: `${name}: ${oneLine(value, 80)}, and the interpreter is ${interpreter.value.version}` };
  }
  return { status: 'pass', line: `${name}: ${oneLine(value, 80)}` };
}

/** Current version and state: the same words a run writes (WF-30). */
function exportCommands(names: string[], facts: EnvironmentFacts, rules: CheckRules): string {
  const version = facts.interpreter.ok ? facts.interpreter.value.version : `"$(${pythonWord(facts)} -c 'import platform; print(platform.python_version())')"`;
  const state = pythonStatus(facts, rules).status === 'fallback' ? 'fallback' : 'healthy';
  return names.map((name) => `export ${name}=${name === rules.variables!.python ? version : state}`).join('\n');
}
