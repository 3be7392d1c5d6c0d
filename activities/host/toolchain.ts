/** What this host has for installing wheels and for building them: WF-03, WF-04, WF-63. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Interpreter, Owner } from '../../policy/model.js';
import { MISSING } from '../../policy/system-dependencies.js';
import { toolchainOf } from './build-toolchain.js';
import { CHILD_PATH } from './command-env.js';
import { runCommand } from './command.js';
import type { HostContext, StepScope } from './context.js';
import { discoverInterpreters } from './interpreters.js';
import { mapParallel } from './parallel.js';
import { pythonText } from './python-text.js';

/** WF-63: the compilers by the names people know, and what builds look for beside. */
const PROGRAMS: Record<string, string[]> = {
  linux: ['gcc', 'g++', 'cc', 'c++', 'pkg-config', 'cargo'],
  macosx: ['clang', 'cc', 'c++', 'pkg-config', 'cargo'],
  windows: ['cl', 'cargo'],
};
const ASK_TIMEOUT_MS = 30_000;
const AT_ONCE = 2;

/** What the interpreter says of itself and of its pip. */
export interface PythonFacts {
  /** `platform.platform()`. */
  platform: string;
  pip: string | null;
  wheel: string | null;
  setuptools: string | null;
  /** How many kinds of wheels its pip takes, and the one it likes best. */
  tags: number;
  best: string;
}

/** Null where the interpreter does not run. */
export async function pythonFacts(step: StepScope, interpreter: Interpreter, owner: Owner): Promise<PythonFacts | null> {
  const result = await runCommand({ file: interpreter.realpath, args: ['-I', '-c', pythonText('python_facts.py')], cwd: '/', owner, env: { PYTHONDONTWRITEBYTECODE: '1' }, timeoutMs: ASK_TIMEOUT_MS, scope: step });
  if (result.isCanceled) throw step.signal.reason;
  return result.failed ? null : (JSON.parse(result.stdout) as PythonFacts);
}

/** Path of each program on the search path of builds, and the headers of the interpreter and its neighbours; `missing` where there is none. */
export async function toolchain(ctx: HostContext, interpreter: Interpreter, owner: Owner, searchPath = CHILD_PATH): Promise<Record<string, string>> {
  const programs = (PROGRAMS[interpreter.system] ?? []).map((name) => [name, programPath(name, searchPath) ?? MISSING]);
  const headers = await mapParallel([interpreter, ...(await neighboursOf(ctx, interpreter, owner))], AT_ONCE, async (one) => [`headers ${one.version}`, await headersOf(ctx, one, owner)]);
  return Object.fromEntries([...programs, ...headers]);
}

/** The interpreters next to this one in version, one of each line: each asked costs a start of Python. */
export async function neighboursOf(ctx: HostContext, { version }: Interpreter, owner: Owner): Promise<Interpreter[]> {
  const minor = (text: string): number => Number(text.split('.')[1]);
  const all = (await discoverInterpreters(ctx, owner)).filter((one) => one.implementation === 'cpython' && !one.freeThreaded && /^3\.\d+\.\d+$/.test(one.version));
  const older = all.find((one) => minor(one.version) < minor(version));
  const newer = all.findLast((one) => minor(one.version) > minor(version));
  return [older, newer].filter((one) => one !== undefined);
}

async function headersOf(ctx: HostContext, interpreter: Interpreter, owner: Owner): Promise<string> {
  try {
    return (await toolchainOf(ctx, interpreter, owner)).header || MISSING;
  } catch {
    return 'not known: the interpreter did not answer';
  }
}

function programPath(name: string, searchPath: string): string | null {
  return searchPath.split(':').map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? null;
}

/**
 * WF-03: whether pip is current, and takes wheels.
 * @param newest pip on the index for this interpreter; null where it could not be asked or has none.
 */
export function pipWords(facts: PythonFacts | null, newest: string | null): Record<string, string> {
  const pip = facts?.pip ?? null;
  const age = newest === null ? 'newest not known' : newest === pip ? 'current' : `newest is ${newest}`;
  return {
    pip: pip === null ? MISSING : `${pip} (${age})`,
    'wheel support': facts && facts.tags > 0 ? `${facts.tags} tags, best ${facts.best}` : MISSING,
    wheel: facts?.wheel ?? MISSING,
    setuptools: facts?.setuptools ?? MISSING,
  };
}
