/** The version that an environment's interpreter tells by itself; asked once for as long as its files stay as they are. */
import { spawnSync } from 'node:child_process';
import { realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Standing } from './environment.js';
import { isSettled, problemOf, stampAt, stampOf } from './files.js';
import type { KnownInterpreter, Memory } from './memory.js';
import { couldNotTell, notCompliant, type GuardRefusal } from './refusal.js';

/** It answers in 20 to 300 ms; one that takes this long hangs. */
const LIMIT_MS = 20_000;

/** No `site`: what is installed in the tree has no say. `sys.version` has the plus sign of a build between releases. */
const QUESTION = `
import json, posix, sys
libraries = set()
try:
    with open("/proc/self/maps") as maps:
        libraries = {line.split(None, 5)[5].rstrip("\\n") for line in maps if "/libpython" in line or "/libpypy" in line}
    itself = posix.readlink("/proc/self/exe")
except OSError:
    itself = None
print(json.dumps({"version": sys.version.split()[0], "implementation": sys.implementation.name, "itself": itself, "libraries": sorted(libraries)}))
`;

/** Version and implementation. `env`: as the command will get it. Throws `GuardRefusal`: 1 where it does not run, 69 where it did not answer. */
export function measureInterpreter({ link, tree, target }: Standing, env: NodeJS.ProcessEnv, memory: Memory, now: number): Pick<KnownInterpreter, 'version' | 'implementation'> {
  const python = path.join(tree, 'bin', 'python');
  const gone = (got: string) => notCompliant(`interpreter of ${link}`, 'one that runs', got, `runbook env reset ${target} --reason "its interpreter is gone" rebuilds it`);
  const file = resolve(python, now, gone);
  // These choose the library, and with it the version.
  const key = [file.realpath, env['LD_LIBRARY_PATH'] ?? '', env['LD_PRELOAD'] ?? ''].join('\0');
  const known = memory.get('interpreters', key);
  if (known?.stamp === file.stamp && isSame(known)) return known;
  const { itself, libraries, ...told } = ask(python, env, gone);
  const stamps = stampsOf(libraries, now);
  // A launcher that starts something else says nothing by its own state, and a file that changed just now may change again.
  const isKnowable = itself === file.realpath && file.isSettled && stampAt(file.realpath) === file.stamp;
  if (isKnowable && stamps) memory.put('interpreters', key, { stamp: file.stamp, ...told, libraries: stamps });
  return told;
}

function resolve(python: string, now: number, gone: (got: string) => GuardRefusal): { realpath: string; stamp: string; isSettled: boolean } {
  try {
    const realpath = realpathSync.native(python);
    const stat = statSync(realpath, { bigint: true });
    return { realpath, stamp: stampOf(stat), isSettled: isSettled(stat, now) };
  } catch (error) {
    throw gone((error as NodeJS.ErrnoException).code === 'ENOENT' ? `${python} leads to nothing` : problemOf(error));
  }
}

function isSame(known: KnownInterpreter): boolean {
  try {
    return typeof known.version === 'string' && typeof known.implementation === 'string' && known.libraries.every(({ path: file, stamp }) => stampAt(file) === stamp);
  } catch {
    return false;
  }
}

/** Stamps of the libraries; null where one can't be known again. */
function stampsOf(libraries: string[], now: number): KnownInterpreter['libraries'] | null {
  try {
    const stats = libraries.map((file) => ({ path: file, stat: statSync(file, { bigint: true }) }));
    return stats.every(({ stat }) => isSettled(stat, now)) ? stats.map(({ path: file, stat }) => ({ path: file, stamp: stampOf(stat) })) : null;
  } catch {
    return null;
  }
}

interface Answer {
  version: string;
  implementation: string;
  /** Executable of the process; null where the system does not tell. */
  itself: string | null;
  libraries: string[];
}

function ask(python: string, env: NodeJS.ProcessEnv, gone: (got: string) => GuardRefusal): Answer {
  const unanswered = (got: string) => couldNotTell(`version of ${python}`, 'an answer', got, 'try again');
  const { status, signal, error, stdout, stderr } = spawnSync(python, ['-I', '-S', '-B', '-c', QUESTION], { env, encoding: 'utf8', timeout: LIMIT_MS, killSignal: 'SIGKILL', stdio: ['ignore', 'pipe', 'pipe'] });
  if (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === 'ETIMEDOUT' ? unanswered(`none in ${LIMIT_MS / 1000} s`) : code === 'EAGAIN' || code === 'ENOMEM' ? unanswered(code) : gone(`${python}: ${code ?? error.message}`);
  }
  if (signal === 'SIGKILL' || signal === 'SIGTERM') throw unanswered(`an end by ${signal}`);
  if (status !== 0) throw gone(`${python}: ${stderr.trim().split('\n').at(-1) || (signal ?? `exit code ${status}`)}`);
  try {
    const { version, implementation, itself, libraries } = JSON.parse(stdout) as Partial<Answer>;
    if (typeof version === 'string' && typeof implementation === 'string' && Array.isArray(libraries)) return { version, implementation, itself: itself ?? null, libraries };
  } catch {
    // Said below, with what it printed.
  }
  throw gone(`${python} that does not tell its version: ${JSON.stringify(stdout.slice(0, 80))}`);
}
