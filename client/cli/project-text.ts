/** The text of a new `runbook.yaml`: what was found, and as comments what else it may say. */
import { stringify } from 'yaml';
import type { DetectedProject } from './detect-project.js';

/** Every line that is no comment was found in the project; it parses as a project file. */
export function projectFileText(found: DetectedProject): string {
  const { name, lock, link, importModule, tests, testsHint, envPrefix, envFile, configFiles } = found;
  return [
    '# What interpreter-runbooks needs to know of this project. It may only tighten what policy and agent file say.',
    entry('name', name),
    entry('lock', lock),
    entry('link', link),
    importModule ? entry('importModule', importModule) : '# importModule: the_package_of_this_project',
    '# Modules imported in every verification, each in its own process; empty: the top-level modules of every locked package.',
    'imports: []',
    '# Arguments after the environment\'s own Python.',
    ...(testsHint ? [`# ${testsHint}`] : []),
    entry('tests', tests),
    '# Version variables and configuration, edited in place by key at every change: PREFIX_PYTHON_VERSION, PREFIX_WHEEL_STATUS; python_version.',
    ...(envFile ? [entry('envPrefix', envPrefix), entry('envFile', envFile)] : [`# envPrefix: ${envPrefix}`, '# envFile: .env']),
    ...(configFiles.length > 0 ? [entry('configFiles', configFiles)] : ['# configFiles: [{ path: config.yaml, format: yaml }]']),
    '',
  ].join('\n');
}

const entry = (key: string, value: unknown): string => stringify({ [key]: value }, { lineWidth: 0, collectionStyle: 'flow', flowCollectionPadding: true }).trimEnd().replace(/^\{ (.*) \}$/s, '$1');

/** The text of a new `policy.yaml`: the documents' policy, with what a company decides first. `shown`: fields with their defaults. */
export function policyFileText(shown: object): string {
  return [
    '# The company\'s policy. What is left out has the documents\' figure as its default: runbook policy show prints all of it.',
    '# Unknown keys are errors. A change of this file is a new policy with a digest of its own: runbook policy check.',
    stringify(shown, { lineWidth: 0 }).trimEnd(),
    '# Oldest patch release of a line that has the security fixes the company asks for:',
    '# minPatch: { "3.12": 3 }',
    '',
  ].join('\n');
}
