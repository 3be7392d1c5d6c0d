/**
 * A whole old lock (41 pins of August 2023) judged for 3.11, 3.12 and 3.13: ours, as the agent does it, against one pip
 * dry run per package and interpreter. The missing sets must be those of Python's `packaging`.
 *   node dist/bench/assess.js [--runs 3] [--sample N] [--json]
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import { assess } from '../activities/host/assess.js';
import type { HostContext } from '../activities/host/context.js';
import { probeInterpreter } from '../activities/host/interpreters.js';
import { openAgentStore } from '../activities/host/store.js';
import type { Interpreter, LockVerdict } from '../policy/model.js';
import { loadAgentFile } from '../worker/load-agent-file.js';
import { figures, finish, readFlags, showMs, tell, type Series } from './lib.js';
import { missingByPackaging } from './oracle.js';
import { askPip, evenly } from './pip.js';
import { ROOT, workFolder } from './project.js';
import { findPython, findUv } from './pythons.js';

/** The figure the project promises. */
const TARGET = 40;
const LOCK = path.join(ROOT, 'bench/data/lock2023.txt');

const flags = readFlags(['sample']);
const pythons = await Promise.all(['3.11', '3.12', '3.13'].map(findPython));
const pins = readFileSync(LOCK, 'utf8').trim().split('\n');
const sample = Math.min(Number(flags.values['sample'] ?? pins.length), pins.length);
const work = workFolder('assess');

/** What the agent would be given: a project whose lock this is, and an agent file that allows it. */
async function prepareOurs(): Promise<() => Promise<LockVerdict[]>> {
  const project = path.join(work.folder, 'project');
  const agentFile = path.join(work.folder, 'agent.yaml');
  mkdirSync(project);
  cpSync(LOCK, path.join(project, 'requirements.txt'));
  writeFileSync(path.join(project, 'runbook.yaml'), 'name: lock2023\n');
  writeFileSync(agentFile, stringify({ host: 'bench', roots: [work.folder], uv: await findUv() }));
  const stateDir = path.join(work.folder, 'agent');
  const store = openAgentStore(path.join(stateDir, 'agent.db'));
  const ctx: HostContext = { host: 'bench', agentVersion: 'bench', agentFile: loadAgentFile(agentFile), stateDir, store, now: () => new Date(), barrier: async () => undefined };
  const interpreters = (await Promise.all(pythons.map((python) => probeInterpreter(ctx, python)))).filter((one): one is Interpreter => one !== null);
  const step = { attempt: 1, signal: new AbortController().signal, heartbeat: () => undefined };
  // Answers are remembered for five minutes, by context: a new one asks the index anew.
  return () => assess({ ...ctx }, step, { env: { host: 'bench', link: path.join(project, '.venv') }, interpreters });
}

const same = (a: string[][], b: string[][]): boolean => JSON.stringify(a) === JSON.stringify(b);

try {
  const oracle = await missingByPackaging(LOCK, pythons);
  const ours = await prepareOurs();
  const verdicts = await ours();
  const missing = verdicts.map((verdict) => [...verdict.missing].sort());
  const oursSeries: Series = { name: 'ours, whole lock × 3', values: [] };
  for (let round = 0; round < flags.runs; round++) {
    const begun = performance.now();
    await ours();
    oursSeries.values.push(performance.now() - begun);
  }
  tell(`ours: ${showMs(figures(oursSeries.values).median)}`);
  const asked = evenly(pins, sample);
  await askPip(pythons[0]!, asked.slice(0, 2));
  const byPip = [];
  for (const python of pythons) byPip.push(await askPip(python, asked));
  const perCall = byPip.flatMap((one) => one.times);
  const pipTotal = (perCall.reduce((sum, ms) => sum + ms, 0) / perCall.length) * pins.length * pythons.length;
  const ratio = pipTotal / figures(oursSeries.values).median;
  const names = new Set(asked.map((pin) => pin.split('==')[0]!));
  const pipAgrees = same(byPip.map((one) => one.missing.sort()), oracle.map((list) => list.filter((name) => names.has(name))));
  finish(
    {
      title: `${pins.length} pins for ${pythons.length} interpreters`,
      series: [oursSeries, { name: 'pip, one package once', values: perCall }],
      ratios: [{ name: 'pip, every package × 3 / ours', ratio }],
      verdicts: [
        { figure: 'assessment against one pip dry run per package', target: `at least ${TARGET} times`, got: `${ratio.toFixed(0)} times`, met: ratio >= TARGET },
        { figure: 'the same missing set as packaging', target: JSON.stringify(oracle), got: JSON.stringify(missing), met: same(missing, oracle) },
      ],
      notes: [
        `pip in all: ${showMs(pipTotal)}, ${sample < pins.length ? `extrapolated from ${perCall.length} of ${pins.length * pythons.length} calls` : `${perCall.length} calls, all made`}; its missing set ${pipAgrees ? 'agrees' : 'DIFFERS'}`,
        'ours as the agent does it: uv calls, tags and verdicts, in a process that runs already',
      ],
    },
    flags,
  );
} finally {
  work.remove();
}
