/** VJ-12, VJ-13: variables and configuration files that say which Python the project runs. Plain warnings, where they could be read. */
import { driftFrom, driftText, isSet, projectExpectations } from '../expected-version.js';
import type { EnvironmentFacts } from '../facts.js';
import type { CheckRules, VerifierCheck } from '../model.js';
import type { Warning } from '../results.js';
import { notMeasured, warning } from './violation.js';

const CHECK = 'environment_config';

export const environmentConfig: VerifierCheck<'environment_config_check'> = {
  part: 'environment_config_check',
  judge(facts, rules) {
    const { config } = facts;
    const present = names(rules).filter((name) => isSet(facts.variables[name]));
    return {
      result: {
        required_vars_present: present,
        config_file_exists: config.length > 0 && config.every(({ exists }) => exists),
        config_file_valid: config.length > 0 && config.every((file) => configProblem(file) === null),
      },
      violations: names(rules).filter((name) => facts.variables[name] === undefined).map((name) => notMeasured(CHECK, `variable ${name}`, 'it was not read')),
      warnings: [
        ...names(rules).filter((name) => facts.variables[name] !== undefined && !present.includes(name)).map((name) => warning(CHECK, `variable ${name} is not set`)),
        ...(config.length === 0 ? [warning(CHECK, 'the project names no configuration file that says its Python (configFiles in runbook.yaml)')] : []),
        ...config.flatMap((file) => configProblem(file) ?? []).map((problem) => warning(CHECK, problem)),
        ...drift(facts, rules),
      ],
    };
  },
};

const names = ({ variables }: CheckRules): string[] => (variables === null ? [] : [variables.python, variables.wheels]);

/** DEF-19: a file that is not there is said, too. */
function configProblem({ path, exists, problem, pythonVersion }: EnvironmentFacts['config'][number]): string | null {
  if (!exists) return `configuration file ${path} not found`;
  if (problem !== null) return `configuration file ${path} can't be read: ${problem}`;
  return isSet(pythonVersion) ? null : `configuration file ${path} has no python_version setting`;
}

/** HM-13: a warning here; a build of which the same is so fails (`runbook ci version`). */
function drift(facts: EnvironmentFacts, rules: CheckRules): Warning[] {
  const { interpreter } = facts;
  if (!interpreter.ok) return [];
  return driftFrom(projectExpectations(facts, rules), facts).map((one) => warning(CHECK, driftText(one, interpreter.value.version)));
}
