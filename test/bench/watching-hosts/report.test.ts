import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Use } from '../../../bench/watching-hosts/measure.js';
import { reportOf, type Measured } from '../../../bench/watching-hosts/report.js';

const used = (server: number, control: number, temporal: number, records: number): Use => ({ seconds: 60, server, control, temporal, records });
const MEASURED: Measured = {
  count: 1000, processes: 4, heartbeatSeconds: 60, idle: used(1, 0.5, 0, 0), polling: used(6, 0.5, 0, 0), watching: used(11, 1.5, 2048, 1024), watchEvents: 18_000,
  naive: { ...used(21, 11.5, 102_400, 0), hosts: 50, everySeconds: 15, runs: 200, eventsPerRun: 11 },
  memory: { before: 200, after: 400 }, enrolSeconds: 40,
  silences: [{ how: 'killed', hosts: 1, silent: [59.6], back: [3], wrong: [] }],
};
const unmet = (measured: Measured): string[] => reportOf(measured).verdicts.filter(({ met }) => !met).map(({ figure }) => figure);

test('bench: watching hosts: ratios are of what is above agents that are there, and of an hour', () => {
  const { ratios, verdicts, notes } = reportOf(MEASURED);
  assert.deepEqual(ratios.map(({ ratio }) => Math.round(ratio * 100) / 100), [5.25, 33.33, 7.33]);
  assert.deepEqual(unmet(MEASURED), []);
  assert.match(verdicts[0]!.got, /^6\.00 %: server 11\.00 %/);
  assert.ok(notes.some((note) => note.includes('12000 runs an hour (1000 hosts every 5 minutes: 12000)')), notes.join('\n'));
});

test('bench: watching hosts: a silence that is late, never told, told twice, or never taken back is not met', () => {
  const [killed] = MEASURED.silences;
  const one = (more: Partial<typeof killed>): string[] => unmet({ ...MEASURED, silences: [{ ...killed!, ...more }] });
  assert.deepEqual(one({ silent: [65.1] }), ['killed, 1 host: on record']);
  assert.deepEqual(one({ silent: [], wrong: ['h'] }), ['killed, 1 host: on record', 'killed: unreachable and back, once each']);
  assert.deepEqual(one({ silent: [59, 61], wrong: ['h'] }), ['killed: unreachable and back, once each']);
  assert.deepEqual(one({ back: [], wrong: ['h'] }), ['killed: unreachable and back, once each']);
});

test('bench: watching hosts: more than the naive design, or more than a tenth of its growth, is not met', () => {
  assert.deepEqual(unmet({ ...MEASURED, watching: used(40, 1, 2048, 1024) }), ['processor that watching 1000 hosts takes']);
  assert.deepEqual(unmet({ ...MEASURED, watching: used(11, 1.5, 10_240, 1024) }), ['growth an hour, 1000 watched']);
});
