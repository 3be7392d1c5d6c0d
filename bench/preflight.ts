/**
 * Wall time of `runbook preflight` beside the documents' checks in plain shell, on the same environment, warm.
 *   node dist/bench/preflight.js [--runs 7] [--json]
 */
import path from 'node:path';
import { alternate, figures, finish, ratios, readFlags, showMs, tell, type Side } from './lib.js';
import { makeJudged } from './preflight/environment.js';
import { ROOT, workFolder } from './project.js';
import { findPython, findUv } from './pythons.js';
import { run } from './run.js';

/** The figure the project promises, in milliseconds. */
const TARGET_MS = 2000;
const CLI = path.join(ROOT, 'bin/runbook.js');

const flags = readFlags([], 7);
const work = workFolder('preflight');
const { project, shell, ours } = await makeJudged(work.folder, await findPython('3.12'), await findPython('3.11'), await findUv());

/** Throws unless it said READY: a preflight that gave up early would be quick. */
async function timed(file: string, args: string[], env: Record<string, string>): Promise<number> {
  const { ms, stdout } = await run(file, args, { cwd: project, env });
  if (!/\bREADY\b/.test(stdout)) throw new Error(`${file}: expected it to say READY, got\n${stdout}`);
  return ms;
}

const sides: Side[] = [
  { name: 'runbook preflight', run: () => timed(process.execPath, [CLI, 'preflight', project], ours) },
  { name: 'shell checks', run: () => timed(path.join(ROOT, 'bench/preflight/shell-preflight.sh'), [], shell) },
  // What is not the checks' own: the start of the command, and the imports they are about, one after the other.
  { name: 'runbook --help', run: async () => (await run(process.execPath, [CLI, '--help'], { env: ours })).ms },
  { name: 'five imports in one process', run: async () => (await run(path.join(project, '.venv/bin/python'), ['-c', 'import pandas, numpy, fastapi, sqlalchemy, pytest'], { env: ours })).ms },
];

try {
  await alternate(sides, 1, () => undefined);
  const series = await alternate(sides, flags.runs, tell);
  const { median } = figures(series[0]!.values);
  const verdicts = [{ figure: 'preflight, warm', target: `under ${TARGET_MS / 1000} s`, got: showMs(median), met: median < TARGET_MS }];
  finish({ title: 'Preflight of an environment with pandas, numpy, fastapi, sqlalchemy and pytest', series, ratios: ratios(series.slice(0, 2)), verdicts, notes: ['both found it READY; one round before was not counted'] }, flags);
} finally {
  work.remove();
}
