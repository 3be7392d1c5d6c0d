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
