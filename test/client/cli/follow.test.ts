/** Following a run while the processes that answer for it come and go. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { startInstance, type TestInstance } from '../../support/instance.js';
import { until } from '../../support/processes.js';

const BIN = path.resolve(import.meta.dirname, '../../../../bin/runbook.js');
let it: TestInstance;
const children = new Set<ChildProcess>();
before(async () => (it = await startInstance({ onSwitch: 'idle' })), { timeout: 240_000 });
after(async () => {
  for (const child of children) child.kill('SIGKILL');
  await it?.stop();
});

/** `runbook watch RUN`, with what it has said so far. */
function watch(run: string): { said: { out: string; err: string }; ended: Promise<number | null> } {
  const child = spawn(process.execPath, [BIN, 'watch', run], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  const said = { out: '', err: '' };
  child.stdout.on('data', (text: Buffer) => (said.out += text.toString()));
  child.stderr.on('data', (text: Buffer) => (said.err += text.toString()));
  return { said, ended: once(child, 'close').then(([code]) => (children.delete(child), code as number | null)) };
}

const WAITS = /no answer from the run: its control worker or its server is away/g;

test('a control worker that does not answer: watch says once that it waits, and follows to the end', { timeout: 120_000 }, async () => {
  it.barrier.arm('prepare:started');
  const { run } = await it.start('change', { to: it.fallback.version });
  await it.barrier.reached('prepare:started');
  const { control } = it.handle.pids();
  process.kill(control, 'SIGSTOP');
  try {
    const { said, ended } = watch(run);
    await until('the word that it waits', () => said.err.match(WAITS), 60_000);
    // A second unanswered question later it has still said it once.
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    assert.equal(said.err.match(WAITS)!.length, 1, said.err);
    process.kill(control, 'SIGCONT');
    it.barrier.release('prepare:started');
    assert.equal(await ended, 0, said.err);
    assert.match(said.out, /^done in /m);
    assert.match(said.err, /✓ verify link/);
  } finally {
    process.kill(control, 'SIGCONT');
    it.barrier.release('prepare:started');
  }
});

test('control worker and server are killed while a run is watched: watch follows to the same end', { timeout: 120_000 }, async () => {
  it.barrier.arm('prepare:started');
  const { run } = await it.start('change', { to: it.primary.version });
  await it.barrier.reached('prepare:started');
  const { said, ended } = watch(run);
  await until('the first steps', () => said.err.includes('✓ arm'), 30_000);
  const { control, server } = it.handle.pids();
  process.kill(control, 'SIGKILL');
  process.kill(server!, 'SIGKILL');
  it.barrier.release('prepare:started');
  assert.equal(await ended, 0, said.err);
  assert.match(said.out, /^done in /m);
  assert.doesNotMatch(said.err, /our bug/);
  assert.equal(it.version(), it.primary.version);
});

test('a run that is terminated while it is watched: exit 4, who can act and how', { timeout: 60_000 }, async () => {
  it.barrier.arm('prepare:started');
  const { run, handle } = await it.start('change', { to: it.fallback.version });
  await it.barrier.reached('prepare:started');
  const { said, ended } = watch(run);
  await until('the first steps', () => said.err.includes('✓ arm'), 30_000);
  await handle.terminate('by the test');
  it.barrier.release('prepare:started');
  assert.equal(await ended, 4, said.err);
  assert.match(said.err, new RegExp(`${run}: ended from outside, without an outcome`));
  assert.match(said.err, new RegExp(`try: runbook show ${run}; .* runbook settle ${run} --keep or --undo`));
  assert.doesNotMatch(said.err, /our bug/);
});
