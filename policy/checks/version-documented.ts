/** PF-20: the project's configuration says which Python it is for. */
import { oneLine, shellWord } from '../text.js';
import type { EnvironmentFacts } from './facts.js';
import type { Check } from './model.js';
import { fileWord } from './remedies.js';
import { unmeasured, verdictOf, type Finding } from './verdict.js';

export const versionDocumented: Check = {
  name: 'version-documented',
  title: 'Version documented',
  blocking: false,
  judge(facts) {
    const { config, interpreter } = facts;
    const remedy = remedyOf(facts);
    if (config.length === 0) return unmeasured('the project names no configuration file that could say it', `runbook init ${shellWord(facts.project)} # and name the file under configFiles of runbook.yaml`);
    const findings = config.map(findingOf);
    const isRecorded = findings.some(({ status }) => status === 'pass');
    const isUncertain = findings.some(({ status }) => status === 'unknown');
    // One file that records it is enough; a file that can't be read might be that one.
    const status = isRecorded ? 'pass' : isUncertain ? 'unknown' : 'fail';
    return verdictOf(findings.map(({ line }) => ({ status, line })), { recorded: Object.fromEntries(config.map(({ path, pythonVersion }) => [path, pythonVersion])), version: interpreter.ok ? interpreter.value.version : null }, remedy);
  },
};

function findingOf({ path, exists, problem, pythonVersion }: EnvironmentFacts['config'][number]): Finding {
  if (!exists) return { status: 'fail', line: `${path} is not there` };
  if (problem !== null) return { status: 'unknown', line: `${path} could not be read: ${oneLine(problem)}` };
  if (pythonVersion === null) return { status: 'fail', line: `${path} has no python_version` };
  return { status: 'pass', line: `${path} records Python ${oneLine(pythonVersion, 80)}` };
}

/** Adds the setting to the first file; a file that has one is edited by hand. */
function remedyOf(facts: EnvironmentFacts): string {
  const [{ path } = { path: '.smvm_config' }] = facts.config;
  const version = facts.interpreter.ok ? facts.interpreter.value.version : 'VERSION';
  const setting = /\.ya?ml$/.test(path) ? `python_version: "${version}"` : `python_version=${version}`;
  return `echo '${setting}' >> ${fileWord(facts, path)}`;
}
