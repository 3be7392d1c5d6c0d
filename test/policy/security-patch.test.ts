import assert from 'node:assert/strict';
import { test } from 'node:test';
import { policyFileSchema } from '../../policy/files/policy-file.js';
import type { HostLook, Interpreter } from '../../policy/model.js';
import { chooseTarget } from '../../policy/plan.js';
import { behindLeastPatch, contradictions, idleLines, leastOf } from '../../policy/security-patch.js';
import { lookOf } from '../support/fake-host.js';
import { interpreterOf } from '../support/interpreter.js';

const policyOf = (minPatch: Record<string, number>, fallback = '3.11.13') =>
  policyFileSchema.parse({ minPatch, interpreters: { fallback: { version: fallback, justification: 'test' } } });
const lookWith = (...interpreters: Interpreter[]): HostLook => ({ ...lookOf('web-01'), interpreters });
const policy = policyOf({ '3.12': 3 });

test('PV-34: an interpreter older than its line\'s least patch is refused as a target, with what, expected, got and a way out', () => {
  const old = interpreterOf({ version: '3.12.2' });
  for (const spec of ['3.12', '3.12.x', '3.12.2']) {
    const answer = chooseTarget(lookWith(old), spec, policy, false);
    assert.ok('wayOut' in answer, spec);
    assert.match(answer.what, /security patch level of \/opt\/python\/3\.12\.2\/bin\/python/);
    assert.equal(answer.expected, 'Python 3.12.3 or newer (minPatch of the policy)');
    assert.equal(answer.got, '3.12.2');
    assert.match(answer.wayOut, /install Python 3\.12\.3 or newer on web-01/);
  }
});

test('PV-34: the least patch itself, newer ones, and lines without one are taken; the newest that is there decides', () => {
  const taken = (versions: string[], spec: string) => {
    const answer = chooseTarget(lookWith(...versions.map((version) => interpreterOf({ version }))), spec, policy, false);
    return 'wayOut' in answer ? answer.got : answer.version;
  };
  assert.equal(taken(['3.12.3'], '3.12.x'), '3.12.3');
  assert.equal(taken(['3.12.2', '3.12.10'], '3.12'), '3.12.10');
  assert.equal(taken(['3.11.13'], '3.11.13'), '3.11.13');
});

test('PV-34: it is a number, not a text: 3.12.10 is newer than 3.12.3, and 3.120 is another line', () => {
  assert.equal(behindLeastPatch('3.12.10', policy), null);
  assert.equal(behindLeastPatch('3.12.0', policy), '3.12.3');
  assert.equal(behindLeastPatch('3.120.0', policy), null);
  assert.equal(behindLeastPatch('not a version', policy), null);
});

test('PV-34: a release candidate of the least patch is older than it, where pre-releases are allowed at all', () => {
  assert.equal(behindLeastPatch('3.12.3rc1', policy), '3.12.3');
  const answer = chooseTarget(lookWith(interpreterOf({ version: '3.12.3rc1' })), '3.12.x', policy, true);
  assert.equal('wayOut' in answer && answer.got, '3.12.3rc1');
});

test('PV-34: an interpreter that is only judged, because a fallback leaves it, may lack the fixes; one the policy prohibits may not', () => {
  const look = lookWith(interpreterOf({ version: '3.12.1' }), interpreterOf({ version: '3.13.0' }));
  assert.equal('wayOut' in chooseTarget(look, '3.12.x', policy, false, 'judged'), false);
  assert.equal('wayOut' in chooseTarget(look, '3.13.0', policy, false, 'judged'), true);
});

test('PV-34: a policy that approves a version its own minPatch forbids is a contradiction', () => {
  const [problem, ...others] = contradictions(policyOf({ '3.11': 14, '3.12': 3 }));
  assert.deepEqual(others, []);
  assert.deepEqual(problem, { what: 'interpreters.fallback.version', expected: '3.11.14 or newer, by minPatch', got: '3.11.13', wayOut: 'raise interpreters.fallback.version, or lower minPatch' });
  assert.deepEqual(contradictions(policyOf({ '3.11': 13, '3.12': 3 })), []);
});

test('DIS-04: a minimum above what the policy itself approves is a contradiction, told before its minPatch', () => {
  const policyFor = (primary: string, more: object = {}) => policyFileSchema.parse({ interpreters: { primary: { version: primary, justification: 'test' } }, ...more });
  for (const version of ['3.9.x', '3.10.12', '2.7.18']) {
    assert.deepEqual(contradictions(policyFor(version, { minPatch: { '3.10': 99 } })), [{ what: 'interpreters.primary.version', expected: '3.11 or newer, by minimum', got: version, wayOut: 'raise interpreters.primary.version, or lower minimum' }]);
  }
  for (const version of ['3.11.x', '3.11.0', '3.100.x']) assert.deepEqual(contradictions(policyFor(version)), [], version);
  assert.deepEqual(contradictions(policyFor('3.9.x', { minimum: '3.8' })), [], 'another project\'s policy');
  assert.deepEqual(contradictions(policyFor('3.12.x', { minimum: '3.12' })).map(({ what }) => what), ['interpreters.fallback.version']);
});

test('PV-34: lines that no approved version is of say nothing, and are named; a line\'s spec is told with its least patch', () => {
  assert.deepEqual(idleLines(policyOf({ '3.12': 3, '3.9': 1 })), ['3.9']);
  assert.equal(leastOf('3.12.x', policy), '3.12.3');
  assert.equal(leastOf('3.11.13', policyOf({ '3.11': 2 })), '');
});
