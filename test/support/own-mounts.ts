/** Mounts of a test's own: its cases run in a process with a private mount namespace, which ends with the last of its processes. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

const OWN = 'RUNBOOK_TEST_OWN_MOUNTS';

/** Why mounts can't be made here; false: they can. For a test's `skip`. */
export const needsMounts: string | false = process.env[OWN] === 'yes' ? false : 'only root can mount, in a mount namespace of its own';

/**
 * Runs a file of cases where it may mount. To be called by a test file that loads nothing else: its process becomes the one
 * that carries the cases' reports to the runner. Without the rights the cases load here, and skip what needs mounts.
 */
export async function withOwnMounts(cases: string): Promise<void> {
  const canUnshare = process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0;
  if (!canUnshare) return void (await import(cases));
  const child = spawn('unshare', ['-m', process.execPath, ...process.execArgv, cases], { stdio: 'inherit', env: { ...process.env, [OWN]: 'yes' } });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill('SIGKILL'));
  process.exitCode = await new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? 1)));
}

/** Mounts a small file system in memory; options as `mount -o` takes them. Gone with this process at the latest. */
export function mountSmall(folder: string, options: string): void {
  if (needsMounts !== false) throw new Error(needsMounts);
  mkdirSync(folder, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]);
}

/** Changes its options: more room, read-only. */
export const remount = (folder: string, options: string): void => void execFileSync('mount', ['-o', `remount,${options}`, folder]);

/** Unmounts it, also while something has it open. */
export const unmount = (folder: string): void => void execFileSync('umount', ['-l', folder]);
