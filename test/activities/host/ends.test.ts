import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timeFor } from '../../../activities/host/ends.js';

const BOOT = 'this-boot';
const NOW = Date.parse('2026-03-02T10:00:00.000Z');
const HOUR_MS = 3_600_000;
const mark = { highest: NOW, boot: BOOT, ticks: 1_000 };
/** Clock ticks of so many hours. */
const hours = (n: number): number => n * 3600 * 100;

test('invariant 7: the time of an end goes on by the kernel\'s clock, whatever the other one shows', () => {
  assert.equal(timeFor(undefined, NOW, BOOT, 5), NOW);
  assert.equal(timeFor(mark, NOW + HOUR_MS, BOOT, 1_000 + hours(1)), NOW + HOUR_MS);
  assert.equal(timeFor(mark, NOW - 10 * HOUR_MS, BOOT, 1_000 + hours(2)), NOW + 2 * HOUR_MS, 'set back');
  assert.equal(timeFor(mark, 0, BOOT, 1_000 + hours(3)), NOW + 3 * HOUR_MS, 'a clock without a battery');
  assert.equal(timeFor(mark, NOW + 100 * HOUR_MS, BOOT, 1_000), NOW + 100 * HOUR_MS, 'set forward');
});

test('invariant 7: over a restart of the machine the highest time seen holds', () => {
  assert.equal(timeFor(mark, NOW - HOUR_MS, 'another-boot', 7), NOW);
  assert.equal(timeFor(mark, NOW + HOUR_MS, 'another-boot', 7), NOW + HOUR_MS);
  assert.equal(timeFor(mark, NOW - HOUR_MS, BOOT, 10), NOW, 'a machine that was put back to an earlier moment');
});
