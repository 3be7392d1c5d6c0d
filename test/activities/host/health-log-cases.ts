/** Cases of the health log that need a file system of their own. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { healthFolder, logHealth } from '../../../activities/host/health-log.js';
import { quietDay, stampText } from '../../../activities/host/health-hours.js';
import { folder, noon, watching } from '../../support/health.js';
import { testHost, type TestHost } from '../../support/host.js';
import { mountSmall, needsMounts, unmount } from '../../support/own-mounts.js';
import { until } from '../../support/processes.js';

let host: TestHost;
before(() => {
  host = testHost();
});
after(() => host.close());

const read = (name: string): string => readFileSync(join(healthFolder(host.ctx), name), 'utf8');
const names = (): string[] => readdirSync(healthFolder(host.ctx)).sort();

test('HM-02: a log a day in local time, each line stamped, begun by a line that tells the interval; another process or interval tells it again', () => {
  const { ctx, clock } = watching(host, { now: new Date(2026, 10, 21, 23, 59, 58).getTime() });
  logHealth(ctx, 300, ['/srv/a/.venv Runtime health: GOOD']);
  clock.now += 1_000;
  logHealth(ctx, 300, ['/srv/a/.venv Runtime health: DEGRADED: critical link: two\nlines']);
  clock.now += 1_000;
  logHealth(ctx, 300, ['/srv/a/.venv Runtime health: GOOD']);
  logHealth(ctx, 60, ['/srv/a/.venv Runtime health: GOOD']);
  logHealth(watching(host, clock).ctx, 60, []);
  const start = (seconds: number): string => `Runtime health monitoring (interval: ${seconds} s), agent 0.0.0-test`;
  assert.equal(read('runtime_health_20261121.log'), `2026-11-21 23:59:58 - ${start(300)}\n2026-11-21 23:59:58 - /srv/a/.venv Runtime health: GOOD\n2026-11-21 23:59:59 - /srv/a/.venv Runtime health: DEGRADED: critical link: two lines\n`);
  assert.equal(read('runtime_health_20261122.log'), `2026-11-22 00:00:00 - ${start(300)}\n2026-11-22 00:00:00 - /srv/a/.venv Runtime health: GOOD\n2026-11-22 00:00:00 - ${start(60)}\n2026-11-22 00:00:00 - /srv/a/.venv Runtime health: GOOD\n2026-11-22 00:00:00 - ${start(60)}\n`);
  assert.equal(statSync(join(healthFolder(ctx), 'runtime_health_20261121.log')).mode & 0o777, 0o600);
});

test('DEF-16: logs older than the retention go with the next day\'s first line; nothing else does', () => {
  host.ctx.agentFile.health.retentionDays = 3;
  const { ctx } = watching(host, { now: new Date(2026, 11, 2, 0, 5).getTime() });
  const kept = ['notes.txt', 'runtime_health_20261130.log', 'runtime_health_20261201.log', 'preflight_check_20261130_020000.log', 'runtime_health_20261129.log.bak', 'runtime_health_x.log'];
  for (const name of [...kept, 'runtime_health_20261129.log', 'runtime_health_20251231.log', 'preflight_check_20261129_235959.log']) writeFileSync(join(healthFolder(ctx), name), '');
  logHealth(ctx, 300, []);
  assert.deepEqual(names(), [...kept, 'runtime_health_20261202.log'].sort());
});

test('a line that a kill cut off is taken away before the next one; thirty kills leave whole lines only', { timeout: 60_000 }, async () => {
  const { ctx } = watching(host, { now: new Date(2027, 0, 1).getTime() });
  const file = join(healthFolder(ctx), 'runtime_health_20270101.log');
  logHealth(ctx, 300, ['one']);
  appendFileSync(file, '2027-01-01 00:00:00 - half of a li');
  logHealth(ctx, 300, ['two']);
  assert.deepEqual(readFileSync(file, 'utf8').split('\n').map((line) => line.slice(22)), ['Runtime health monitoring (interval: 300 s), agent 0.0.0-test', 'one', 'two', '']);

  const module = pathToFileURL(join(import.meta.dirname, '../../../activities/host/health-log.js')).href;
  const text = `const { appendLines } = await import(${JSON.stringify(module)}); for (let n = 0; ; n++) appendLines({ stateDir: ${JSON.stringify(ctx.stateDir)} }, 'killed.log', Array.from({ length: 40 }, () => \`\${n} \` + 'x'.repeat(500) + ' end'));`;
  const killed = join(healthFolder(ctx), 'killed.log');
  for (let at = 0; at < 30; at++) {
    const size = existsSync(killed) ? statSync(killed).size : 0;
    const child = spawn(process.execPath, ['--input-type=module', '-e', text], { stdio: 'ignore', detached: true });
    const exited = once(child, 'exit');
    try {
      await until('it to write', () => existsSync(killed) && statSync(killed).size > size + at * 4_000);
    } finally {
      process.kill(-child.pid!, 'SIGKILL');
      await exited;
    }
  }
  const { appendLines } = await import('../../../activities/host/health-log.js');
  appendLines(ctx, 'killed.log', ['0 last end']);
  const lines = readFileSync(killed, 'utf8').split('\n');
  assert.equal(lines.pop(), '');
  assert.deepEqual(lines.filter((line) => !/^\d+ (x{500}|last) end$/.test(line)), []);
});

test('a full disk stops no check: what does not fit is left out whole and told once, and told again after it had worked', { skip: needsMounts }, (t) => {
  t.after(() => unmount(healthFolder(host.ctx)));
  mountSmall(folder(healthFolder(host.ctx)), 'size=16k');
  const { ctx, warnings } = watching(host, { now: noon() });
  logHealth(ctx, 300, ['one']);
  const path = join(healthFolder(ctx), 'runtime_health_20261121.log');
  writeFileSync(join(healthFolder(ctx), 'fill'), Buffer.alloc(12 * 1024 - 64));
  const before = readFileSync(path, 'utf8');
  for (let at = 0; at < 3; at++) logHealth(ctx, 300, Array.from({ length: 30 }, () => 'x'.repeat(1_900)));
  assert.equal(readFileSync(path, 'utf8'), before);
  assert.deepEqual(warnings.map((text) => /^health log: .*; checks go on without it$/.test(text)), [true]);
  logHealth(ctx, 300, ['two']);
  assert.match(readFileSync(path, 'utf8'), / - two\n$/);
  logHealth(ctx, 300, Array.from({ length: 30 }, () => 'x'.repeat(1_900)));
  assert.equal(warnings.length, 2);
});

test('quiet hours are local, a span over midnight is one, and each environment has its own minute in their first half', () => {
  const night = { from: '22:00', to: '04:00' };
  const at = (day: number, hour: number, minute = 0): Date => new Date(2026, 10, day, hour, minute);
  assert.deepEqual([at(21, 21, 59), at(21, 4), at(22, 3, 59), at(22, 4), at(22, 12)].map((time) => quietDay(time, night, 'a')), [null, null, '20261121', null, null]);
  const minutes = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => Array.from({ length: 360 }, (_, minute) => new Date(at(21, 22).getTime() + minute * 60_000)).findIndex((time) => quietDay(time, night, name) !== null));
  assert.ok(minutes.every((minute) => minute >= 0 && minute < 180), String(minutes));
  assert.ok(new Set(minutes).size > 1, 'not all at once');
  assert.equal(quietDay(at(22, 23, 59), { from: '00:00', to: '00:00' }, 'a'), '20261122', 'the same twice: all day');
  assert.equal(stampText(new Date(2026, 0, 2, 3, 4, 5)), '2026-01-02 03:04:05');
});
