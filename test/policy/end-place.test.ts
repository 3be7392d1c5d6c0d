import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conflictOf, fewerHours, type Day } from '../../policy/end-place.js';
import { policyWith } from '../support/policies.js';

const calendarOf = (calendar: object) => policyWith({ calendar }).calendar;
const local = (day: Day, clock: string, instant = '2026-11-02T00:00:00.000Z') => ({ at: instant, day, minute: Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3)) });

test('EE-12: trading hours are half open: their first minute is inside, their last is outside; other days are free', () => {
  const calendar = calendarOf({ tradingHours: [{ days: ['MON', 'TUE'], from: '09:00', to: '17:30' }] });
  for (const clock of ['09:00', '12:00', '17:29']) assert.match(conflictOf(calendar, local('MON', clock))!, /^trading hours MON TUE 09:00 to 17:30 \(UTC\)$/, clock);
  for (const clock of ['08:59', '17:30', '00:00']) assert.equal(conflictOf(calendar, local('MON', clock)), null, clock);
  assert.equal(conflictOf(calendar, local('SUN', '12:00')), null);
});

test('EE-12: hours over midnight belong to the day they begin on; equal times are the whole day', () => {
  const night = calendarOf({ tradingHours: [{ days: ['SAT'], from: '22:00', to: '02:00' }] });
  for (const [day, clock] of [['SAT', '22:00'], ['SAT', '23:59'], ['SUN', '00:00'], ['SUN', '01:59']] as const) assert.notEqual(conflictOf(night, local(day, clock)), null, `${day} ${clock}`);
  for (const [day, clock] of [['SAT', '00:30'], ['SAT', '21:59'], ['SUN', '02:00'], ['SUN', '23:00']] as const) assert.equal(conflictOf(night, local(day, clock)), null, `${day} ${clock}`);
  const day = calendarOf({ tradingHours: [{ days: ['WED'], from: '00:00', to: '00:00' }] });
  assert.notEqual(conflictOf(day, local('WED', '23:59')), null);
  assert.equal(conflictOf(day, local('THU', '00:00')), null);
  const fromSix = calendarOf({ tradingHours: [{ days: ['WED'], from: '06:00', to: '06:00' }] });
  assert.notEqual(conflictOf(fromSix, local('THU', '05:59')), null);
  assert.equal(conflictOf(fromSix, local('WED', '05:59')), null);
});

test('EE-12: freezes are instants, half open, whatever their offset looks like; both kinds are told', () => {
  const calendar = calendarOf({ tradingHours: [{ days: ['MON'], from: '09:00', to: '17:00' }], freezes: [{ from: '2026-11-02T09:00:00Z', until: '2026-11-02T10:00:00Z', what: 'quarter' }] });
  assert.match(conflictOf(calendar, local('MON', '09:00', '2026-11-02T09:00:00.000Z'))!, /^freeze "quarter" until 2026-11-02T10:00:00Z; trading hours/);
  assert.equal(conflictOf(calendar, local('MON', '08:59', '2026-11-02T08:59:59.999Z')), null);
  assert.equal(conflictOf(calendar, local('SUN', '10:00', '2026-11-02T10:00:00.000Z')), null);
});

test('a shorter end is the longest whole number of hours that ends outside; none is none', () => {
  assert.equal(fewerHours(24, (hours) => (hours > 20 ? 'x' : null)), 20);
  assert.equal(fewerHours(2.5, () => null), 2);
  assert.equal(fewerHours(1, () => null), null);
  assert.equal(fewerHours(72, () => 'x'), null);
});
