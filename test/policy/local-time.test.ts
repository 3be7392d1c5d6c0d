import assert from 'node:assert/strict';
import { test } from 'node:test';
import { localInstant, localText } from '../../policy/local-time.js';

test('EE-12: the end in local time, with the zone\'s own short name', () => {
  assert.equal(localText('2026-11-22T10:31:00.000Z', 'Europe/Berlin'), 'Sun 22 Nov 11:31 CET (Europe/Berlin)');
  assert.equal(localText('2026-07-22T10:31:00.000Z', 'Europe/Berlin'), 'Wed 22 Jul 12:31 CEST (Europe/Berlin)');
  assert.equal(localText('2026-11-22T10:31:00.000Z', 'America/New_York'), 'Sun 22 Nov 05:31 EST (America/New_York)');
  assert.equal(localText('2026-09-30T23:05:00.000Z', 'Asia/Tokyo'), 'Thu 1 Oct 08:05 GMT+9 (Asia/Tokyo)');
  assert.equal(localText('2026-11-22T00:00:00.000Z', 'UTC'), 'Sun 22 Nov 00:00 UTC');
});

test('EE-12: the hour that comes twice in autumn is told apart by its zone, and the one that spring leaves out never shows', () => {
  assert.equal(localText('2026-10-25T00:30:00.000Z', 'Europe/Berlin'), 'Sun 25 Oct 02:30 CEST (Europe/Berlin)');
  assert.equal(localText('2026-10-25T01:30:00.000Z', 'Europe/Berlin'), 'Sun 25 Oct 02:30 CET (Europe/Berlin)');
  assert.equal(localText('2026-03-29T00:59:00.000Z', 'Europe/Berlin'), 'Sun 29 Mar 01:59 CET (Europe/Berlin)');
  assert.equal(localText('2026-03-29T01:00:00.000Z', 'Europe/Berlin'), 'Sun 29 Mar 03:00 CEST (Europe/Berlin)');
});

test('day and minute are those of the wall clock, also where its day is another than UTC\'s', () => {
  assert.deepEqual(localInstant('2026-11-01T23:15:59.999Z', 'Europe/Berlin'), { at: '2026-11-01T23:15:59.999Z', day: 'MON', minute: 15 });
  assert.deepEqual(localInstant('2026-11-02T03:00:00.000Z', 'America/New_York'), { at: '2026-11-02T03:00:00.000Z', day: 'SUN', minute: 22 * 60 });
});
