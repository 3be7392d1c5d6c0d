import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EnvironmentFacts } from '../../../policy/checks/facts.js';
import { packageDependencies } from '../../../policy/checks/package-dependencies.js';
import { goodFacts, goodInterpreter, measured, rules, unmeasured } from '../../support/check-facts.js';

const judged = (overrides: Partial<EnvironmentFacts>, required?: string[]) => packageDependencies.judge(goodFacts(overrides), rules(required ? { required } : {}));
const imports = (failing: Record<string, string>) => measured(['pandas', 'numpy', 'fastapi', 'sqlalchemy', 'pytest'].map((module) => ({ module, ok: !(module in failing), error: failing[module] ?? '' })));

test('PF-09: each required package is told; all there is a pass', () => {
  const { status, lines } = judged({});
  assert.equal(status, 'pass');
  assert.deepEqual(lines, ['all 5 required packages are available', ...['pandas', 'numpy', 'fastapi', 'sqlalchemy', 'pytest'].map((name) => `${name}: available`)]);
});

test('PF-09: missing ones fail with their count, their names and the error; the others are told, too', () => {
  const { status, lines, evidence, remedy } = judged({ imports: imports({ numpy: "ModuleNotFoundError: No module named 'numpy'", pandas: 'ImportError: a\nb' }) });
  assert.equal(status, 'fail');
  assert.deepEqual(lines.slice(0, 3), ['2 of 5 required packages missing', 'pandas: not available: ImportError: a b', "numpy: not available: ModuleNotFoundError: No module named 'numpy'"]);
  assert.equal(lines.length, 6);
  assert.deepEqual(evidence.missing, ['pandas', 'numpy']);
  assert.equal(remedy, 'runbook env reset /srv/pricer --reason "differs from its lock"');
});

test('DEF-17: imports that nobody tried are unknown, all of them or one', () => {
  assert.equal(judged({ imports: unmeasured('no interpreter') }).status, 'unknown');
  const { status, lines, evidence } = judged({}, ['pandas', 'scipy']);
  assert.equal(status, 'unknown');
  assert.equal(lines[0], '1 of 2 required packages not tried');
  assert.deepEqual(evidence.untried, ['scipy']);
});

test('a package known to be missing counts more than one that was not tried', () => {
  assert.equal(judged({ imports: imports({ numpy: 'gone' }) }, ['numpy', 'scipy']).status, 'fail');
});

test('a list that is empty requires nothing', () => {
  assert.deepEqual(judged({ imports: measured([]) }, []).lines, ['no package is required']);
});

test('a module that no pin is named like is told before the lock is installed again', () => {
  const { remedy } = judged({ imports: measured([{ module: 'scipy', ok: false, error: 'x' }]) }, ['scipy']);
  assert.match(remedy!, /^# pin first in requirements\.lock what brings scipy[^]*\n# or, where the project needs others: checks\.projects of the policy, for \w+$/);
});

test('nothing is installed into an interpreter outside an environment', () => {
  const outside = { virtual: null, foundBy: 'PATH' as const, interpreter: goodInterpreter({ isVirtual: false }), imports: imports({ numpy: 'gone' }) };
  assert.equal(judged(outside).remedy, 'runbook env create /srv/pricer');
});
