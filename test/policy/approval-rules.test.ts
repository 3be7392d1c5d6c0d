import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { remindersBetween, rulesFor, stagesOf } from '../../policy/approval-rules.js';
import { policyFileSchema } from '../../policy/files/policy-file.js';
import { canFill } from '../../policy/quorum.js';
import { at, keyOf, OPENED, signersOf } from '../support/approval-core.js';

const HOUR = 3_600_000;
const CAB = { cab: ['alice', 'bob', 'carol'] };
const policyOf = (roles: Record<string, string[]> = CAB, more: Record<string, unknown> = {}) => policyFileSchema.parse({ ...signersOf(roles), ...more });
const two = stagesOf(2);

test('a number is so many of the CAB, 0 is nothing, and stages are themselves', () => {
  assert.deepEqual(stagesOf(0), []);
  assert.deepEqual(stagesOf(2), [{ role: 'cab', quorum: 2 }]);
  assert.deepEqual(stagesOf([{ role: 'security', quorum: 1 }]), [{ role: 'security', quorum: 1 }]);
});

test('AP-12: rules name stages with who is eligible: everybody with the role but the requester', () => {
  const policy = policyOf({ ...CAB, security: ['dave'] }, { approval: { inOrder: false, veto: ['security'] } });
  const stages = [...two, { role: 'security', quorum: 1 }];
  assert.deepEqual(rulesFor(policy, stages, 'bob', OPENED), { rules: { stages: [{ role: 'cab', quorum: 2, eligible: 2 }, { role: 'security', quorum: 1, eligible: 1 }], inOrder: false, veto: ['security'] } });
  assert.deepEqual(rulesFor(policy, stages, 'erin', OPENED), { rules: { stages: [{ role: 'cab', quorum: 2, eligible: 3 }, { role: 'security', quorum: 1, eligible: 1 }], inOrder: false, veto: ['security'] } });
});

const refusal = (policy: ReturnType<typeof policyOf>, stages = two, requester = 'bob', t = OPENED): string => {
  const asked = rulesFor(policy, stages, requester, t);
  return 'objection' in asked ? `${asked.objection.expected} | ${asked.objection.got}` : 'accepted';
};

test('a request that nobody could decide is refused before it waits: too few people, keys that have ended, no rule at all', () => {
  const people = policyOf().people;
  const key = (more: Parameters<typeof keyOf>[1]) => ({ people: { ...people, carol: { keys: [keyOf('carol', more)] } } });
  assert.equal(refusal(policyOf()), 'accepted');
  assert.match(refusal(policyOf({ cab: ['alice', 'bob'] })), /2 of cab, without bob.* \| 1 of cab \(alice\)/);
  assert.match(refusal(policyOf({})), /\| 0 of cab$/);
  assert.match(refusal(policyOf(CAB, { people: { ...people, carol: { keys: [] } } })), /1 of cab/);
  for (const more of [{ compromised: true }, { revoked: OPENED }, { validUntil: OPENED }]) assert.match(refusal(policyOf(CAB, key(more))), /1 of cab \(alice\)/, JSON.stringify(more));
  for (const more of [{ revoked: at(1) }, { validUntil: at(1) }, { validFrom: at(9) }]) assert.equal(refusal(policyOf(CAB, key(more))), 'accepted', JSON.stringify(more));
  assert.match(refusal(policyOf(), []), /a rule that names who decides/);
  assert.match(refusal(policyOf({ cab: ['alice', 'bob'], security: ['alice'] }), [{ role: 'cab', quorum: 1 }, { role: 'security', quorum: 1 }]), /each in one place/, 'alice alone can\'t fill both');
});

test('a deputy makes somebody without a key heard, the requester\'s own deputy and one who is the requester do not', () => {
  const deputy = (by: string, who = 'carol', until = at(1)) => ({ people: { ...policyOf({ ...CAB, ops: ['dave'] }).people, carol: { keys: [] } }, deputies: [{ role: 'cab', for: who, by, from: at(-5), until }] });
  assert.equal(refusal(policyOf({ ...CAB, ops: ['dave'] }, deputy('dave'))), 'accepted');
  assert.match(refusal(policyOf({ ...CAB, ops: ['dave'] }, deputy('dave', 'carol', OPENED))), /1 of cab/, 'ended');
  assert.match(refusal(policyOf({ ...CAB, ops: ['dave'] }, deputy('bob'))), /1 of cab/, 'bob asks');
  assert.match(refusal(policyOf({ ...CAB, ops: ['dave'] }, deputy('dave', 'bob'))), /1 of cab/, 'dave would stand in for bob, who asks');
});

test('who asks under another spelling of their name is still who asks', () => {
  for (const requester of ['Bob', ' bob', 'bob@laptop', 'BOB@corp.example']) assert.match(refusal(policyOf({ cab: ['alice', 'bob'] }), two, requester), /1 of cab \(alice\)/, requester);
  assert.equal(refusal(policyOf({ cab: ['alice', 'bob'] }), two, 'bobby'), 'accepted');
});

test('filling places: compared with trying every assignment', () => {
  const names = ['a', 'b', 'c', 'd'];
  const stage = fc.record({ role: fc.constantFrom('x', 'y', 'z'), quorum: fc.integer({ min: 1, max: 2 }) });
  const members = fc.record({ x: fc.subarray(names), y: fc.subarray(names), z: fc.subarray(names) });
  const tryAll = (places: string[], voters: Record<string, string[]>, used: string[]): boolean =>
    places.length === 0 || voters[places[0]!]!.some((name) => !used.includes(name) && tryAll(places.slice(1), voters, [...used, name]));
  fc.assert(fc.property(fc.array(stage, { maxLength: 3 }), members, (stages, voters) => {
    const places = stages.flatMap(({ role, quorum }) => Array.from({ length: quorum }, () => role));
    assert.equal(canFill(stages, (role) => voters[role as 'x']), tryAll(places, voters, []));
  }));
});

test('reminders: at half time and the hours before, inside the wait, once each, in order', () => {
  assert.deepEqual(remindersBetween(at(0), at(72 * HOUR), [4, 1]), [at(36 * HOUR), at(68 * HOUR), at(71 * HOUR)]);
  assert.deepEqual(remindersBetween(at(0), at(8 * HOUR), [4, 1, 4]), [at(4 * HOUR), at(7 * HOUR)]);
  assert.deepEqual(remindersBetween(at(0), at(2 * HOUR), [4, 2, 0]), [at(HOUR)]);
  assert.deepEqual(remindersBetween(at(0), at(0), [1]), []);
  assert.deepEqual(remindersBetween(at(0), at(1), [1]), []);
  fc.assert(fc.property(fc.integer({ min: 0, max: 300 * HOUR }), fc.array(fc.double({ min: 0, max: 400, noNaN: true }), { maxLength: 6 }), (length, hours) => {
    const given = remindersBetween(at(0), at(length), hours);
    assert.deepEqual(given, [...new Set(given)].sort());
    assert.ok(given.every((it) => it > at(0) && it < at(length)));
    assert.equal(given.length > 0, length >= 2 || hours.some((it) => Math.round(it * HOUR) > 0 && Math.round(it * HOUR) < length));
  }));
});
