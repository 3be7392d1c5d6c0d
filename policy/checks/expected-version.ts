/** Drift (HM-13, CI-03): whoever says which Python is expected says another one than runs. */
import { oneLine } from '../text.js';
import { matchesSpec } from '../versions.js';
import type { EnvironmentFacts } from './facts.js';
import type { CheckRules } from './model.js';

/** Who expects which Python: `variable PRICER_PYTHON_VERSION`, `.smvm_config`, `--expect`. */
export interface Expectation {
  where: string;
  version: string;
}

/** What the project itself expects: its variable and its configuration files, as far as they say anything. */
export function projectExpectations({ variables, config }: Pick<EnvironmentFacts, 'variables' | 'config'>, rules: Pick<CheckRules, 'variables'>): Expectation[] {
  const said: [string, string | null | undefined][] = [
    ...(rules.variables === null ? [] : [[`variable ${rules.variables.python}`, variables[rules.variables.python]] as [string, string | null | undefined]]),
    ...config.map(({ path, pythonVersion }): [string, string | null] => [path, pythonVersion]),
  ];
  return said.flatMap(([where, value]) => (isSet(value) ? [{ where, version: value.trim() }] : []));
}

/** The expectations that what runs does not meet; a line (`3.12`) means every version of it. Where nothing runs, nothing has drifted. */
export function driftFrom(expected: readonly Expectation[], { interpreter }: Pick<EnvironmentFacts, 'interpreter'>): Expectation[] {
  if (!interpreter.ok) return [];
  const running = interpreter.value.version;
  return expected.filter(({ version }) => version !== running && !matchesSpec(running, version));
}

export const driftText = ({ where, version }: Expectation, running: string): string => `${where} says Python ${oneLine(version, 80)}, and ${running} runs`;

/** A setting without a value says nothing. */
export const isSet = (value: string | null | undefined): value is string => value !== null && value !== undefined && value.trim() !== '';
