/** Copies of the example project with a live environment on the primary interpreter and the new lock already there. */
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { UV_ENVIRONMENT } from './pythons.js';
import { cleanEnvironment, run } from './run.js';

/** The repository. */
export const ROOT = path.resolve(import.meta.dirname, '../..');
const EXAMPLE = path.join(ROOT, 'examples/pricer');

/** A temporary folder of this benchmark, with its own way to remove it. */
export function workFolder(name: string): { folder: string; remove(): void } {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), `runbook-bench-${name}-`)));
  // Trees are read-only once they are sealed.
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  return { folder, remove };
}

/**
 * Makes `project`: the example, an environment with pip in it as `python -m venv` gives it, the primary lock installed and
 * compiled as pip would have. Then the new lock arrives. None of this is ever part of a measured time.
 */
export async function makeProject(project: string, primary: string, uv: string): Promise<void> {
  mkdirSync(path.dirname(project), { recursive: true });
  cpSync(EXAMPLE, project, { recursive: true, filter: (file) => !/(^|\/)(run|__pycache__|\.venvs?)$/.test(file) });
  const venv = path.join(project, '.venv');
  await run(primary, ['-m', 'venv', venv]);
  const install = ['pip', 'install', '-q', '--python', path.join(venv, 'bin/python'), '--no-deps', '--only-binary', ':all:', '--link-mode', 'copy', '--compile-bytecode'];
  await run(uv, [...install, '-r', path.join(project, 'requirements-primary.lock')], { env: cleanEnvironment(UV_ENVIRONMENT) });
  copyFileSync(path.join(project, 'requirements-new.lock'), path.join(project, 'requirements.txt'));
}
