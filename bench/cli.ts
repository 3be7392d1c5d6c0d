/**
 * Wall time of `runbook --help` and `runbook list`, beside a Node that does nothing.
 *   node dist/bench/cli.js [--runs 10] [--json]
 */
import path from 'node:path';
import { alternate, figures, finish, readFlags, showMs, type Side } from './lib.js';
import { ROOT, workFolder } from './project.js';
import { findPython, findUv, fullVersion } from './pythons.js';
import { run } from './run.js';
import { startStack } from './stack.js';

/** The figures the project promises, in milliseconds. */
const TARGETS = { 'runbook --help': 150, 'runbook list': 600 };

const flags = readFlags([], 10);
const uv = await findUv();
const work = workFolder('cli');
const stack = await startStack({ folder: work.folder, roots: [work.folder], primary: await fullVersion(await findPython('3.12')), fallback: await fullVersion(await findPython('3.11')), uv });
try {
  const sides: Side[] = [
    { name: 'runbook --help', run: async () => (await run(process.execPath, [path.join(ROOT, 'bin/runbook.js'), '--help'])).ms },
    { name: 'runbook list', run: async () => (await stack.cli(['list'])).ms },
    { name: 'node -e 0', run: async () => (await run(process.execPath, ['-e', '0'])).ms },
  ];
  await alternate(sides, 1, () => undefined);
  const series = await alternate(sides, flags.runs, () => undefined);
  const verdicts = Object.entries(TARGETS).map(([name, target]) => {
    const { median } = figures(series.find((s) => s.name === name)!.values);
    return { figure: name, target: `under ${target} ms`, got: showMs(median), met: median < target };
  });
  finish({ title: 'The command line', series, ratios: [], verdicts, notes: [] }, flags);
} finally {
  await stack.stop();
  work.remove();
}
