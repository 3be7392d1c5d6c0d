/**
 * Replaces the Python under the example project: ours through the command line, with plan, verification, record and orchestration,
 * against the documents' procedure in plain shell and the same steps as an Ansible playbook. `fallback` is ours with what comes
 * before and after those steps as well: assessment, diagnosis, measurement, logs and report.
 *   node dist/bench/replace.js [--runs 3] [--sides ours,fallback,shell,ansible] [--json]
 */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { alternate, finish, ratios, readFlags, tell, type Side, type Verdict } from './lib.js';
import { makeProject, ROOT, workFolder } from './project.js';
import { findAnsible, findPython, findUv, fullVersion } from './pythons.js';
import { run } from './run.js';
import { startStack, type Stack } from './stack.js';

const flags = readFlags(['sides']);
const wanted = (flags.values['sides'] ?? 'ours,fallback,shell,ansible').split(',');
const uv = await findUv();
const primary = await findPython('3.12');
const fallback = await findPython('3.11');
const fallbackVersion = await fullVersion(fallback);
const work = workFolder('replace');
const projectOf = (name: string) => (round: number): string => path.join(work.folder, 'projects', `${name}-${round}`);

function side(name: string, act: (project: string) => Promise<number | void>): Side {
  const project = projectOf(name);
  return {
    name,
    prepare: (round) => makeProject(project(round), primary, uv),
    run: (round) => act(project(round)),
    cleanUp: (round) => rmSync(project(round), { recursive: true, force: true }),
  };
}

/** Ours: from the command to its exit, everything included. */
async function runOurs(stack: Stack, kind: 'change' | 'fallback', project: string): Promise<void> {
  await stack.cli(['run', kind, project, ...(kind === 'change' ? ['--to', fallbackVersion] : []), '--reason', 'benchmark', '--yes', '--json']);
}

async function runShell(project: string): Promise<void> {
  await run(path.join(ROOT, 'bench/shell-procedure.sh'), [project, fallback]);
}

async function runAnsible(project: string): Promise<void> {
  const playbook = path.join(ROOT, 'bench/ansible/playbook.yml');
  await run(await findAnsible(), ['-i', 'localhost,', '-c', 'local', playbook, '-e', `project=${project}`, '-e', `python=${fallback}`]);
}

let stack: Stack | null = null;
try {
  const sides: Side[] = [];
  if (wanted.includes('ours') || wanted.includes('fallback')) {
    stack = await startStack({ folder: work.folder, roots: [path.join(work.folder, 'projects')], primary: await fullVersion(primary), fallback: fallbackVersion, uv });
    const ours = stack;
    if (wanted.includes('ours')) sides.push(side('ours', (project) => runOurs(ours, 'change', project)));
    if (wanted.includes('fallback')) sides.push(side('fallback', (project) => runOurs(ours, 'fallback', project)));
  }
  if (wanted.includes('shell')) sides.push(side('shell', runShell));
  if (wanted.includes('ansible')) sides.push(side('ansible', runAnsible));
  tell('one round first, not counted, so that every cache is warm');
  await alternate(sides.map((s) => ({ ...s, prepare: (r) => s.prepare?.(1000 + r), run: (r) => s.run(1000 + r), cleanUp: (r) => s.cleanUp?.(1000 + r) })), 1, tell);
  const series = await alternate(sides, flags.runs, tell);
  const factors = wanted.includes('ours') ? ratios(series) : [];
  const verdicts: Verdict[] = factors.filter(({ name }) => !name.startsWith('fallback')).map(({ name, ratio }) => {
    const target = name.startsWith('ansible') ? 5 : 4;
    return { figure: `replace an environment, ${name}`, target: `at least ${target} times`, got: `${ratio.toFixed(1)} times`, met: ratio >= target };
  });
  finish({ title: 'Replace an environment: 38 pins, from 3.12 to 3.11, warm caches', series, ratios: factors, verdicts, notes: [] }, flags);
} finally {
  await stack?.stop();
  work.remove();
}
