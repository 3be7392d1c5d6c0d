import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportOf, type Changes, type Measured, type VoteCost } from '../../bench/waiting-report.js';

const rest = (server: number, control: number) => ({ server, control, temporal: 0, records: 0 });
const changes: Changes = { unasked: { lease: [50], arm: [80] }, asked: { lease: [150], arm: [320], answered: [70] } };
const vote: VoteCost = { ms: 80, verifyMs: 30, events: 26, bytes: 8192 };
const measured = (fields: Partial<Measured>): Measured => ({
  count: 1000, seconds: 120, cache: 500, idle: rest(0.5, 0.1), waiting: rest(0.75, 0.1), levels: [{ waiting: 0, now: 210, peak: 220 }, { waiting: 100, now: 300, peak: 310 }, { waiting: 500, now: 500, peak: 520 }, { waiting: 1000, now: 510, peak: 700 }],
  fresh: 200, anew: 220, stored: { temporal: 68_000, records: 2_000 }, alone: changes, beside: changes, inbox: { empty: [400], full: [1200] }, votes: { warm: [vote], cold: [{ ...vote, ms: 120 }] }, ...fields,
});

test('bench: what waits is held against nothing waiting, and against a full cache', () => {
  const { ratios, verdicts, notes } = reportOf(measured({}));
  assert.ok(verdicts.every(({ met }) => met));
  const of = (name: RegExp): number => ratios.find((one) => name.test(one.name))!.ratio;
  assert.equal(of(/^server's processor/), 1.5);
  assert.equal(of(/memory, 1000 waiting \/ 500/), 1.02);
  assert.equal(of(/to the lease, .* nobody is asked$/), 3);
  assert.equal(of(/runbook inbox/), 3);
  assert.match(notes.join('\n'), /takes 68\.0 KiB of the server's database and 2\.0 KiB of the records/);
});

test('bench: a worker that holds what waits, one that works at it, and a slow inbox miss their targets', () => {
  const misses = (fields: Partial<Measured>): string[] => reportOf(measured(fields)).verdicts.filter(({ met }) => !met).map(({ figure }) => figure);
  assert.deepEqual(misses({ levels: [{ waiting: 500, now: 500, peak: 520 }, { waiting: 1000, now: 800, peak: 800 }] }), ["control worker's memory, 1000 waiting"]);
  assert.deepEqual(misses({ anew: 400 }), ["control worker's memory, started anew, 1000 waiting"]);
  assert.deepEqual(misses({ waiting: rest(0.6, 1.2) }), ["control worker's processor, 1000 waiting"]);
  assert.deepEqual(misses({ inbox: { empty: [400], full: [2500] } }), ['runbook inbox, 1000 waiting']);
});
