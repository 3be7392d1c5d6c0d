/** The interpreters of this host: found in the usual places, and believed only after they were started. */
import { createHash, randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pep440 from '@renovatebot/pep440';
import type { Interpreter, Owner } from '../../policy/model.js';
import { homeOf } from './command-env.js';
import { throwIfEnded } from './command-failed.js';
import { runCommand } from './command.js';
import type { HostContext } from './context.js';
import { candidate, interpreterPaths } from './interpreter-places.js';
import type { Candidate } from './interpreter-places.js';
import { agentOwner } from './owner.js';
import { mapParallel } from './parallel.js';
import { pythonText } from './python-text.js';

/** A probe takes 80 to 290 ms; one that takes this long hangs. */
const PROBE_TIMEOUT_MS = 20_000;
const PROBES_AT_ONCE = 4;

/** What a file was when it was probed; any difference asks again. */
interface Stamp {
  mtimeMs: number;
  size: number;
  ino: number;
  /** Of the standard library's folder: a package that adds `venv` changes it and not the executable. */
  stdlibMtimeMs: number;
  probe: string;
}
interface Cached extends Stamp {
  stdlib: string;
  interpreter: Omit<Interpreter, 'path'>;
}

/**
 * All interpreters, newest first, each as its own probe reported it. With `owner`, only those this user can run, its
 * own version managers included.
 */
export async function discoverInterpreters(ctx: HostContext, owner?: Owner): Promise<Interpreter[]> {
  const homes = [...new Set([homeOf(agentOwner()), ...(owner ? [homeOf(owner)] : [])])];
  const found = new Map<string, Candidate>();
  for (const path of interpreterPaths(ctx, homes)) {
    const file = candidate(path, ctx.agentFile.interpreters.includes(path));
    if (file && !found.has(file.realpath)) found.set(file.realpath, file);
  }
  const cache = readCache(ctx);
  const before = JSON.stringify([...cache]);
  const probed = await mapParallel([...found.values()], PROBES_AT_ONCE, async (file) => {
    const interpreter = await probeCached(cache, file);
    return interpreter && (!owner || (await canRun(owner, file.realpath))) ? interpreter : null;
  });
  if (JSON.stringify([...cache]) !== before) writeCache(ctx, cache);
  return probed.filter((one) => one !== null).sort((a, b) => pep440.rcompare(a.version, b.version));
}

/** One interpreter by its path; null when it can't be started, is a shim, or is no Python 3. */
export async function probeInterpreter(ctx: HostContext, path: string): Promise<Interpreter | null> {
  const file = candidate(path, ctx.agentFile.interpreters.includes(path));
  if (!file) return null;
  const cache = readCache(ctx);
  const interpreter = await probeCached(cache, file);
  writeCache(ctx, cache);
  return interpreter;
}

/** The interpreter that runs our helpers: the newest final one that `owner` (default: the agent) can run; throws when there is none. */
export async function helperPython(ctx: HostContext, owner?: Owner): Promise<string> {
  const all = await discoverInterpreters(ctx, owner);
  const fits = (one: Interpreter): boolean => one.implementation === 'cpython' && /^3\.\d+\.\d+$/.test(one.version) && !one.missingModules.includes('hashlib') && pep440.gte(one.version, '3.8');
  const helper = all.find(fits);
  if (helper) return helper.realpath;
  const who = owner ? `user ${owner.name}` : 'the agent';
  throw new Error(`no Python for the agent's helpers: expected CPython 3.8 or later that ${who} can run, got ${all.map((one) => one.version).join(', ') || 'none'}; install one, or name it under "interpreters" in the agent file`);
}

/** Starts an environment's interpreter as its owner; `problem` says why it does not run, and is empty when it does. Throws, to be tried again, where others ended it. */
export async function treeInterpreter(ctx: HostContext, treePath: string, owner: Owner): Promise<{ runs: boolean; version: string | null; problem: string }> {
  const file = join(treePath, 'bin/python');
  const result = await runCommand({ file, args: ['-I', '-c', pythonText('version.py')], cwd: '/', owner, env: { PYTHONDONTWRITEBYTECODE: '1' }, timeoutMs: ctx.agentFile.limits.importSeconds * 1000 });
  throwIfEnded(`interpreter of ${treePath}`, result);
  if (result.failed) {
    const why = result.spawnError ?? (result.timedOut ? 'it did not answer in time' : (result.tail.trim().split('\n').at(-1) ?? ''));
    return { runs: false, version: null, problem: `${file} does not run: ${why || `exit code ${result.exitCode}`}` };
  }
  try {
    const { version } = JSON.parse(result.stdout.trim().split('\n').at(-1)!) as { version: string };
    return { runs: true, version, problem: '' };
  } catch {
    return { runs: false, version: null, problem: `${file} did not report its version: got ${JSON.stringify(result.stdout.slice(0, 200))}` };
  }
}

/** What an interpreter said when it was last probed, if its file is still the same; starts nothing. */
export function knownInterpreter(ctx: HostContext, realpath: string): Interpreter | null {
  return unchanged(readCache(ctx), { path: realpath, realpath });
}

function unchanged(cache: Map<string, Cached>, { path, realpath }: Pick<Candidate, 'path' | 'realpath'>): Interpreter | null {
  const known = cache.get(realpath);
  if (!known) return null;
  const was = { mtimeMs: known.mtimeMs, size: known.size, ino: known.ino, stdlibMtimeMs: known.stdlibMtimeMs, probe: known.probe };
  return JSON.stringify(stamp(realpath, known.stdlib)) === JSON.stringify(was) ? { path, ...known.interpreter } : null;
}

async function probeCached(cache: Map<string, Cached>, file: Candidate): Promise<Interpreter | null> {
  const known = unchanged(cache, file);
  if (known) return known;
  cache.delete(file.realpath);
  const result = await runCommand({ file: file.realpath, args: ['-I', '-c', pythonText('probe.py')], cwd: '/', owner: probeUser(file.realpath), env: { PYTHONDONTWRITEBYTECODE: '1' }, timeoutMs: PROBE_TIMEOUT_MS });
  if (result.failed) return null;
  try {
    const { stdlib, ...facts } = JSON.parse(result.stdout) as Omit<Interpreter, 'path' | 'realpath'> & { stdlib: string };
    const interpreter = { realpath: file.realpath, ...facts };
    cache.set(file.realpath, { ...stamp(file.realpath, stdlib), stdlib, interpreter });
    return { path: file.path, ...interpreter };
  } catch {
    return null;
  }
}

/** A root agent must not run as root what another user could have put there: it probes as the first such user. */
function probeUser(realpath: string): Owner {
  const self = agentOwner();
  if (self.uid !== 0) return self;
  for (let path = realpath; ; path = dirname(path)) {
    const stat = lstatSync(path);
    if (stat.uid !== 0) return { uid: stat.uid, gid: stat.gid, name: String(stat.uid) };
    if (path === '/') return self;
  }
}

const runnable = new Map<string, Promise<boolean>>();

/** Whether this user can start it: folders above may be closed to others (a home folder of mode 700). */
function canRun(owner: Owner, realpath: string): Promise<boolean> {
  const self = agentOwner();
  if (owner.uid === self.uid) return Promise.resolve(true);
  const key = `${owner.uid}:${realpath}:${statSync(realpath).ino}`;
  let known = runnable.get(key);
  if (!known) {
    known = runCommand({ file: realpath, args: ['-I', '-S', '-c', ''], cwd: '/', owner, timeoutMs: PROBE_TIMEOUT_MS }).then((result) => !result.failed);
    runnable.set(key, known);
  }
  return known;
}

let probeDigest = '';
function stamp(realpath: string, stdlib: string | undefined): Stamp {
  probeDigest ||= createHash('sha256').update(pythonText('probe.py')).digest('hex');
  const { mtimeMs, size, ino } = statSync(realpath);
  return { mtimeMs, size, ino, stdlibMtimeMs: stdlib === undefined ? 0 : (statSync(stdlib, { throwIfNoEntry: false })?.mtimeMs ?? 0), probe: probeDigest };
}

const cachePath = (ctx: HostContext): string => join(ctx.stateDir, 'interpreters.json');

function readCache(ctx: HostContext): Map<string, Cached> {
  try {
    return new Map(Object.entries(JSON.parse(readFileSync(cachePath(ctx), 'utf8')) as Record<string, Cached>));
  } catch {
    return new Map();
  }
}

/** Whole or not at all; two writers leave the later one's answers, and what is lost is only asked again. */
function writeCache(ctx: HostContext, cache: Map<string, Cached>): void {
  mkdirSync(ctx.stateDir, { recursive: true });
  const temporary = `${cachePath(ctx)}.${randomBytes(6).toString('hex')}`;
  writeFileSync(temporary, JSON.stringify(Object.fromEntries(cache)), { mode: 0o600 });
  renameSync(temporary, cachePath(ctx));
}
