/**
 * A start of Python through the link, in a loop, during a whole fallback and its undo: how many fail?
 *   node dist/bench/switch-loop.js [--json]
 */
import path from 'node:path';
import { finish, readFlags, tell } from './lib.js';
import { loopLink, type LoopResult } from './link-loop.js';
import { makeProject, ROOT, workFolder } from './project.js';
import { findPython, findUv, fullVersion } from './pythons.js';
import { run } from './run.js';
import { startStack } from './stack.js';

const flags = readFlags();
const uv = await findUv();
const primary = await findPython('3.12');
const fallback = await findPython('3.11');
const work = workFolder('switch-loop');
const roots = path.join(work.folder, 'projects');

async function loopDuring(project: string, act: () => Promise<void>): Promise<LoopResult> {
  await makeProject(project, primary, uv);
  const loop = loopLink(path.join(project, '.venv'));
  try {
    await act();
  } finally {
    await loop.stop();
  }
  return loop.stop();
}

const ours = path.join(roots, 'ours');
const shell = path.join(roots, 'shell');
// The loop's own processes are riders; the agent file says that they are known.
const environments = [{ link: path.join(ours, '.venv'), onSwitch: 'tolerate' as const, units: [] }];
const stack = await startStack({ folder: work.folder, roots: [roots], primary: await fullVersion(primary), fallback: await fullVersion(fallback), uv, environments });
try {
  const byOurs = await loopDuring(ours, async () => {
    await stack.cli(['run', 'fallback', ours, '--reason', 'benchmark', '--yes', '--json']);
    await stack.cli(['undo', ours, '--reason', 'benchmark', '--json']);
  });
  tell(`ours: ${byOurs.failed} of ${byOurs.starts} failed`);
  const byShell = await loopDuring(shell, async () => {
    await run(path.join(ROOT, 'bench/shell-procedure.sh'), [shell, fallback]);
    await run(path.join(ROOT, 'bench/shell-undo.sh'), [shell]);
  });
  tell(`shell: ${byShell.failed} of ${byShell.starts} failed`);
  const show = (r: LoopResult): string => `${r.failed} of ${r.starts}${r.reasons.length > 0 ? ` (${r.reasons.join('; ')})` : ''}`;
  finish(
    {
      title: 'Starts through the link during a fallback and its undo',
      series: [],
      ratios: [],
      verdicts: [
        { figure: 'failed starts, ours', target: '0', got: show(byOurs), met: byOurs.failed === 0 && byOurs.starts > 0 },
        { figure: 'failed starts, shell', target: 'more than 0', got: show(byShell), met: byShell.failed > 0 },
      ],
      notes: [],
    },
    flags,
  );
} finally {
  await stack.stop();
  work.remove();
}
