import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EnvironmentFacts, VirtualFacts } from '../../../policy/checks/facts.js';
import { virtualEnvironment } from '../../../policy/checks/virtual-environment.js';
import { goodFacts, goodInterpreter, measured, rules, unmeasured } from '../../support/check-facts.js';

const judged = (overrides: Partial<EnvironmentFacts>) => virtualEnvironment.judge(goodFacts(overrides), rules());
const virtual = (overrides: Partial<VirtualFacts>): Partial<EnvironmentFacts> => ({ virtual: { ...goodFacts().virtual!, ...overrides } });
const base = (version: string) => measured({ executable: '/usr/bin/python3.12', version });

test('PF-07, DEF-02: it is compared with the interpreter it was made from, which answered by itself', () => {
  assert.equal(judged({}).status, 'pass');
  const replaced = judged(virtual({ base: base('3.12.9') }));
  assert.equal(replaced.status, 'fail');
  assert.match(replaced.lines[0]!, /runs Python 3\.12\.4; the interpreter it was made from, \/usr\/bin\/python3\.12, is 3\.12\.9/);
  assert.equal(replaced.remedy, 'runbook env reset /srv/pricer --reason "its interpreter was replaced"');
});

test('PF-07, DEF-02: a base that was upgraded in place is found by what pyvenv.cfg says', () => {
  const upgraded = judged({ ...virtual({ base: base('3.12.9'), configured: '3.12.4' }), interpreter: goodInterpreter({ version: '3.12.9' }) });
  assert.equal(upgraded.status, 'fail');
  assert.equal(upgraded.lines[0], 'it was made for Python 3.12.4 (pyvenv.cfg), and runs 3.12.9');
});

test('PF-07: the spellings of venv, uv and virtualenv in pyvenv.cfg are read; what can\'t be read is unknown', () => {
  for (const configured of ['3.12.4', '3.12', '3.12.4.final.0', null]) assert.equal(judged(virtual({ configured })).status, 'pass', String(configured));
  assert.equal(judged(virtual({ configured: '3.13' })).status, 'fail');
  assert.equal(judged(virtual({ configured: 'new' })).status, 'unknown');
});

test('PF-07: pyvenv.cfg of a release candidate has its three numbers only', () => {
  const candidate = { ...virtual({ base: base('3.13.0rc2'), configured: '3.13.0' }), interpreter: goodInterpreter({ version: '3.13.0rc2' }) };
  assert.equal(judged(candidate).status, 'pass');
  assert.equal(judged({ ...candidate, ...virtual({ base: base('3.13.0rc2'), configured: '3.12.0' }) }).status, 'fail');
});

test('PF-07: a release candidate is not the release', () => {
  assert.equal(judged(virtual({ base: base('3.12.4rc1'), configured: null })).status, 'fail');
});

test('PF-08: outside a virtual environment it warns and says how one is made', () => {
  const outside = judged({ virtual: null, foundBy: 'PATH', interpreter: goodInterpreter({ isVirtual: false, executable: '/usr/bin/python3' }) });
  assert.equal(outside.status, 'warn');
  assert.match(outside.remedy!, /python3\.12 -m venv \/srv\/pricer\/\.venv/);
});

test('where something stands that does not run, it is built anew; nothing is created over it', () => {
  assert.equal(judged({ interpreter: { ok: false, kind: 'broken', problem: 'none' } }).remedy, 'runbook env reset /srv/pricer --to 3.12');
  assert.match(judged({ foundBy: 'nothing', interpreter: { ok: false, kind: 'absent', problem: 'none' } }).remedy!, /^runbook env create \/srv\/pricer --to 3\.12$/m);
});

test('DEF-17: no interpreter, no pyvenv.cfg and a base that does not answer are unknown', () => {
  assert.equal(judged({ interpreter: { ok: false, kind: 'absent', problem: 'none' } }).status, 'unknown');
  assert.equal(judged({ virtual: null }).status, 'unknown');
  const silent = judged(virtual({ base: unmeasured('exit code 1') }));
  assert.equal(silent.status, 'unknown');
  assert.match(silent.lines[0]!, /could not be asked: exit code 1/);
});

test('a known mismatch counts more than a base that does not answer', () => {
  assert.equal(judged(virtual({ base: unmeasured(), configured: '3.11.2' })).status, 'fail');
});

test('an environment of other hands is made anew where it is, and gets its packages again', () => {
  const own = judged(virtual({ path: '/srv/pricer/.venv', base: base('3.12.9') }));
  assert.equal(own.remedy, 'python3.12 -m venv --clear /srv/pricer/.venv\n/srv/pricer/.venv/bin/python -m pip install -r /srv/pricer/requirements.lock');
});
