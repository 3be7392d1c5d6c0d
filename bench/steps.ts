/**
 * Temporal's own time per step on the embedded server, apart from the work: scheduled to started, and completed to the
 * reaction, of every activity of fallbacks and their undos.
 *   node dist/bench/steps.js [--runs 3] [--json]
 */
import { setTimeout as pause } from 'node:timers/promises';
import path from 'node:path';
import { readStepCosts } from './histories.js';
import { figures, finish, readFlags, showMs } from './lib.js';
import { makeProject, workFolder } from './project.js';
import { findPython, findUv, fullVersion } from './pythons.js';
import { startStack } from './stack.js';

/** The figure the project promises, in milliseconds. */
const TARGET_MS = 25;

const flags = readFlags();
const uv = await findUv();
const primary = await findPython('3.12');
const work = workFolder('steps');
const project = path.join(work.folder, 'projects/ours');
await makeProject(project, primary, uv);
const stack = await startStack({ folder: work.folder, roots: [path.dirname(project)], primary: await fullVersion(primary), fallback: await fullVersion(await findPython('3.11')), uv });
try {
  for (let round = 0; round < flags.runs; round++) {
    await stack.cli(['run', 'fallback', project, '--reason', 'benchmark', '--yes', '--json']);
    await stack.cli(['undo', project, '--reason', 'benchmark', '--json']);
  }
  // Visibility follows the end of a run by a moment.
  await pause(2000);
  const costs = await readStepCosts(stack.current.address, stack.current.namespace);
  const overhead = { name: "Temporal's own time", values: costs.map((cost) => cost.overheadMs) };
  const median = figures(overhead.values).median;
  const names = [...new Set(costs.map((cost) => cost.activity))];
  const notes = names.map((name) => {
    const own = costs.filter((cost) => cost.activity === name);
    return `${name.padEnd(18)} ${String(own.length).padStart(3)} ×  work ${showMs(figures(own.map((c) => c.workMs)).median).padStart(8)}  Temporal ${showMs(figures(own.map((c) => c.overheadMs)).median).padStart(8)}`;
  });
  const verdicts = [{ figure: "Temporal's own time per step, median", target: 'under 25 ms', got: showMs(median), met: median < TARGET_MS }];
  finish({ title: `Time per step, ${costs.length} steps`, series: [overhead, { name: 'work of the steps', values: costs.map((c) => c.workMs) }], ratios: [], verdicts, notes }, flags);
} finally {
  await stack.stop();
  work.remove();
}
