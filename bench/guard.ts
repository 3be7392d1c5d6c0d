/**
 * `runbook guard` beside the command alone and a Node that does nothing: what it costs before every start.
 *   node dist/bench/guard.js [--runs 30] [--json]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { alternate, figures, finish, readFlags, showMs, tell, type Series, type Side } from './lib.js';
import { ROOT, workFolder } from './project.js';
import { findPython, fullVersion } from './pythons.js';
import { cleanEnvironment, run } from './run.js';

/** The figure the project promises, in milliseconds over the command alone. */
const TARGET_MS = 60;
/** What is remembered is believed once its files lie still for two seconds. */
const SETTLES_MS = 2_100;

const flags = readFlags([], 30);
const work = workFolder('guard');
try {
  const python = await findPython('3.12');
  const project = path.join(work.folder, 'app');
  const config = path.join(work.folder, 'config/interpreter-runbooks');
  for (const folder of [project, config]) mkdirSync(folder, { recursive: true });
  await run(python, ['-m', 'venv', '--without-pip', path.join(project, '.venv')]);
  writeFileSync(path.join(config, 'policy.yaml'), `interpreters:\n  primary: { version: ${await fullVersion(python)}, justification: benchmark }\n`);
  await new Promise((resolve) => setTimeout(resolve, SETTLES_MS));
  const env = cleanEnvironment({ HOME: work.folder, XDG_CONFIG_HOME: path.dirname(config), XDG_CACHE_HOME: path.join(work.folder, 'cache'), XDG_STATE_HOME: path.join(work.folder, 'state') });
  const command = ['-I', '-S', '-c', ''];
  const ms = async (file: string, args: string[]): Promise<number> => (await run(file, args, { cwd: project, env })).ms;
  const guard = (...words: string[]): Promise<number> => ms(process.execPath, [path.join(ROOT, 'bin/runbook.js'), 'guard', '--', ...words]);
  const first = await guard('python', ...command);
  const sides: Side[] = [
    { name: 'python alone', run: () => ms(path.join(project, '.venv/bin/python'), command) },
    { name: 'guard python', run: () => guard('python', ...command) },
    { name: 'node -e 0', run: () => ms(process.execPath, ['-e', '0']) },
  ];
  await alternate(sides, 1, () => undefined);
  report(await alternate(sides, flags.runs, flags.json ? tell : () => undefined), first);
} finally {
  work.remove();
}

/** By the lowest of many: load of the machine only adds. */
function report(series: Series[], first: number): void {
  const [alone, guarded, node] = series.map(({ values }) => figures(values));
  const own = guarded!.min - alone!.min;
  finish({
    title: 'What runbook guard costs before a start',
    series,
    ratios: [{ name: 'own cost of guard (lowest) / node -e 0 (lowest)', ratio: own / node!.min }],
    verdicts: [{ figure: 'lowest of guard over lowest of the command alone', target: `under ${TARGET_MS} ms`, got: showMs(own), met: own < TARGET_MS }],
    notes: [`of it ${showMs(node!.min)} are Node; the first start, with nothing remembered: ${showMs(first)}`],
  }, flags);
}
