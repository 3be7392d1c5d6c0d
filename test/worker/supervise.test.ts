import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { startChild, supervise } from '../../worker/supervise.js';

test('a part that ends again and again leaves nothing on the signal of its instance', { timeout: 60_000 }, async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'runbooks-supervise-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const entry = path.join(folder, 'entry.mjs');
  writeFileSync(entry, "process.send({ type: 'ready', facts: {} }, () => process.disconnect());\n");
  const ending = new AbortController();
  const { signal } = ending;
  let starts = 0;
  let enough!: () => void;
  const often = new Promise<void>((resolve) => (enough = resolve));
  const start = () => startChild({ name: 'part', entry, config: {}, logFile: path.join(folder, 'part.log'), readyMs: 10_000, graceMs: 1_000 }, signal);
  const listeners: number[] = [];
  const supervised = await supervise(start, signal, (running) => {
    if (running === null) return;
    listeners.push(getEventListeners(signal, 'abort').length);
    if (++starts === 3) enough();
  });
  await often;
  ending.abort();
  await supervised.stop();
  assert.deepEqual(listeners, [0, 0, 0]);
});

/** A part that says again and again what keeps it, for longer than it may take, and then is ready. */
const KEPT = (what: string): string => `const say = () => process.send({ type: 'busy', with: '${what}' });
const timer = setInterval(say, 100);
setTimeout(() => { clearInterval(timer); process.send({ type: 'ready', facts: {} }, () => process.disconnect()); }, 6000);
`;

test('invariant 7: a part that takes back what has ended, or started again waits for its server, is not ended for being late', { timeout: 60_000 }, async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'runbooks-supervise-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { signal } = new AbortController();
  const start = (what: string, mayWait: boolean) => {
    const entry = path.join(folder, `${what}.mjs`);
    writeFileSync(entry, KEPT(what));
    return startChild({ name: 'part', entry, config: {}, logFile: path.join(folder, 'part.log'), readyMs: 3_000, graceMs: 1_000, mayWait }, signal).then(({ exited }) => exited);
  };
  const [ends, again, first] = await Promise.allSettled([start('ends', false), start('server', true), start('server', false)]);
  assert.deepEqual([ends.status, again.status, first.status], ['fulfilled', 'fulfilled', 'rejected']);
  assert.match(String((first as PromiseRejectedResult).reason), /not ready after 3 s/);
});
