/** Which pins of a lock have no wheel for an interpreter, by uv's list of their files and Python's own `packaging`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ROOT } from './project.js';
import { findPackaging, findUv, UV_ENVIRONMENT } from './pythons.js';
import { cleanEnvironment, run } from './run.js';

/** For each interpreter (absolute path), the normalised names without a wheel, sorted. */
export async function missingByPackaging(lock: string, pythons: string[]): Promise<string[][]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'oracle-'));
  try {
    const listing = path.join(folder, 'pylock.toml');
    const oldest = pythons[0]!;
    const args = ['pip', 'compile', '-q', '--universal', '--no-deps', '--format', 'pylock.toml', '--python', oldest, lock, '-o', listing];
    await run(await findUv(), args, { env: cleanEnvironment(UV_ENVIRONMENT) });
    const env = cleanEnvironment({ PYTHONPATH: await findPackaging(), PYTHONDONTWRITEBYTECODE: '1' });
    const oracle = path.join(ROOT, 'bench/packaging_oracle.py');
    return await Promise.all(pythons.map(async (python) => JSON.parse((await run(python, [oracle, listing], { env })).stdout) as string[]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
