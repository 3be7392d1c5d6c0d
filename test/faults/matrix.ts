/** The fault matrix of one change: every phase of the engine, every process, and what must hold afterwards. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { TestInstance } from '../support/instance.js';
import { poll } from '../support/instance.js';

/** Named points of the engine, in the order a change reaches them (decision 26). */
export const POINTS = [
  'arm:intent', 'arm:acted', 'arm:receipt',
  'prepare:started', 'prepare:installed', 'prepare:receipt',
  'verify:sealed', 'verify:receipt',
  'switch:intent', 'switch:turning', 'switch:acted', 'switch:receipt',
  'configure:acted', 'restart:intent', 'restart:acted',
  'verify link:intent', 'close:intent', 'close:acted',
] as const;
export type Point = (typeof POINTS)[number];

export const VICTIMS = ['agent', 'control', 'server'] as const;
export type Victim = (typeof VICTIMS)[number];

export interface Case {
  point: Point;
  victim: Victim;
}

export const ALL_CASES: Case[] = POINTS.flatMap((point) => VICTIMS.map((victim) => ({ point, victim })));

/** A sample that a seed decides: the same seed, the same cases. */
export function sampleOf(cases: readonly Case[], count: number, seed: number): Case[] {
  let state = seed >>> 0;
  // Numerical Recipes' linear congruential generator: a sample needs no more.
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const rest = [...cases];
  return Array.from({ length: Math.min(count, rest.length) }, () => rest.splice(Math.floor(next() * rest.length), 1)[0]!);
}

/** Which of the points this change passes: a point that no order reaches would wait for ever. */
export async function killAt(instance: TestInstance, { point, victim }: Case, to: string): Promise<void> {
  const from = instance.version();
  instance.barrier.arm(point);
  const imports = instance.importLoop();
  const started = await instance.start('change', { to });
  const agent = await instance.barrier.reached(point);
  const { pids } = instance.handle;
  const target = victim === 'agent' ? agent : pids()[victim]!;
  process.kill(target, 'SIGKILL');
  instance.barrier.release(point);
  const result = await instance.result(started);
  if (victim !== 'agent') await poll(() => pids()[victim] !== target);
  const loop = await imports.stop();
  const told = `${victim} at ${point}: ${result.message} ${JSON.stringify(result.steps)}`;
  assert.equal(result.outcome, 'done', told);
  assert.deepEqual(loop.failed, [], `${told}: .venv/bin/python -c 'import alpha' failed`);
  assert.ok(loop.starts > 0);
  assert.equal(instance.version(), to, told);
  assert.notEqual(from, to);
  assert.equal(instance.mixed(), '', `${told}: a process was on a mix of two environments`);
  assertRecords(instance, started.run, told);
  assertTrees(instance, started.run, told);
}

/** Each step once, in its order, the chain whole. */
function assertRecords(instance: TestInstance, run: string, told: string): void {
  const records = instance.records();
  const entries = records.entriesOf(run).map(({ entry }) => entry);
  const done = entries.filter((entry) => entry.event === 'step-done').map((entry) => entry.data['step']);
  assert.deepEqual(done, ['plan', 'arm', 'prepare', 'verify', 'switch', 'configure', 'restart', 'verify link', 'close'], told);
  assert.equal(entries.filter((entry) => entry.event === 'outcome').length, 1, told);
  const verdict = records.verify();
  assert.equal(verdict.ok, true, `${told}: ${JSON.stringify(verdict)}`);
  records.close();
}

/** Only sealed trees are left, and only one of this run. */
function assertTrees(instance: TestInstance, run: string, told: string): void {
  const trees = readdirSync(path.join(instance.project, '.venvs')).filter((name) => name.startsWith(`${run}-`));
  assert.equal(trees.length, 1, `${told}: attempts left: ${trees.join(' ')}`);
}
