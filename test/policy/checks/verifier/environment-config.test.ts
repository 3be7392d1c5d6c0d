import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EnvironmentFacts } from '../../../../policy/checks/facts.js';
import { environmentConfig } from '../../../../policy/checks/verifier/environment-config.js';
import { goodFacts, goodInterpreter, rules } from '../../../support/check-facts.js';

const judge = (facts: Partial<EnvironmentFacts>, more = {}) => environmentConfig.judge(goodFacts(facts), rules(more));
const file = (more: Partial<EnvironmentFacts['config'][number]> = {}) => ({ path: '.smvm_config', exists: true, problem: null, pythonVersion: '3.12.4', ...more });
const messages = (facts: Partial<EnvironmentFacts>) => judge(facts).warnings.map(({ message }) => message);

test('VJ-12: variables that are set are listed, each that is not is a plain warning; without a value it is not set', () => {
  assert.deepEqual(judge({}), { result: { required_vars_present: ['PRICER_PYTHON_VERSION', 'PRICER_WHEEL_STATUS'], config_file_exists: true, config_file_valid: true }, violations: [], warnings: [] });
  const unset = judge({ variables: { PRICER_PYTHON_VERSION: null, PRICER_WHEEL_STATUS: '' } });
  assert.deepEqual(unset.result.required_vars_present, []);
  assert.deepEqual(unset.violations, []);
  assert.deepEqual(unset.warnings, ['PRICER_PYTHON_VERSION', 'PRICER_WHEEL_STATUS'].map((name) => ({ check: 'environment_config', message: `variable ${name} is not set` })));
  const unread = judge({ variables: {} });
  assert.deepEqual(unread.result.required_vars_present, []);
  assert.deepEqual(unread.violations.map(({ severity, message }) => [severity, message]), ['PRICER_PYTHON_VERSION', 'PRICER_WHEEL_STATUS'].map((name) => ['warning', `variable ${name} could not be measured: it was not read`]));
  assert.deepEqual(judge({ variables: {} }, { variables: null }).warnings, []);
});

test('VJ-13, DEF-19: a file that is missing, unreadable or without python_version is a plain warning each, and never valid', () => {
  for (const [config, words, exists] of [
    [file({ exists: false, pythonVersion: null }), 'configuration file .smvm_config not found', false],
    [file({ problem: 'permission denied', pythonVersion: null }), 'configuration file .smvm_config can\'t be read: permission denied', true],
    [file({ pythonVersion: null }), 'configuration file .smvm_config has no python_version setting', true],
    [file({ pythonVersion: ' ' }), 'configuration file .smvm_config has no python_version setting', true],
  ] as const) {
    const { result, warnings, violations } = judge({ config: [config] });
    assert.deepEqual([result.config_file_exists, result.config_file_valid], [exists, false], words);
    assert.deepEqual(warnings, [{ check: 'environment_config', message: words }]);
    assert.deepEqual(violations, []);
  }
});

test('VJ-13: of several files all have to be right; none named is not a right one', () => {
  const { result } = judge({ config: [file(), file({ path: 'config.yaml', pythonVersion: null })] });
  assert.deepEqual([result.config_file_exists, result.config_file_valid], [true, false]);
  const none = judge({ config: [] });
  assert.deepEqual([none.result.config_file_exists, none.result.config_file_valid], [false, false]);
  assert.match(none.warnings[0]!.message, /names no configuration file/);
});

test('HM-13: whoever expects another version than runs is a warning; a line means every version of it', () => {
  const interpreter = goodInterpreter({ version: '3.11.13' });
  assert.deepEqual(messages({ interpreter }), ['variable PRICER_PYTHON_VERSION says Python 3.12.4, and 3.11.13 runs', '.smvm_config says Python 3.12.4, and 3.11.13 runs']);
  for (const value of ['3.12.4', '3.12', '3.12.x', ' 3.12.4 ']) assert.deepEqual(messages({ config: [file({ pythonVersion: value })] }), [], value);
  assert.equal(messages({ config: [file({ pythonVersion: '3.12.40' })] }).length, 1);
  assert.equal(messages({ config: [file({ pythonVersion: '3.1' })] }).length, 1);
});
