import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EnvironmentFacts } from '../../../policy/checks/facts.js';
import type { CheckRules } from '../../../policy/checks/model.js';
import { pythonStatus } from '../../../policy/checks/python-status.js';
import { goodFacts, goodInterpreter, rules } from '../../support/check-facts.js';

const RUN = 'ex-01ARZ3NDEKTSV4RRFFQ69G5FAV';
const statusOf = (version: string, more: Partial<EnvironmentFacts> = {}, given: Partial<CheckRules> = {}) =>
  pythonStatus(goodFacts({ interpreter: goodInterpreter({ version }), ...more }), rules(given));

test('PF-05: each version has one of the documents\' statuses, by reading it and not by its beginning', () => {
  const expected: Record<string, string> = {
    '3.12.0': 'primary',
    '3.12.4': 'primary',
    '3.12.40': 'primary',
    '3.11.13': 'fallback',
    '3.11.9': 'unsupported',
    '3.11.130': 'unsupported',
    '3.120.0': 'unsupported',
    '3.1.2': 'unsupported',
    '3.13.0': 'unsupported',
    '3.12.0rc2': 'unsupported',
    '3.12.1+': 'unsupported',
    '3.12': 'unsupported',
    '': 'unsupported',
  };
  for (const [version, status] of Object.entries(expected)) assert.equal(statusOf(version).status, status, version);
});

test('PF-06: what is not approved is told with both approved versions', () => {
  assert.equal(statusOf('3.13.0').text, 'Python 3.13.0 is not yet tested and approved; approved are 3.12.x (primary) and 3.11.13 (fallback)');
  assert.match(statusOf('3.12.0rc2').text, /not a final release; approved are 3\.12\.x .* and 3\.11\.13/);
});

test('PF-05: no interpreter and one that does not run are not found, each in its own words', () => {
  const absent = pythonStatus(goodFacts({ interpreter: { ok: false, kind: 'absent', problem: 'PATH names no python3' }, foundBy: 'nothing' }), rules());
  assert.deepEqual(absent, { status: 'not_found', text: 'no Python was found: PATH names no python3' });
  const broken = pythonStatus(goodFacts({ interpreter: { ok: false, kind: 'broken', problem: 'exit code 127\nlibpython is missing' } }), rules());
  assert.deepEqual(broken, { status: 'not_found', text: 'the interpreter that is there does not run: exit code 127 libpython is missing' });
});

test('a release candidate counts where the class of the host allows pre-releases', () => {
  assert.equal(statusOf('3.12.0rc2', {}, { allowPreReleases: true }).status, 'primary');
});

test('another implementation of an approved version is not what was approved', () => {
  const judged = pythonStatus(goodFacts({ interpreter: goodInterpreter({ version: '3.11.13', implementation: 'PyPy' }) }), rules());
  assert.equal(judged.status, 'unsupported');
  assert.match(judged.text, /^PyPy 3\.11\.13 is not CPython/);
});

test('PV-34: an approved version older than its line\'s least patch is unsupported, with the least patch in words', () => {
  const judged = statusOf('3.12.4', {}, { minPatch: { '3.12': 10 } });
  assert.equal(judged.status, 'unsupported');
  assert.match(judged.text, /^Python 3\.12\.4 is older than 3\.12\.10/);
  assert.equal(statusOf('3.12.10', {}, { minPatch: { '3.12': 10 } }).status, 'primary');
});

test('EE-11: what an exception allows is exception before its end, and unsupported from the end on', () => {
  const at = '2026-03-01T12:00:00.000Z';
  const ending = (end: string | null): Partial<EnvironmentFacts> => ({ at, standing: { run: RUN, end } });
  const standing = statusOf('3.13.1', ending('2026-03-01T12:00:00.001Z'));
  assert.equal(standing.status, 'exception');
  assert.match(standing.text, new RegExp(`Python 3\\.13\\.1 stands by exception ${RUN} until 2026-03-01T12:00:00\\.001Z`));
  for (const end of ['2026-03-01T12:00:00.000Z', '2026-02-28T00:00:00.000Z', 'some day']) {
    const past = statusOf('3.13.1', ending(end));
    assert.equal(past.status, 'unsupported', end);
    assert.match(past.text, new RegExp(`exception ${RUN} that allowed Python 3\\.13\\.1 ended at ${end}`));
  }
  assert.equal(statusOf('3.13.1', ending(null)).status, 'unsupported');
});

test('EE-11: instants of other time zones are compared as instants, not as text', () => {
  assert.equal(statusOf('3.13.1', { at: '2026-03-01T12:00:00.000Z', standing: { run: RUN, end: '2026-03-01T12:30:00+01:00' } }).status, 'unsupported');
});

test('EE-11: an exception is for the project\'s own link; another interpreter is not excused by it', () => {
  for (const foundBy of ['VIRTUAL_ENV', 'PATH'] as const) {
    assert.equal(statusOf('3.13.1', { foundBy, standing: { run: RUN, end: '2099-01-01T00:00:00.000Z' } }).status, 'unsupported', foundBy);
  }
});

test('EE-11: an approved interpreter is what it is, exception or not', () => {
  assert.equal(statusOf('3.12.4', { standing: { run: RUN, end: '2099-01-01T00:00:00.000Z' } }).status, 'primary');
});
