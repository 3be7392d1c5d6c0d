/**
 * Workers that import late and start children, while the Python under them is changed: how many are left on a mix of two
 * environments? Linux only (it looks into /proc).
 *   node dist/bench/riders.js [--json]
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { finish, readFlags, tell } from './lib.js';
import { makeProject, ROOT, workFolder } from './project.js';
import { findPython, findUv, fullVersion } from './pythons.js';
import { run } from './run.js';
import { startStack } from './stack.js';

const WORKERS = 3;
/** How long workers are watched after the change: some twenty late imports each. */
const WATCH_MS = 3000;
const unitFile = path.join(ROOT, 'bench/worker_unit.py');

/** A line of a worker's log. */
interface Step {
  at: number;
  pid: number;
  began: string;
  tree: string;
  error: string;
}

interface Count {
  /** Workers that ran after the change and loaded from another tree than they began in, or could not load. */
  mixed: number;
  ran: number;
  /** Steps on a mix while the change was still under way. */
  during: number;
  example: string;
}

const flags = readFlags();
const uv = await findUv();
const primary = await findPython('3.12');
const fallback = await findPython('3.11');
const work = workFolder('riders');
const roots = path.join(work.folder, 'projects');
const unit = (verb: string, project: string): string[] => [primary, unitFile, verb, project, String(WORKERS)];
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function countDuring(project: string, act: () => Promise<void>): Promise<Count> {
  await makeProject(project, primary, uv);
  const [python, ...start] = unit('start', project);
  await run(python!, start);
  try {
    await pause(1500);
    await act();
    const end = Date.now() / 1000;
    await pause(WATCH_MS);
    return count(project, end);
  } finally {
    await run(python!, unit('stop', project).slice(1));
  }
}

function count(project: string, end: number): Count {
  const log = path.join(project, 'workers.log');
  const lines = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
  const steps = lines.map((line) => JSON.parse(line) as Step);
  const isMixed = (step: Step): boolean => step.tree !== step.began;
  const after = steps.filter((step) => step.at > end);
  const bad = after.filter(isMixed);
  const first = bad[0];
  return {
    mixed: new Set(bad.map((step) => step.pid)).size,
    ran: new Set(after.map((step) => step.pid)).size,
    during: steps.filter((step) => step.at <= end && isMixed(step)).length,
    example: first ? `began in ${first.began}, ${first.tree ? `loaded from ${first.tree}` : first.error.trim().split('\n').at(-1)}` : '',
  };
}

const ours = path.join(roots, 'ours');
const shell = path.join(roots, 'shell');
const units = [{ name: 'workers', restart: unit('restart', ours), health: unit('health', ours), restartWindowSeconds: 10 }];
const environments = [{ link: path.join(ours, '.venv'), onSwitch: 'restart' as const, units }];
const stack = await startStack({ folder: work.folder, roots: [roots], primary: await fullVersion(primary), fallback: await fullVersion(fallback), uv, environments });
try {
  const byOurs = await countDuring(ours, async () => void (await stack.cli(['run', 'fallback', ours, '--reason', 'benchmark', '--yes', '--json'])));
  tell(`ours: ${byOurs.mixed} of ${byOurs.ran} on a mix`);
  const byShell = await countDuring(shell, async () => void (await run(path.join(ROOT, 'bench/shell-procedure.sh'), [shell, fallback])));
  tell(`shell: ${byShell.mixed} of ${byShell.ran} on a mix`);
  const show = (c: Count): string => `${c.mixed} of ${c.ran} workers${c.example ? ` (${c.example})` : ''}`;
  finish(
    {
      title: `Workers left on a mix of two environments, ${WORKERS} workers, onSwitch: restart`,
      series: [],
      ratios: [],
      verdicts: [
        { figure: 'workers on a mix after the change, ours', target: '0', got: show(byOurs), met: byOurs.mixed === 0 && byOurs.ran === WORKERS },
        { figure: 'workers on a mix or broken after it, shell', target: 'more than 0', got: show(byShell), met: byShell.mixed > 0 },
      ],
      notes: [`steps on a mix while the change was under way: ours ${byOurs.during} (between rename and restart), shell ${byShell.during}`],
    },
    flags,
  );
} finally {
  await stack.stop();
  work.remove();
}
