/**
 * The fallback for a lock of 250 pins, 3.12 to 3.11: assess, install and verify of ours beside pip and plain shell, and the
 * highest memory of agent and control worker. It judges no target: it prints figures.
 *   node dist/bench/large-lock.js [--runs 3] [--sample 20] [--json]
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { readStepCosts } from './histories.js';
import { alternate, figures, finish, ratios, readFlags, showMs, tell, type Series } from './lib.js';
import { memory } from './memory.js';
import { askPip, evenly } from './pip.js';
import { ROOT, workFolder } from './project.js';
import { findPython, findUv, fullVersion, UV_ENVIRONMENT } from './pythons.js';
import { cleanEnvironment, run } from './run.js';
import { startStack, type Stack } from './stack.js';

/** What stood before: the same lock with the releases of the three that have wheels for 3.12. */
const BEFORE: Record<string, string> = { numpy: '1.26.4', pandas: '2.1.4', scipy: '1.11.4' };
const LOCK = readFileSync(path.join(ROOT, 'bench/data/lock250.txt'), 'utf8');
const PINS = LOCK.split('\n').filter((line) => line.includes('=='));

const flags = readFlags(['sample']);
const sample = Math.min(Number(flags.values['sample'] ?? 20), PINS.length);
const uv = await findUv();
const primary = await findPython('3.12');
const fallback = await findPython('3.11');
const work = workFolder('large-lock');
const projectOf = (name: string, round: number): string => path.join(work.folder, 'projects', `${name}-${round}`);

/** A project with a pip environment on the primary interpreter, and the new lock already there. */
async function makeProject(project: string): Promise<void> {
  mkdirSync(project, { recursive: true });
  const venv = path.join(project, '.venv');
  const lock = path.join(project, 'requirements.txt');
  writeFileSync(lock, PINS.map((pin) => pin.split('==')[0]!).map((name, i) => (BEFORE[name] ? `${name}==${BEFORE[name]}` : PINS[i]!)).join('\n'));
  await run(primary, ['-m', 'venv', venv]);
  const install = ['pip', 'install', '-q', '--python', path.join(venv, 'bin/python'), '--no-deps', '--only-binary', ':all:', '--link-mode', 'copy', '--compile-bytecode'];
  await run(uv, [...install, '-r', lock], { env: cleanEnvironment(UV_ENVIRONMENT) });
  writeFileSync(lock, LOCK);
  writeFileSync(path.join(project, 'runbook.yaml'), 'name: large\n');
}

const phases: Record<string, number[]> = {};
async function runShell(project: string): Promise<void> {
  const { stdout } = await run(path.join(ROOT, 'bench/shell-large.sh'), [project, fallback]);
  for (const [, name, seconds] of stdout.matchAll(/^phase (\w+) ([\d.]+)$/gm)) (phases[name!] ??= []).push(Number(seconds) * 1000);
}

/** What one pip call per package and interpreter would take in all, from a sample. */
async function pipAssessment(): Promise<Series> {
  await askPip(fallback, PINS.slice(0, 2));
  const asked = evenly(PINS, sample);
  const times = [...(await askPip(primary, asked)).times, ...(await askPip(fallback, asked)).times];
  return { name: `assess: pip, a package a call × 2, from ${times.length} calls`, values: [(times.reduce((sum, ms) => sum + ms, 0) / times.length) * PINS.length * 2] };
}

/** Work of activities, a value a call, of runs that began after `since`. */
async function workOf(stack: Stack, since: Date, names: Record<string, string>): Promise<Series[]> {
  // Visibility follows the end of a run by a moment.
  await pause(2000);
  const costs = await readStepCosts(stack.current.address, stack.current.namespace, since);
  return Object.entries(names).map(([activity, name]) => ({ name, values: costs.filter((cost) => cost.activity === activity).map((cost) => cost.workMs) }));
}

let stack: Stack | null = null;
try {
  stack = await startStack({ folder: work.folder, roots: [path.join(work.folder, 'projects')], primary: await fullVersion(primary), fallback: await fullVersion(fallback), uv });
  const ours = stack;
  const side = (name: string, act: (project: string) => Promise<void>) => ({
    name: `whole procedure: ${name}`,
    prepare: (round: number) => makeProject(projectOf(name, round)),
    run: (round: number) => act(projectOf(name, round)),
    cleanUp: (round: number) => rmSync(projectOf(name, round), { recursive: true, force: true }),
  });
  const runOurs = (project: string): Promise<void> => ours.cli(['run', 'fallback', project, '--reason', 'benchmark', '--yes', '--json']).then(() => undefined);
  const sides = [side('ours', runOurs), side('shell', runShell)];
  tell('one round first, not counted, so that caches are warm');
  await alternate(sides, 1, tell);
  for (const values of Object.values(phases)) values.length = 0;
  const since = new Date();
  const whole = await alternate(sides, flags.runs, tell);
  // An answer is kept: only the first call of all, in the round that is not counted, asked the index.
  const [first] = await workOf(stack, new Date(0), { assess: 'assess: ours, asked for the first time' });
  const assessed = { ...first!, values: [Math.max(...first!.values)] };
  const steps = await workOf(stack, since, { prepare: 'install: ours', verifyTree: 'verify: ours', measure: 'performance check: ours' });
  const agent = memory(stack.current.children.agent);
  const control = memory(stack.current.children.control);
  const shell = [{ name: 'install: venv and pip', values: phases['install'] ?? [] }, { name: 'verify: shell, four imports and 5.3', values: phases['verify'] ?? [] }];
  const series = [...whole, assessed, await pipAssessment(), ...steps, ...shell].filter(({ values }) => values.length > 0);
  finish(
    {
      title: `A fallback for ${PINS.length} pins, from 3.12 to 3.11`,
      series,
      ratios: ratios(whole),
      verdicts: [],
      notes: [
        `highest resident memory: agent ${agent.peak.toFixed(0)} MiB, control worker ${control.peak.toFixed(0)} MiB`,
        `ours verifies RECORD of every file and imports every module; the shell imports four (its backup by copy: ${showMs(figures(phases['backup'] ?? [0]).median)})`,
      ],
    },
    flags,
  );
} finally {
  await stack?.stop();
  work.remove();
}
