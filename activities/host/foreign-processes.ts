/** Which interpreters the processes of this host run, by `/proc`. Starts nothing. */
import { closeSync, constants, openSync, readSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import type { HostContext } from './context.js';
import { asOwner } from './owner.js';
import { readLink, resolvePlace, type Place } from './paths.js';
import { allPids, isDenied, livingProcesses, processStat } from './proc.js';
import { runsFrom, viewProcess, type ProcessView } from './riders-process.js';

const PYTHON = /^(python|pypy)[\d.]*(t|d|-dbg)?$/;
const LIBRARY = /^libpython(\d+\.\d+)t?d?\.so[\d.]*$/;
const DELETED = / \(deleted\)$/;
const MAPS_BYTES = 4 * 1024 * 1024;

/** One interpreter, by whom it is used. */
export interface InUse {
  /** Links resolved. */
  path: string;
  processes: number;
  /** Of them, those that run from no environment of ours; the first one's program and script. */
  outside: number;
  example: string;
  /** Environments that run it or were made from it. */
  links: Set<string>;
  /** Why it can't be asked; null: it can. */
  problem: string | null;
  /** `3.9` where it is a library inside another program; null: an executable. */
  library: string | null;
}

export interface Uses {
  interpreters: InUse[];
  /** Processes that may not be inspected by the agent's user. */
  hidden: number;
  /** Those that have more mapped than is read ({@link readMaps}), with no interpreter in what was. */
  unread: number;
}

/** What runs now, and what the host's environments are made from. Other work of this process goes on between two processes. */
export async function interpretersInUse(ctx: HostContext, signal: AbortSignal): Promise<Uses> {
  const uses = new Map<string, InUse>();
  const places = managedPlaces(ctx);
  for (const place of places) noteEnvironment(uses, place);
  let [hidden, unread] = [0, 0];
  const isOwn = ownProcesses();
  const groups = new Set(ctx.store.fence.groups().map(({ pgid }) => pgid));
  for (const pid of allPids()) {
    let isWhole = true;
    const view = viewProcess(pid, groups, (one) => {
      const maps = readMaps(`/proc/${one}/maps`);
      isWhole = maps?.isWhole ?? true;
      return maps && maps.text;
    });
    if (view && !isOwn(view)) {
      const isFound = noteProcess(uses, places, view);
      if (view.isHidden && pid !== 1) hidden += 1;
      else if (!isWhole && !isFound) unread += 1;
    }
    await breathe();
    signal.throwIfAborted();
  }
  return { interpreters: [...uses.values()].sort((a, b) => (a.path < b.path ? -1 : 1)), hidden, unread };
}

/** Environments of this host that can be looked at now. */
export function managedPlaces(ctx: HostContext): Place[] {
  const links = new Set([...ctx.agentFile.environments, ...ctx.store.leases.all()].map(({ link }) => link));
  return [...links].flatMap((link) => {
    try {
      return [resolvePlace(ctx, { host: ctx.host, link })];
    } catch {
      return [];
    }
  });
}

/** Whether this agent started it, before or during the look: a probe of an interpreter is no use of it. */
function ownProcesses(): (view: ProcessView) => boolean {
  const own = new Set(livingProcesses().filter(({ ppid }) => ppid === process.pid).map(({ pgrp }) => pgrp));
  return ({ stat: { ppid, pgrp } }) => own.has(pgrp) || ppid === process.pid || processStat(pgrp)?.ppid === process.pid;
}

/**
 * What a process has mapped: whole lines of the first 4 MiB (that is 40,000 of usual length; the kernel allows 65,530, each with a path of
 * 4 KiB, and whoever runs a process chooses them). Null: it may not be read; empty: the process is gone.
 */
export function readMaps(path: string): { text: string; isWhole: boolean } | null {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY);
    const bytes = Buffer.alloc(MAPS_BYTES);
    let length = 0;
    for (let got = 1; got > 0 && length < MAPS_BYTES; length += got) got = readSync(file, bytes, length, MAPS_BYTES - length, null);
    const text = bytes.toString('latin1', 0, length);
    return length < MAPS_BYTES ? { text, isWhole: true } : { text: text.slice(0, text.lastIndexOf('\n') + 1), isWhole: false };
  } catch (error) {
    return isDenied(error) ? null : { text: '', isWhole: true };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function noteEnvironment(uses: Map<string, InUse>, place: Place): void {
  const { treePath } = readLink(place);
  if (treePath === null) return;
  try {
    const path = asOwner(place.owner, () => realpathSync(join(treePath, 'bin/python')));
    useOf(uses, path).links.add(place.link);
  } catch {
    // Its base is gone: that is the environment's own finding.
  }
}

/** Whether it runs an interpreter. */
function noteProcess(uses: Map<string, InUse>, places: Place[], view: ProcessView): boolean {
  const found = executableOf(view) ?? libraryOf(view.loaded);
  if (!found) return false;
  const use = useOf(uses, found.path);
  use.processes += 1;
  use.problem ??= found.problem;
  use.library ??= found.library;
  const place = places.find(({ link, venvsDir }) => runsFrom(view, link) || runsFrom(view, venvsDir));
  if (place) use.links.add(place.link);
  else if ((use.outside += 1) === 1) use.example = view.title;
  return true;
}

function useOf(uses: Map<string, InUse>, path: string): InUse {
  const use = uses.get(path) ?? { path, processes: 0, outside: 0, example: '', links: new Set<string>(), problem: null, library: null };
  uses.set(path, use);
  return use;
}

type Found = Pick<InUse, 'path' | 'problem' | 'library'>;

/** The process's own executable, if it is a Python. `/proc/PID/exe` names it without links, in the process's own file system. */
function executableOf({ stat: { pid } }: ProcessView): Found | null {
  let exe: string;
  try {
    exe = readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return null; // Gone, a kernel thread, or hidden: counted.
  }
  const path = exe.replace(DELETED, '');
  if (!PYTHON.test(basename(path))) return null;
  return { path, problem: DELETED.test(exe) ? 'it was removed or replaced since the process began' : otherFile(pid, path), library: null };
}

/** In a container the same path means another file; null: it is this one. */
function otherFile(pid: number, path: string): string | null {
  try {
    const [own, here] = [statSync(`/proc/${pid}/exe`), statSync(path, { throwIfNoEntry: false })];
    return here && own.dev === here.dev && own.ino === here.ino ? null : 'it lies in another file system (a container), where the agent starts nothing';
  } catch (error) {
    return isDenied(error) ? 'it may not be looked at by the agent\'s user' : 'it has just gone';
  }
}

/** Python inside another program (uwsgi, mod_wsgi), by what it has mapped. Looks at each line once: any user may choose what stands there. */
export function libraryOf(loaded: string): Found | null {
  for (let at = loaded.indexOf('/libpython'); at >= 0; ) {
    const end = loaded.indexOf('\n', at);
    const line = loaded.slice(loaded.lastIndexOf('\n', at) + 1, end < 0 ? undefined : end);
    const path = line.slice(line.indexOf('/')).replace(DELETED, '');
    const [, library] = LIBRARY.exec(basename(path)) ?? [];
    if (library) return { path, problem: 'it is a library inside another program', library };
    at = end < 0 ? -1 : loaded.indexOf('/libpython', end);
  }
  return null;
}
