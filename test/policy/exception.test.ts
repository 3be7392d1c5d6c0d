import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countedHours, exceptionObjections, grantOf, repeatObjections, rowOfGrants, unfinishedGrant, type Grant } from '../../policy/exception.js';
import type { ChangeRequest } from '../../policy/model.js';
import { requestFor } from '../support/fake-host.js';
import { at, exceptionEntry, policyWith } from '../support/policies.js';

const policy = policyWith();
const request = (fields: Partial<ChangeRequest>): ChangeRequest => ({ ...requestFor('web-01', 'exception'), to: '3.13.1', hours: 24, ground: 'security-vulnerability', ...fields });
const whats = (fields: object): string[] => exceptionObjections(request(fields), policy).map(({ what }) => what);
/** Granted at an hour, over at another; null: not over. */
const grant = (from: number, hours: number, ended: number | null): Grant => ({ run: `ex-${from}`, chain: `c${from}`, hours, grantedAt: at(from), expiresAt: at(from + hours), endedAt: ended === null ? null : at(ended) });

test('EE-01: three grounds and no other; none at all is refused', () => {
  for (const ground of ['security-vulnerability', 'critical-compatibility', 'vendor-requirement'] as const) assert.deepEqual(whats({ ground }), []);
  for (const ground of [undefined, '', 'convenience', 'Security-Vulnerability', 'constructor']) assert.deepEqual(whats({ ground }), ['the ground of the exception'], String(ground));
});

test('EE-05, EE-06: 72 hours at most, more than none; a policy may ask for less', () => {
  for (const hours of [0.5, 1, 72]) assert.deepEqual(whats({ hours }), []);
  for (const hours of [undefined, 0, -1, 72.01, 73, NaN, Infinity]) assert.deepEqual(whats({ hours }), ['the hours of the exception'], String(hours));
  assert.match(exceptionObjections(request({ hours: 25 }), policyWith({ timers: { exceptionHours: 24 } }))[0]!.expected, /at most 24/);
});

test('EE-05, DIS-04, PR-02: one exact final version, not below the policy\'s minimum; 3.8 only by another project\'s policy', () => {
  for (const to of ['3.13.1', '3.14.0', '3.11.2', '3.12.9']) assert.deepEqual(whats({ to }), [], to);
  for (const to of [null, '3.13', '3.13.x', '3.14.0rc1', '3.13.1+', '3.13.1t', 'v3.13.1', '3.13.1\n', '>=3.13']) assert.deepEqual(whats({ to }), ['the version of the exception'], String(to));
  for (const to of ['3.10.14', '3.8.18', '2.7.18']) assert.match(exceptionObjections(request({ to }), policy)[0]!.expected, /3\.11 or newer, the policy's minimum/, to);
  assert.deepEqual(exceptionObjections(request({ to: '3.8.18' }), policyWith({ minimum: '3.8' })), []);
});

test('a request that is wrong in three ways is told all three', () => assert.equal(whats({ ground: undefined, hours: 100, to: '3.13' }).length, 3));

test('EE-06: grants that follow each other within the rest count together; a longer rest begins anew', () => {
  const DAYS_7 = 168;
  const sum = (grants: Grant[], t: number): number => rowOfGrants(grants, at(t), 7).hours;
  assert.equal(sum([], 0), 0);
  assert.equal(sum([grant(0, 48, 48)], 60), 48);
  assert.equal(sum([grant(0, 48, 48)], 48 + DAYS_7 - 1), 48);
  assert.equal(sum([grant(0, 48, 48)], 48 + DAYS_7), 0, 'the rest is over at its last instant');
  // A row goes on as long as each follows the next soon enough, however old its first is.
  assert.equal(sum([grant(0, 20, 20), grant(150, 20, 170), grant(300, 20, 320)], 450), 60);
  assert.equal(sum([grant(0, 20, 20), grant(150, 20, 170)], 170 + DAYS_7), 0);
  // One that lies within another, and two at once, count both.
  assert.equal(sum([grant(0, 72, 72), grant(10, 10, 20)], 80), 82);
});

test('EE-06: a grant that ended early counts until its end, one that was late to its end; one that is not over counts whole', () => {
  assert.equal(countedHours(grant(0, 48, 2)), 2);
  assert.equal(countedHours(grant(0, 48, 50)), 50);
  assert.equal(countedHours(grant(0, 48, null)), 48);
});

test('EE-06: what earlier grants leave room for is granted, one hour more is not, and the words say how much is left and until when', () => {
  const earlier = [grant(0, 48, 48)];
  assert.deepEqual(repeatObjections(earlier, 24, at(60), policy), []);
  const [objection] = repeatObjections(earlier, 25, at(60), policy);
  assert.match(objection!.expected, /at most 72 together/);
  assert.match(objection!.got, /25 asked for, and 48 h of ex-0/);
  assert.match(objection!.wayOut, new RegExp(`ask for 24 hours at most, or wait until ${at(48 + 168)}`));
  assert.match(repeatObjections([grant(0, 72, 72)], 1, at(80), policy)[0]!.wayOut, /^wait until/);
});

test('EE-06: with another exception that is not over nothing is granted, before its end and after it', () => {
  const open = [grant(0, 2, 1), grant(10, 24, null)];
  assert.equal(unfinishedGrant(open)!.run, 'ex-10');
  assert.match(repeatObjections(open, 1, at(20), policy)[0]!.got, new RegExp(`lasts until ${at(34)}`));
  assert.match(repeatObjections(open, 1, at(40), policy)[0]!.got, /whose way back nobody has told yet/);
  assert.equal(unfinishedGrant([grant(0, 2, 1)]), null);
});

test('EE-06: no order of asking gets more than 72 hours out of one row', () => {
  const step = fc.record({ wait: fc.integer({ min: 0, max: 167 }), hours: fc.integer({ min: 1, max: 72 }), early: fc.integer({ min: 0, max: 71 }) });
  fc.assert(fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
    const granted: Grant[] = [];
    let t = 0;
    for (const { wait, hours, early } of steps) {
      t += wait;
      if (repeatObjections(granted, hours, at(t), policy).length > 0) continue;
      const end = t + Math.max(1, hours - early);
      granted.push(grant(t, hours, end));
      t = end;
    }
    // Counted forwards, and by hand: a row ends where the next grant comes 168 hours after an end or later.
    const rows: number[] = [];
    let last = -Infinity;
    for (const it of granted) {
      const [from, until] = [it.grantedAt, it.endedAt!].map((instant) => (Date.parse(instant) - Date.parse(at(0))) / 3_600_000) as [number, number];
      if (from - last >= 168) rows.push(0);
      rows[rows.length - 1]! += until - from;
      last = until;
    }
    return rows.every((hours) => hours <= 72);
  }));
});

test('a granted entry is read as it says; what is missing in it is taken at its longest', () => {
  const told = exceptionEntry('ex-1', 1, 'granted', 5, { hours: 8, grantedAt: at(4), expiresAt: at(12) });
  assert.deepEqual(grantOf(told, null), { run: 'ex-1', chain: 'chain-ex-1', hours: 8, grantedAt: at(4), expiresAt: at(12), endedAt: null });
  assert.deepEqual(grantOf({ ...told, data: { hours: 'many', grantedAt: 'soon' } }, at(9)), { run: 'ex-1', chain: 'chain-ex-1', hours: 72, grantedAt: at(5), expiresAt: at(77), endedAt: at(9) });
});
