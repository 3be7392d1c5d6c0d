/** Python's own `packaging` as the judge of tags, versions and markers; installed once per test file into a folder of its own. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';

/** The release the tag order was taken from. */
const PACKAGING = 'packaging==26.3';

export interface PackagingOracle {
  /** Runs a script that reads JSON from stdin and prints JSON. */
  ask<Answer>(script: string, input: unknown, python?: string): Answer;
  remove(): void;
}

export function installPackaging(): PackagingOracle {
  const folder = mkdtempSync(path.join(tmpdir(), 'packaging-oracle-'));
  execFileSync('python3', ['-m', 'pip', 'install', '-q', '--no-input', '--disable-pip-version-check', '--no-deps', '--target', folder, PACKAGING], { stdio: ['ignore', 'ignore', 'pipe'] });
  return {
    ask(script, input, python = 'python3') {
      const start = `import sys, json\nsys.path.insert(0, ${JSON.stringify(folder)})\nquestion = json.load(sys.stdin)\n`;
      return JSON.parse(execFileSync(python, ['-I', '-c', start + script], { input: JSON.stringify(input), maxBuffer: 64 * 1024 * 1024, encoding: 'utf8' }));
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/** CPython interpreters of this machine that `packaging` runs on: the one on PATH and pyenv's. */
export function installedPythons(): string[] {
  const versions = path.join(process.env['PYENV_ROOT'] ?? path.join(homedir(), '.pyenv'), 'versions');
  const found = readdirOf(versions).filter((it) => /^3\.(9|\d\d)\./.test(it)).map((it) => path.join(versions, it, 'bin/python'));
  return ['python3', ...found];
}

function readdirOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
