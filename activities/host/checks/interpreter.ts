/** Which interpreter answers for a project, and what it says of itself: started, never inferred (DEF-02). */
import { existsSync, lstatSync, realpathSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { EnvironmentFacts, InterpreterFacts, VirtualFacts } from '../../../policy/checks/facts.js';
import { readPlain } from '../../plain-file.js';
import type { CommandResult } from '../command.js';
import { asOwner } from '../owner.js';
import { pythonText } from '../python-text.js';
import { lastJson, startPython, starterOf, throwIfEnded, whyFailed, type Measuring } from './context.js';
import { readConfig } from './pyvenv.js';

/** What `check_environment.py` tells. */
export interface Told {
  version: string;
  implementation: string;
  prefix: string;
  basePrefix: string;
  markers: { system: string; machine: string; platform_release: string; platform_version: string };
  packages: { name: string; version: string; requires: string[] }[];
}

export interface Found {
  foundBy: EnvironmentFacts['foundBy'];
  /** As it is called; null: nothing is found. */
  executable: string | null;
}

/** First `python3` on the search path; null: none. */
export function pythonOnPath(path: string | undefined): string | null {
  const folders = (path ?? '').split(':').filter(isAbsolute);
  return folders.map((folder) => join(folder, 'python3')).find((file) => existsSync(file)) ?? null;
}

/** The link's interpreter where anything stands at the link; else that of VIRTUAL_ENV; else the first on PATH. */
export function findInterpreter({ place, wanted }: Measuring): Found {
  const isStanding = asOwner(place.owner, () => lstatSync(place.link, { throwIfNoEntry: false })) !== undefined;
  if (isStanding) return { foundBy: 'link', executable: join(place.link, 'bin/python') };
  const active = wanted.env['VIRTUAL_ENV'];
  if (active !== undefined && isAbsolute(active)) return { foundBy: 'VIRTUAL_ENV', executable: join(active, 'bin/python') };
  const executable = pythonOnPath(wanted.env['PATH']);
  return { foundBy: executable === null ? 'nothing' : 'PATH', executable };
}

export interface Asked {
  interpreter: EnvironmentFacts['interpreter'];
  /** Null where it does not run. */
  told: Told | null;
}

/** Starts it: once empty and timed, then for what it is and has. Throws, to be tried again, where others ended it: it has not said no. */
export async function askInterpreter(measuring: Measuring, { executable }: Found): Promise<Asked> {
  if (executable === null) return { interpreter: { ok: false, kind: 'absent', problem: `nothing stands at ${measuring.place.link}, VIRTUAL_ENV is not set, and there is no python3 on PATH` }, told: null };
  const broken = (problem: string): Asked => ({ interpreter: { ok: false, kind: 'broken', problem }, told: null });
  const empty = await startPython(measuring, executable, ['-c', '']);
  throwIfEnded(executable, empty);
  if (empty.failed) return broken(whyFailed(executable, empty));
  const result = await startPython(measuring, executable, ['-c', pythonText('check_environment.py'), JSON.stringify({ packages: true, requires: measuring.wanted.manual })]);
  throwIfEnded(executable, result);
  const told = toldOf(result);
  if (told === null) return broken(result.failed ? whyFailed(executable, result) : `${executable} did not say what it is: got ${JSON.stringify(result.stdout.slice(0, 200))}`);
  const { version, implementation, prefix, basePrefix } = told;
  const value: InterpreterFacts = { executable, realpath: realOf(measuring, executable), version, implementation, isVirtual: prefix !== basePrefix, startupMs: empty.durationMs };
  return { interpreter: { ok: true, value }, told };
}

/** Null: it is no answer of our program, as one gets from something that is no Python. */
function toldOf(result: CommandResult): Told | null {
  const told = result.failed ? null : lastJson<Partial<Told>>(result);
  return typeof told?.version === 'string' && typeof told.prefix === 'string' && Array.isArray(told.packages) ? (told as Told) : null;
}

const realOf = (measuring: Measuring, path: string): string => asOwner(starterOf(measuring), () => realpathSync(path));

/** The virtual environment by its `pyvenv.cfg`, and the interpreter it was made from; null: it is none. Also of an environment that does not run. */
export async function lookAtVirtual(measuring: Measuring, { executable }: Found, told: Told | null): Promise<VirtualFacts | null> {
  const folder = told === null ? (executable === null ? null : join(executable, '../..')) : told.prefix === told.basePrefix ? null : told.prefix;
  if (folder === null) return null;
  const settings = readSettings(measuring, folder);
  if (settings === null) return null;
  return {
    path: realOf(measuring, folder),
    // virtualenv adds the release level: `3.11.7.final.0`.
    configured: settings.get('version') ?? settings.get('version_info')?.replace(/^(\d+\.\d+\.\d+)\.final\.0$/, '$1') ?? null,
    base: await askBase(measuring, settings),
    systemSitePackages: settings.get('include-system-site-packages')?.toLowerCase() === 'true',
  };
}

/** Keys of `pyvenv.cfg` in lower case, as Python reads them; null: there is none. */
function readSettings(measuring: Measuring, folder: string): Map<string, string> | null {
  try {
    const read = asOwner(starterOf(measuring), () => readPlain(join(folder, 'pyvenv.cfg')));
    return read && readConfig(read.text);
  } catch {
    return null;
  }
}

async function askBase(measuring: Measuring, settings: Map<string, string>): Promise<VirtualFacts['base']> {
  const home = settings.get('home');
  const line = /^\d+\.\d+/.exec(settings.get('version') ?? settings.get('version_info') ?? '')?.[0];
  const named = [settings.get('executable'), settings.get('base-executable')].filter((it) => it !== undefined);
  const inHome = home === undefined ? [] : [...(line === undefined ? [] : [`python${line}`]), 'python3', 'python'].map((name) => join(home, name));
  const executable = [...named, ...inHome].find((file) => isAbsolute(file) && existsSync(file));
  if (executable === undefined) return { ok: false, problem: home === undefined ? 'its pyvenv.cfg names no home' : `there is no interpreter in ${home}, from which it was made` };
  const result = await startPython(measuring, executable, ['-S', '-c', pythonText('check_environment.py'), JSON.stringify({ packages: false, requires: false })]);
  const told = toldOf(result);
  return told === null ? { ok: false, problem: whyFailed(executable, result) } : { ok: true, value: { executable, version: told.version } };
}
