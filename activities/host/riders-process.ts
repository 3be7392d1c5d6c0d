/** Processes that run from an environment. */
import { readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Owner, Rider } from '../../policy/model.js';
import { OP_VARIABLE, allPids, processFile, processStat, type ProcessStat } from './proc.js';

/** One process, as far as it concerns environments. */
export interface ProcessView {
  stat: ProcessStat;
  uid: number;
  /** Program and script on one line. Not its further arguments: they may hold secrets, and riders go on record. */
  title: string;
  /** Its whole command line. */
  args: string;
  /** Paths that say where its code comes from: interpreter and script, as given and made absolute. */
  code: string;
  /** Files it has mapped, and its executable. */
  loaded: string;
  cwd: string;
  /** Set when the kernel would not show it to us. */
  isHidden: boolean;
}

/** Hidden by their own wish, and never a Python of anybody's environment. */
const HIDES_ITSELF = /^(sshd|sshd-session|ssh-agent|\(sd-pam\)|gpg-agent|sudo|su|fusermount3?|dumpcap|login)$/;
const PYTHON = /^(python|pypy)[\d.]*t?$/;

/**
 * Everything that runs now, except this process and the children of orders (`ownGroups`: their process groups). A
 * service that one of them restarted has left that group, and counts.
 */
export function viewProcesses(ownGroups: ReadonlySet<number>): ProcessView[] {
  return allPids().flatMap((pid) => viewProcess(pid, ownGroups) ?? []);
}

/** One of them; null: it is none of those. `mapsOf`: reads what it has mapped, null where that may not be read. */
export function viewProcess(pid: number, ownGroups: ReadonlySet<number>, mapsOf = (one: number): string | null => processFile(one, 'maps')): ProcessView | null {
  const stat = pid === process.pid ? null : processStat(pid);
  // Kernel threads and their parent have no code of anybody's.
  if (!stat || stat.state === 'Z' || stat.state === 'X' || stat.ppid === 2 || pid === 2) return null;
  const environ = processFile(pid, 'environ');
  if (ownGroups.has(stat.pgrp) && environ?.includes(`${OP_VARIABLE}=`)) return null;
  return viewOf(stat, environ, mapsOf(pid));
}

function viewOf(stat: ProcessStat, environ: string | null, maps: string | null): ProcessView {
  const { pid } = stat;
  const args = (processFile(pid, 'cmdline') ?? '').split('\0').filter((arg) => arg !== '');
  const name = (processFile(pid, 'comm') ?? '').trim();
  const exe = linkOf(pid, 'exe');
  const cwd = linkOf(pid, 'cwd') ?? '';
  const isHidden = (environ === null || maps === null || exe === null) && !HIDES_ITSELF.test(name);
  const code = codeOf(args, exe ?? '', maps ?? '', cwd, environ ?? '');
  return { stat, uid: uidOf(pid), title: titleOf(args) || name, args: args.join('\0'), code, loaded: `${maps ?? ''}\n${exe ?? ''}`, cwd, isHidden };
}

function titleOf([program = '', ...rest]: string[]): string {
  const module = rest[0] === '-m' ? `-m ${rest[1] ?? ''}` : '';
  const script = rest.find((arg) => !arg.startsWith('-')) ?? '';
  const shown = module || (rest.includes('-c') ? '-c' : script);
  return `${program} ${shown}`.replace(/[\0-\x1f\x7f]+/g, ' ').trim().slice(0, 120);
}

/** Only what says where code comes from: a log, an editor or this product's own commands may name an environment too. */
function codeOf(args: string[], exe: string, maps: string, cwd: string, environ: string): string {
  const [first = '', ...rest] = args;
  if (PYTHON.test(basename(exe).replace(/ \(deleted\)$/, ''))) {
    const script = rest.find((arg) => !arg.startsWith('-')) ?? '';
    const isModule = rest.some((arg) => arg === '-c' || arg === '-m');
    const paths = [...spellings(first, cwd), ...(isModule ? [] : spellings(script, cwd))];
    // Found on PATH: the interpreter's own place stands nowhere, but whose environment it was found in does.
    return [...paths, first.includes('/') ? '' : environ].join('\0');
  }
  // Python inside another program (uwsgi, mod_wsgi) is told its environment by an argument or a variable.
  return /\/libpython[\d.]+t?\.so/.test(maps) ? [first, ...rest, environ].join('\0') : '';
}

/** A path as given, made absolute, and with its folder's links followed (another link may lead into the project). */
function spellings(path: string, cwd: string): string[] {
  if (!path.includes('/')) return [path];
  const absolute = resolve(cwd || '/', path);
  const environment = dirname(dirname(absolute));
  try {
    return [absolute, join(realpathSync(dirname(environment)), basename(environment), '/')];
  } catch {
    return [absolute];
  }
}

function linkOf(pid: number, name: 'exe' | 'cwd'): string | null {
  try {
    return readlinkSync(`/proc/${pid}/${name}`);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ESRCH' ? '' : null;
  }
}

function uidOf(pid: number): number {
  return Number(/^Uid:\s+\d+\s+(\d+)/m.exec(processFile(pid, 'status') ?? '')?.[1] ?? -1);
}

/** Whether a text names this very path or something below it: `/srv/a/.venv` is not named by `/srv/a/.venvs` or `/srv/a/.venv.old`. */
export function namesPath(text: string, path: string): boolean {
  for (let at = text.indexOf(path); at >= 0; at = text.indexOf(path, at + 1)) {
    const before = text[at - 1] ?? ' ';
    const after = text[at + path.length] ?? ' ';
    if (!/[\w./-]/.test(before) && !/[\w.-]/.test(after)) return true;
  }
  return false;
}

/** Whether the process runs code from below the path. */
export const runsFrom = (view: ProcessView, path: string): boolean => namesPath(view.code, path) || namesPath(view.loaded, path);

/** Whether it can't be inspected and could be one of the owner's services. The machine's first process is nobody's service. */
export const couldBelongTo = (view: ProcessView, owner: Owner): boolean => view.isHidden && view.uid === owner.uid && view.stat.pid !== 1;

/** The rider that people read about. */
export const processRider = (view: ProcessView): Rider => ({ kind: 'process', id: String(view.stat.pid), what: view.title });
