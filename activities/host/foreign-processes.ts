/** Which interpreters the processes of this host run, by `/proc`. Starts nothing. */
import { readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { HostContext } from './context.js';
import { asOwner } from './owner.js';
import { readLink, resolvePlace, type Place } from './paths.js';
import { isDenied } from './proc.js';
import { runsFrom, viewProcesses, type ProcessView } from './riders-process.js';

const PYTHON = /^(python|pypy)[\d.]*(t|d|-dbg)?$/;
const LIBRARY = /(\/\S*\/libpython(\d+\.\d+)t?d?\.so[\d.]*)/;
const DELETED = / \(deleted\)$/;

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
}

/** What runs now, and what the host's environments are made from. */
export function interpretersInUse(ctx: HostContext): Uses {
  const uses = new Map<string, InUse>();
  const places = managedPlaces(ctx);
  for (const place of places) noteEnvironment(uses, place);
  const views = otherProcesses(ctx);
  for (const view of views) noteProcess(uses, places, view);
  return { interpreters: [...uses.values()].sort((a, b) => (a.path < b.path ? -1 : 1)), hidden: views.filter(({ isHidden, stat }) => isHidden && stat.pid !== 1).length };
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

/** Without this agent and what it started: a probe of an interpreter is no use of it. */
function otherProcesses(ctx: HostContext): ProcessView[] {
  const views = viewProcesses(new Set(ctx.store.fence.groups().map(({ pgid }) => pgid)));
  const own = new Set(views.filter(({ stat }) => stat.ppid === process.pid).map(({ stat }) => stat.pgrp));
  return views.filter(({ stat }) => !own.has(stat.pgrp));
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

function noteProcess(uses: Map<string, InUse>, places: Place[], view: ProcessView): void {
  const found = executableOf(view) ?? libraryOf(view);
  if (!found) return;
  const use = useOf(uses, found.path);
  use.processes += 1;
  use.problem ??= found.problem;
  use.library ??= found.library;
  const place = places.find(({ link, venvsDir }) => runsFrom(view, link) || runsFrom(view, venvsDir));
  if (place) use.links.add(place.link);
  else if ((use.outside += 1) === 1) use.example = view.title;
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

/** Python inside another program (uwsgi, mod_wsgi). */
function libraryOf({ loaded }: ProcessView): Found | null {
  const [, path, library] = LIBRARY.exec(loaded) ?? [];
  return path && library ? { path, problem: 'it is a library inside another program', library } : null;
}
