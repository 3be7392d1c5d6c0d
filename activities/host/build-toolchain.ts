/** What a source build needs of the host, asked once before any build: a missing compiler costs one start of Python then. */
import { CHILD_PATH } from './command-env.js';
import { runCommand } from './command.js';
import type { HostContext } from './context.js';
import { pythonText } from './python-text.js';
import type { Interpreter, Owner } from '../../policy/model.js';

/** Where each was found; empty: not there. */
export interface Toolchain {
  cc: string;
  /** `Python.h` of the interpreter. */
  header: string;
}

const ASK_TIMEOUT_MS = 30_000;

/** Asks the interpreter, which knows the compiler it was built with. `searchPath`: that of the build. */
export async function toolchainOf(ctx: HostContext, interpreter: Interpreter, owner: Owner, searchPath = CHILD_PATH): Promise<Toolchain> {
  const result = await runCommand({ file: interpreter.realpath, args: ['-I', '-S', '-c', pythonText('build_tools.py'), JSON.stringify({ path: searchPath })], cwd: '/', owner, timeoutMs: ASK_TIMEOUT_MS });
  if (result.failed) throw new Error(`toolchain of ${interpreter.realpath}: expected an answer, got ${result.spawnError ?? result.tail.trim().split('\n').at(-1)}`);
  return JSON.parse(result.stdout) as Toolchain;
}

/** What a build of C code lacks, for people; empty when nothing does. */
export function missingTools(tools: Toolchain): string[] {
  return [...(tools.cc === '' ? ['a C compiler'] : []), ...(tools.header === '' ? ['Python.h'] : [])];
}

/** At most this many builds at once (WF-69). */
const MOST_AT_ONCE = 4;
/** A link of a large C++ extension takes about 2 GB. */
const BYTES_A_BUILD = 4 * 1024 ** 3;

/** WF-69: up to 4 builds at once, one on hosts with few cores or little memory: each build starts compilers of its own. */
export function buildsAtOnce(cores: number, memoryBytes: number): number {
  return Math.max(1, Math.min(MOST_AT_ONCE, Math.floor(cores / 2), Math.floor(memoryBytes / BYTES_A_BUILD)));
}
