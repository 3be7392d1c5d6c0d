/** The interpreters and tools a benchmark uses: found, or installed once into the user's cache. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { runbookPaths } from '../worker/paths.js';
import { run } from './run.js';

/** A `3.12`-style line's interpreter that really runs: from pyenv, PATH or the usual places. Throws with the places looked at. */
export async function findPython(line: string): Promise<string> {
  const pyenv = path.join(process.env['PYENV_ROOT'] ?? path.join(homedir(), '.pyenv'), 'versions');
  const versions = existsSync(pyenv) ? readdirSync(pyenv).filter((name) => name.startsWith(`${line}.`)).map((name) => path.join(pyenv, name, 'bin')) : [];
  const folders = [...versions, ...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/local/bin', '/usr/bin', '/opt/homebrew/bin'];
  for (const folder of folders) {
    const file = path.join(folder, `python${line}`);
    if (existsSync(file) && (await reports(file, line))) return file;
  }
  throw new Error(`Python ${line}: expected an interpreter that runs, found none in ${folders.join(', ')}`);
}

async function reports(file: string, line: string): Promise<boolean> {
  // A pyenv shim exists for every version and fails with 127 for the ones not selected.
  const { stdout } = await run(file, ['-I', '-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], { allow: [0, 1, 127] });
  return stdout.trim() === line;
}

/** `3.12.1` of an interpreter. */
export async function fullVersion(python: string): Promise<string> {
  return (await run(python, ['-I', '-c', 'import platform; print(platform.python_version())'])).stdout.trim();
}

/** The tools the comparisons need; pinned, so that numbers stay comparable. */
const PINS = { uv: 'uv==0.13.8', ansible: 'ansible-core==2.21.5', packaging: 'packaging==26.3' };

const toolFolder = (pin: string): string => path.join(runbookPaths().cacheDir, 'bench', pin.replace('==', '-'));

/** Installs a package into a folder of its own, in one rename: of two processes that do it at once, one wins. */
async function installBeside(pin: string): Promise<string> {
  const folder = toolFolder(pin);
  if (existsSync(folder)) return folder;
  mkdirSync(path.dirname(folder), { recursive: true });
  const draft = mkdtempSync(`${folder}.`);
  await run(await findPython('3.12').catch(() => findPython('3.11')), ['-m', 'pip', 'install', '-q', '--no-deps', '--only-binary=:all:', '--target', draft, pin]);
  try {
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** Path of uv. */
export async function findUv(): Promise<string> {
  return path.join(await installBeside(PINS.uv), 'bin/uv');
}

/** Folder to put on PYTHONPATH for the `packaging` library, and nothing else. */
export function findPackaging(): Promise<string> {
  return installBeside(PINS.packaging);
}

/** Path of `ansible-playbook`, in an environment of its own (3.12 or newer). */
export async function findAnsible(): Promise<string> {
  const venv = toolFolder(PINS.ansible);
  const mark = path.join(venv, 'complete');
  if (!existsSync(mark)) {
    await run(await findPython('3.12'), ['-m', 'venv', '--clear', venv]);
    await run(path.join(venv, 'bin/python'), ['-m', 'pip', 'install', '-q', '--only-binary=:all:', PINS.ansible]);
    writeFileSync(mark, '');
  }
  return path.join(venv, 'bin/ansible-playbook');
}

/** What uv may do here: use the interpreter it is given, fetch none, read no configuration. */
export const UV_ENVIRONMENT = { UV_PYTHON_DOWNLOADS: 'never', UV_NO_CONFIG: '1', UV_NO_PROGRESS: '1' };
