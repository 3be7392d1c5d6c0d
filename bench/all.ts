/**
 * All benchmarks, one after the other, each in its own process.
 *   node dist/bench/all.js
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const NAMES = ['cli', 'guard', 'preflight', 'assess', 'undo', 'steps', 'switch-loop', 'riders', 'replace', 'large-lock', 'agent-rest', 'waiting-decisions', 'watching-hosts'];

for (const name of NAMES) {
  const { status } = spawnSync(process.execPath, [path.join(import.meta.dirname, `${name}.js`)], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
