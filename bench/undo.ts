/**
 * Undo of a fallback, from the command to its exit and from the decision to the verified state; no service is restarted.
 *   node dist/bench/undo.js [--runs 5] [--json]
 */
import path from 'node:path';
import type { RunResult } from '../policy/model.js';
import { figures, finish, readFlags, showMs, tell, type Series } from './lib.js';
import { makeProject, workFolder } from './project.js';
import { findPython, findUv, fullVersion } from './pythons.js';
import { startStack } from './stack.js';

/** The figure the project promises, in milliseconds. */
const TARGET_MS = 1000;

const flags = readFlags([], 5);
const uv = await findUv();
const primary = await findPython('3.12');
const work = workFolder('undo');
const project = path.join(work.folder, 'projects/ours');
await makeProject(project, primary, uv);
const stack = await startStack({ folder: work.folder, roots: [path.dirname(project)], primary: await fullVersion(primary), fallback: await fullVersion(await findPython('3.11')), uv });

/** From the run's first step to its last, in the run's own clock: what lies between decision and verified state. */
function decisionToVerified(result: RunResult): number {
  const at = result.steps.flatMap((step) => [Date.parse(step.startedAt), Date.parse(step.endedAt)]);
  return Math.max(...at) - Math.min(...at);
}

try {
  const wall: Series = { name: 'command to its exit', values: [] };
  const inside: Series = { name: 'decision to verified', values: [] };
  for (let round = 0; round < flags.runs; round++) {
    await stack.cli(['run', 'fallback', project, '--reason', 'benchmark', '--yes', '--json']);
    const undo = await stack.cli(['undo', project, '--reason', 'benchmark', '--json']);
    const result = JSON.parse(undo.stdout) as RunResult;
    if (result.outcome !== 'rolled-back') throw new Error(`undo: expected the outcome rolled-back, got ${result.outcome}: ${result.message}`);
    wall.values.push(undo.ms);
    inside.values.push(decisionToVerified(result));
    tell(`  round ${round + 1}: ${showMs(undo.ms)}, of it ${showMs(inside.values.at(-1)!)} from decision to verified`);
  }
  const median = figures(inside.values).median;
  const verdicts = [{ figure: 'undo, decision to verified, no restart', target: 'under 1 s', got: showMs(median), met: median < TARGET_MS }];
  finish({ title: 'Undo', series: [wall, inside], ratios: [], verdicts, notes: [] }, flags);
} finally {
  await stack.stop();
  work.remove();
}
