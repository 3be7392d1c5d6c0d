/** PF-23: the configuration files say what is true: their `python_version` is the interpreter's. */
import { oneLine, shellWord } from '../text.js';
import { matchesSpec } from '../versions.js';
import type { EnvironmentFacts } from './facts.js';
import type { Check } from './model.js';
import { fileWord } from './remedies.js';
import { unmeasured, verdictOf, type Finding } from './verdict.js';

export const configContent: Check = {
  name: 'config-content',
  title: 'Configuration content',
  blocking: false,
  judge(facts) {
    const { config } = facts;
    if (config.length === 0) return unmeasured('the project names no configuration file', `runbook init ${shellWord(facts.project)} # and name the file under configFiles of runbook.yaml`);
    const findings = config.map((file) => findingOf(file, facts));
    const wrong = config.filter((_, at) => findings[at]!.status !== 'pass').map(({ path }) => fileWord(facts, path));
    return verdictOf(findings, { files: config.map((file) => ({ ...file })) }, `"\${EDITOR:-vi}" ${wrong.join(' ')}`);
  },
};

function findingOf({ path, exists, problem, pythonVersion }: EnvironmentFacts['config'][number], { interpreter }: EnvironmentFacts): Finding {
  if (!exists) return { status: 'warn', line: `${path} is not there` };
  if (problem !== null) return { status: 'unknown', line: `${path} could not be read: ${oneLine(problem)}` };
  if (pythonVersion === null) return { status: 'warn', line: `${path} has no python_version` };
  const said = oneLine(pythonVersion, 80);
  if (!interpreter.ok) return { status: 'unknown', line: `${path} says Python ${said}, and no interpreter could be asked` };
  const { version } = interpreter.value;
  const isTrue = pythonVersion === version || matchesSpec(version, pythonVersion);
  return isTrue ? { status: 'pass', line: `${path} says Python ${said}, as it is` } : { status: 'fail', line: `${path} says Python ${said}, and the interpreter is ${version}` };
}
