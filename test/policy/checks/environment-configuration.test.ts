import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environmentConfiguration } from '../../../policy/checks/environment-configuration.js';
import type { EnvironmentFacts } from '../../../policy/checks/facts.js';
import { goodFacts, goodInterpreter, rules } from '../../support/check-facts.js';

const judged = (overrides: Partial<EnvironmentFacts>) => environmentConfiguration.judge(goodFacts(overrides), rules());

test('PF-13: both set is a pass; unset or empty ones warn, with the values to set', () => {
  assert.deepEqual(judged({}).lines, ['PRICER_PYTHON_VERSION: 3.12.4', 'PRICER_WHEEL_STATUS: healthy']);
  const unset = judged({ variables: { PRICER_PYTHON_VERSION: null, PRICER_WHEEL_STATUS: '' } });
  assert.equal(unset.status, 'warn');
  assert.deepEqual(unset.lines, ['PRICER_PYTHON_VERSION: not set', 'PRICER_WHEEL_STATUS: not set']);
  assert.equal(unset.remedy, 'export PRICER_PYTHON_VERSION=3.12.4\nexport PRICER_WHEEL_STATUS=healthy');
});

test('PF-13: only what is missing is to be set; on the fallback the state is what a run writes there', () => {
  const one = judged({ interpreter: goodInterpreter({ version: '3.11.13' }), variables: { PRICER_PYTHON_VERSION: '3.11.13', PRICER_WHEEL_STATUS: null } });
  assert.equal(one.remedy, 'export PRICER_WHEEL_STATUS=fallback');
});

test('PF-13: a version that the interpreter is not warns; its line is enough', () => {
  const variables = (value: string) => ({ variables: { PRICER_PYTHON_VERSION: value, PRICER_WHEEL_STATUS: 'healthy' } });
  const stale = judged(variables('3.11.13'));
  assert.equal(stale.status, 'warn');
  assert.equal(stale.lines[0], 'PRICER_PYTHON_VERSION: 3.11.13, and the interpreter is 3.12.4');
  for (const value of ['3.12', '3.12.x', '3.12.4']) assert.equal(judged(variables(value)).status, 'pass', value);
});

test('PF-13: without an interpreter the value to set asks for it', () => {
  const { remedy } = judged({ interpreter: { ok: false, kind: 'absent', problem: 'none' }, variables: { PRICER_PYTHON_VERSION: null, PRICER_WHEEL_STATUS: 'healthy' } });
  assert.match(remedy!, /^export PRICER_PYTHON_VERSION="\$\(\/srv\/pricer\/\.venv\/bin\/python -c /);
});

test('DEF-17: a variable that nobody looked for is unknown', () => {
  assert.equal(judged({ variables: {} }).status, 'unknown');
});

test('a project without a prefix asks for no variables', () => {
  assert.equal(environmentConfiguration.judge(goodFacts({ variables: {} }), rules({ variables: null })).status, 'pass');
});
