import assert from 'node:assert/strict';
import { test } from 'node:test';
import { driftFrom, driftText, projectExpectations } from '../../../policy/checks/expected-version.js';
import { goodFacts, goodInterpreter, rules } from '../../support/check-facts.js';

const file = (pythonVersion: string | null) => ({ path: '.smvm_config', exists: true, problem: null, pythonVersion });

test('HM-13, CI-03: the variable and every configuration file expect what they say, and nothing where they say nothing', () => {
  assert.deepEqual(projectExpectations(goodFacts(), rules()), [{ where: 'variable PRICER_PYTHON_VERSION', version: '3.12.4' }, { where: '.smvm_config', version: '3.12.4' }]);
  for (const nothing of [null, '', ' ']) {
    assert.deepEqual(projectExpectations(goodFacts({ variables: { PRICER_PYTHON_VERSION: nothing }, config: [file(nothing)] }), rules()), []);
  }
  assert.deepEqual(projectExpectations(goodFacts({ variables: {}, config: [] }), rules()), []);
  assert.deepEqual(projectExpectations(goodFacts({ config: [file(' 3.12 ')] }), rules({ variables: null })), [{ where: '.smvm_config', version: '3.12' }]);
});

test('HM-13, CI-03: another version is drift, a line means every version of it, and no prefix is a version', () => {
  const drifts = (version: string, running = '3.12.4') => driftFrom([{ where: 'x', version }], goodFacts({ interpreter: goodInterpreter({ version: running }) })).length === 1;
  for (const same of ['3.12.4', '3.12', '3.12.x']) assert.equal(drifts(same), false, same);
  for (const other of ['3.12.40', '3.1', '3.12.1', '3.11.13', '>=3.12', '3', 'x'.repeat(200)]) assert.equal(drifts(other), true, other);
  assert.equal(drifts('3.12.0', '3.12.0rc2'), true);
  assert.equal(driftText({ where: '.smvm_config', version: '3.12.1' }, '3.11.7'), '.smvm_config says Python 3.12.1, and 3.11.7 runs');
});

test('where no interpreter runs nothing has drifted: that there is none is another finding', () => {
  assert.deepEqual(driftFrom([{ where: 'x', version: '3.12' }], goodFacts({ interpreter: { ok: false, kind: 'absent', problem: 'none' } })), []);
});
