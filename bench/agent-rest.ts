/**
 * Memory and processor time of an agent that has nothing to do. Linux only (it reads /proc).
 *   node dist/bench/agent-rest.js [--seconds 60] [--json]
 */
import { setTimeout as pause } from 'node:timers/promises';
import { finish, readFlags } from './lib.js';
import { cpuSeconds, memory } from './memory.js';
import { workFolder } from './project.js';
import { findPython, findUv, fullVersion } from './pythons.js';
import { startStack } from './stack.js';

/** After its start the agent looks around; that is not rest. */
const SETTLE_MS = 15_000;

const flags = readFlags(['seconds']);
const seconds = Number(flags.values['seconds'] ?? 60);
const uv = await findUv();
const work = workFolder('agent-rest');
const stack = await startStack({ folder: work.folder, roots: [work.folder], primary: await fullVersion(await findPython('3.12')), fallback: await fullVersion(await findPython('3.11')), uv });

try {
  const pid = stack.current.children.agent;
  await pause(SETTLE_MS);
  const before = cpuSeconds(pid);
  const begun = performance.now();
  await pause(seconds * 1000);
  const share = ((cpuSeconds(pid) - before) / ((performance.now() - begun) / 1000)) * 100;
  const { now, peak } = memory(pid);
  finish(
    {
      title: `The agent at rest, over ${seconds} s`,
      series: [],
      ratios: [],
      verdicts: [
        { figure: 'resident memory', target: 'under 150 MB', got: `${now.toFixed(0)} MiB (highest ${peak.toFixed(0)})`, met: now * 1.048576 < 150 },
        { figure: 'processor', target: 'under 1 % of a core', got: `${share.toFixed(2)} %`, met: share < 1 },
      ],
      notes: [],
    },
    flags,
  );
} finally {
  await stack.stop();
  work.remove();
}
