/** What can be seen of a project from outside, for its `runbook.yaml`. Looks, and runs nothing. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { parsePylock, parseRequirementsLock } from '../../policy/lock.js';
import type { Objection, ProjectSettings } from '../../policy/model.js';

export interface DetectedProject {
  name: string;
  lock: string;
  /** Why the lock can't be used as it is; empty when it can. */
  lockProblems: Objection[];
  /** The environment's link, or the directory that would be adopted. */
  link: string;
  importModule: string | null;
  tests: string[];
  /** Why there are none, where there are tests to be seen. */
  testsHint: string | null;
  envPrefix: string;
  /** A file of version variables, where there is one. */
  envFile: string | null;
  /** Files that already name `python_version`. */
  configFiles: ProjectSettings['configFiles'];
}

const LOCK_NAMES = ['pylock.toml', 'requirements.lock', 'requirements.txt'];
const LOCK_PATTERN = /^(requirements.*\.(lock|txt)|pylock\..+\.toml)$/;
const ENVIRONMENT_NAMES = ['.venv', 'venv', 'env', '.env'];
const MODULE = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** A configuration file is a page; what is larger is something else. */
const LARGEST_BYTES = 256 * 1024;

/** The project's lock by its usual names; null where none of them is there. */
export function findLock(project: string): string | null {
  const names = readdirSync(project).sort();
  return LOCK_NAMES.find((name) => names.includes(name)) ?? names.find((name) => LOCK_PATTERN.test(name)) ?? null;
}

/** Everything but the lock's place, which must be known. */
export function detectProject(project: string, lock: string): DetectedProject {
  const name = path.basename(project);
  const { pins, problems } = readLock(path.join(project, lock));
  const { tests, testsHint } = detectTests(project, pins);
  return {
    name, lock, lockProblems: problems,
    link: ENVIRONMENT_NAMES.find((folder) => existsSync(path.join(project, folder, 'pyvenv.cfg'))) ?? '.venv',
    importModule: [name, name.replaceAll('-', '_')].find((module) => MODULE.test(module) && existsSync(path.join(project, module, '__init__.py'))) ?? null,
    tests, testsHint,
    envPrefix: name.toUpperCase().replace(/[^A-Z0-9]+/g, '_').replace(/^[^A-Z]+|_+$/g, '') || 'PROJECT',
    envFile: isFile(path.join(project, '.env')) ? '.env' : null,
    configFiles: detectConfiguration(project),
  };
}

function readLock(file: string): { pins: string[]; problems: Objection[] } {
  const text = readFileSync(file, 'utf8');
  if (!path.basename(file).startsWith('pylock')) {
    const { pins, problems } = parseRequirementsLock(text);
    return { pins: pins.map((pin) => pin.project), problems };
  }
  const { packages, problems } = parsePylock(text);
  return { pins: packages.map((found) => found.project), problems };
}

/** The environment has what the lock has: tests that need pytest can only run where it is locked. */
function detectTests(project: string, pins: string[]): Pick<DetectedProject, 'tests' | 'testsHint'> {
  const folder = ['tests', 'test'].find((name) => existsSync(path.join(project, name)) && statSync(path.join(project, name)).isDirectory());
  if (!folder) return { tests: [], testsHint: null };
  if (pins.includes('pytest')) return { tests: ['-m', 'pytest', '-x', '--tb=short', `${folder}/`], testsHint: null };
  return { tests: [], testsHint: `${folder}/ is there, and the lock has no pytest: add it to the lock, or name what runs them` };
}

function detectConfiguration(project: string): DetectedProject['configFiles'] {
  return readdirSync(project).sort().flatMap((name): DetectedProject['configFiles'] => {
    const file = path.join(project, name);
    const isYaml = /\.ya?ml$/.test(name) && name !== 'runbook.yaml';
    if (!isYaml && !/^\.[A-Za-z0-9]+_config$/.test(name)) return [];
    if (!isFile(file) || statSync(file).size > LARGEST_BYTES) return [];
    const text = readFileSync(file, 'utf8');
    if (isYaml) return namesVersion(text) ? [{ path: name, format: 'yaml' }] : [];
    return /^\s*python_version\s*=/m.test(text) ? [{ path: name, format: 'keyvalue' }] : [];
  });
}

function namesVersion(text: string): boolean {
  try {
    const content: unknown = parse(text);
    return typeof content === 'object' && content !== null && 'python_version' in content;
  } catch {
    return false;
  }
}

const isFile = (file: string): boolean => statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
